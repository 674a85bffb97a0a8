"""Keeping how mirrors did from one pull to the next. Values in, values out, no rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import select

from indextts_hub.db.models import MirrorScore
from indextts_hub.db.session import Database

__all__ = ["MirrorRecord", "read_mirror_records", "write_mirror_records"]


@dataclass(frozen=True, slots=True)
class MirrorRecord:
    """How a mirror did.

    Attributes:
        latency_seconds: to the first byte; None before the first answer.
        bytes_per_second: on one connection; None before the first answer.
        failures: in a row, since the last success.
        closed_until: not asked before others until then; None if it is asked normally.
    """

    mirror: str
    latency_seconds: float | None
    bytes_per_second: float | None
    successes: int
    failures: int
    lies: int
    closed_until: datetime | None


def read_mirror_records(database: Database) -> list[MirrorRecord]:
    """What is remembered of every mirror, by name.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        return [
            MirrorRecord(
                row.mirror, row.latency_seconds, row.bytes_per_second, row.successes, row.failures, row.lies, row.closed_until
            )
            for row in session.exec(select(MirrorScore).order_by(MirrorScore.mirror))
        ]


def write_mirror_records(database: Database, records: Iterable[MirrorRecord]) -> None:
    """Remember these instead of what was remembered of the same mirrors.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    now = datetime.now(UTC)
    with database.session() as session:
        for record in records:
            session.merge(
                MirrorScore(
                    mirror=record.mirror,
                    latency_seconds=record.latency_seconds,
                    bytes_per_second=record.bytes_per_second,
                    successes=record.successes,
                    failures=record.failures,
                    lies=record.lies,
                    closed_until=record.closed_until,
                    updated=now,
                )
            )
