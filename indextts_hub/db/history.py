"""Writing down, and asking for, what was pulled from where and which licences were accepted. Values in, values out, no rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, func, select

from indextts_hub.db.models import LicenseAcceptance, Pull, Transfer
from indextts_hub.db.session import Database
from indextts_hub.manifest import Digest

__all__ = [
    "AcceptedLicense",
    "FileTransfer",
    "MirrorUse",
    "PullRecord",
    "accept_license",
    "accepted_licenses",
    "mirror_uses",
    "pulls_of",
    "record_pull",
    "transfers_of_blob",
]


@dataclass(frozen=True, slots=True)
class FileTransfer:
    """What one mirror gave to one file: bytes and chunks that were kept, and what went wrong.

    Attributes:
        ranges: of the file, each from its first byte to the one after its last; also those that an interrupted pull had brought.
    """

    path: str
    sha256: Digest
    mirror: str
    bytes: int
    chunks: int
    errors: tuple[str, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PullRecord:
    """One pull of a version: when it began, by whom (`user@host`), how it ended (`done` or an error's code), what it took."""

    at: datetime
    by: str
    version: str
    digest: Digest
    outcome: str
    seconds: float
    bytes_total: int
    bytes_fetched: int
    bytes_wasted: int
    transfers: tuple[FileTransfer, ...] = ()


@dataclass(frozen=True, slots=True)
class MirrorUse:
    """What one mirror gave to one pull.

    Attributes:
        at: when the pull began.
        bytes: that were kept, of all files.
        seconds: that the whole pull took.
        errors: what went wrong, each once.
    """

    at: datetime
    version: str
    bytes: int
    seconds: float
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AcceptedLicense:
    """Who accepted which licence for which version, and when."""

    at: datetime
    by: str
    version: str
    digest: Digest
    license: str
    url: str | None = None


def record_pull(database: Database, pull: PullRecord) -> None:
    """Write a pull down with what each mirror gave, all or nothing.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = Pull(
            at=pull.at,
            by=pull.by,
            version=pull.version,
            digest=pull.digest,
            outcome=pull.outcome,
            seconds=pull.seconds,
            bytes_total=pull.bytes_total,
            bytes_fetched=pull.bytes_fetched,
            bytes_wasted=pull.bytes_wasted,
        )
        session.add(row)
        session.flush()
        session.add_all(_transfer_rows(row.id or 0, pull.transfers))


def pulls_of(database: Database, digest: Digest) -> list[PullRecord]:
    """Every pull of a version, the latest first.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        rows = session.exec(select(Pull).where(Pull.digest == digest).order_by(col(Pull.at).desc(), col(Pull.id).desc())).all()
        gave: dict[int | None, list[FileTransfer]] = {row.id: [] for row in rows}
        for given in session.exec(
            select(Transfer).where(col(Transfer.pull_id).in_([row.id for row in rows])).order_by(col(Transfer.id))
        ):
            gave[given.pull_id].append(_transfer(given))
        return [_pull(row, gave[row.id]) for row in rows]


def mirror_uses(database: Database, most: int) -> dict[str, list[MirrorUse]]:
    """What each mirror gave to its last pulls, at most so many of each, the first first.

    Raises:
        StorageError: as `Database.reading`.
    """
    number = func.row_number().over(partition_by=col(Transfer.mirror), order_by=col(Transfer.pull_id).desc())
    gave = select(
        col(Transfer.mirror).label("mirror"), col(Transfer.pull_id).label("pull_id"),
        func.sum(col(Transfer.bytes)).label("bytes"), number.label("number"),
    ).group_by(col(Transfer.mirror), col(Transfer.pull_id)).subquery()  # fmt: skip
    latest = select(gave.c.mirror, gave.c.pull_id, gave.c.bytes, Pull).join(Pull, col(Pull.id) == gave.c.pull_id)
    found: dict[str, list[MirrorUse]] = {}
    with database.reading() as session:
        rows = session.exec(latest.where(gave.c.number <= most).order_by(gave.c.pull_id)).all()
        wrong: dict[tuple[str, int], list[str]] = {}
        for given in session.exec(select(Transfer).where(col(Transfer.pull_id).in_({row[1] for row in rows}))):
            wrong.setdefault((given.mirror, given.pull_id), []).extend(given.errors)
        for mirror, pull_id, count, pull in rows:
            errors = tuple(dict.fromkeys(wrong.get((mirror, pull_id), [])))
            found.setdefault(mirror, []).append(MirrorUse(pull.at, pull.version, int(count), pull.seconds, errors))
    return found


def transfers_of_blob(database: Database, sha256: Digest) -> list[FileTransfer]:
    """Where a blob's bytes came from, the latest transfer first.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        rows = session.exec(select(Transfer).where(Transfer.sha256 == sha256).order_by(col(Transfer.id).desc())).all()
        return [_transfer(row) for row in rows]


def accept_license(database: Database, accepted: AcceptedLicense) -> None:
    """Write down that someone accepted a version's licence.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.add(
            LicenseAcceptance(
                at=accepted.at,
                by=accepted.by,
                version=accepted.version,
                digest=accepted.digest,
                license=accepted.license,
                url=accepted.url,
            )
        )


def accepted_licenses(database: Database, digest: Digest) -> list[AcceptedLicense]:
    """Who accepted the licences of a version, the first first.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        rows = session.exec(
            select(LicenseAcceptance).where(LicenseAcceptance.digest == digest).order_by(col(LicenseAcceptance.id))
        ).all()
        return [AcceptedLicense(row.at, row.by, row.version, Digest(row.digest), row.license, row.url) for row in rows]


def _transfer_rows(pull_id: int, transfers: Iterable[FileTransfer]) -> list[Transfer]:
    return [
        Transfer(
            pull_id=pull_id,
            path=transfer.path,
            sha256=transfer.sha256,
            mirror=transfer.mirror,
            bytes=transfer.bytes,
            chunks=transfer.chunks,
            errors=list(transfer.errors),
            ranges=[list(extent) for extent in transfer.ranges],
        )
        for transfer in transfers
    ]


def _transfer(row: Transfer) -> FileTransfer:
    ranges = tuple((start, stop) for start, stop in row.ranges)
    return FileTransfer(row.path, Digest(row.sha256), row.mirror, row.bytes, row.chunks, tuple(row.errors), ranges)


def _pull(row: Pull, transfers: Sequence[FileTransfer]) -> PullRecord:
    return PullRecord(
        row.at, row.by, row.version, Digest(row.digest), row.outcome, row.seconds,
        row.bytes_total, row.bytes_fetched, row.bytes_wasted, tuple(transfers),
    )  # fmt: skip
