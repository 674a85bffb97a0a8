"""A copy of the log in the database, to search in. The log is the truth: a copy that does not follow from it is made anew.

Importing this room costs what the database costs; whoever only writes events imports `indextts_hub.audit`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlmodel import Session, col, delete, select

from indextts_hub.audit.events import AuditEvent, encode_event, line_digest, parse_event
from indextts_hub.audit.log import AuditLog
from indextts_hub.db import Database, Event
from indextts_hub.manifest import Digest

__all__ = ["EventQuery", "Place", "copy_events", "find_events"]

# A transaction of this many rows takes some 50 ms, so that nobody waits long for the database.
BATCH = 1000


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events: all that agree with what is not None.

    Attributes:
        since: not before this moment.
        until: before this moment.
        limit: at most so many, the latest first.
    """

    act: str | None = None
    subject: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was copied: where the last line begins and ends in the file, and its digest."""

    start: int
    end: int
    digest: Digest


def copy_events(log: AuditLog, database: Database, last: Place | None = None) -> tuple[int, Place | None]:
    """Bring the copy up to the log.

    Args:
        last: what the last call gave back: then only what is behind it is read. The line there is held against it; if it is
            another, the whole log is read again.

    Returns:
        How many events were added, and how far the log was copied; None for an empty one.

    Raises:
        IntegrityError: E_EVENT, at a line that is no event; those before it are copied.
        Busy, StorageError: as `Database.session` and `AuditLog.events`.
    """
    if last is not None and line_digest(next(log.lines(last.start), b"")) == last.digest:
        return _copy(log.lines(last.end), last, database)
    lines, place = log.lines(), None
    copied = _copied(database)
    if copied is not None:
        at = 0
        for line in islice(lines, copied[0] + 1):
            place = Place(at, at + len(line), line_digest(line))
            at = place.end
        if place is None or place.digest != copied[1]:
            # A log from elsewhere, or one that was changed: what was copied from another is forgotten.
            with database.session() as session:
                session.exec(delete(Event))
            lines, place = log.lines(), None
    return _copy(lines, place, database)


def _copy(lines: Iterator[bytes], place: Place | None, database: Database) -> tuple[int, Place | None]:
    added = 0
    while batch := list(islice(lines, BATCH)):
        with database.session() as session:
            _add(session, map(parse_event, batch))
        added += len(batch)
        end = (place.end if place else 0) + sum(map(len, batch))
        place = Place(end - len(batch[-1]), end, line_digest(batch[-1]))
    return added, place


def find_events(database: Database, query: EventQuery) -> list[AuditEvent]:
    """Search the copy; the latest first.

    Raises:
        StorageError: as `Database.reading`.
    """
    wanted = select(Event).order_by(col(Event.seq).desc()).limit(query.limit)
    for column, value in ((Event.act, query.act), (Event.subject, query.subject), (Event.actor, query.actor)):
        if value is not None:
            wanted = wanted.where(col(column) == value)
    if query.since is not None:
        wanted = wanted.where(col(Event.at) >= query.since)
    if query.until is not None:
        wanted = wanted.where(col(Event.at) < query.until)
    with database.reading() as session:
        return [
            AuditEvent(row.seq, row.at, row.actor, row.act, row.subject, row.outcome, row.details, Digest(row.previous))
            for row in session.exec(wanted)
        ]


def _copied(database: Database) -> tuple[int, Digest] | None:
    with database.reading() as session:
        last = session.exec(select(Event).order_by(col(Event.seq).desc()).limit(1)).first()
        return None if last is None else (last.seq, Digest(last.line_sha256))


def _add(session: Session, events: Iterable[AuditEvent]) -> None:
    session.add_all(
        Event(
            seq=event.seq,
            at=event.at,
            actor=event.actor,
            act=event.act,
            subject=event.subject,
            outcome=event.outcome,
            details=dict(event.details),
            previous=event.previous,
            line_sha256=line_digest(encode_event(event)),
        )
        for event in events
    )
