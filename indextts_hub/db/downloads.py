"""What clients were given of which version, by the day. Values in, values out, no rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlmodel import col, select

from indextts_hub.db.models import Download
from indextts_hub.db.session import Database

__all__ = ["DownloadRecord", "add_downloads", "find_downloads"]


@dataclass(frozen=True, slots=True)
class DownloadRecord:
    """What one client was given of one version on one day.

    Attributes:
        day: in UTC.
        version: its name; `-` for a file that is of none any more.
        client: a key's name and id, or an address.
        files: how many were begun with their first byte.
    """

    day: date
    version: str
    client: str
    files: int
    bytes: int


def add_downloads(database: Database, records: Iterable[DownloadRecord]) -> None:
    """Add these to what was given.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        for record in records:
            client = record.client[:255]
            row = session.get(Download, (record.day, record.version, client))
            row = row or Download(day=record.day, version=record.version, client=client, files=0, bytes=0)
            row.files += record.files
            row.bytes += record.bytes
            session.add(row)
            session.flush()


def find_downloads(database: Database, since: date | None, until: date | None, limit: int) -> list[DownloadRecord]:
    """What was given, the latest day first, then what most was given of.

    Args:
        since, until: the first and the last day; None: no bound.

    Raises:
        StorageError: as `Database.reading`.
    """
    wanted = select(Download)
    if since is not None:
        wanted = wanted.where(col(Download.day) >= since)
    if until is not None:
        wanted = wanted.where(col(Download.day) <= until)
    order = (col(Download.day).desc(), col(Download.bytes).desc(), col(Download.version), col(Download.client))
    with database.reading() as session:
        found = session.exec(wanted.order_by(*order).limit(limit))
        return [DownloadRecord(row.day, row.version, row.client, row.files, row.bytes) for row in found]
