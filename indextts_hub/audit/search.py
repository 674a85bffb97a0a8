"""A copy of the log in the database, to search in. The log is the truth: a copy that does not follow from it is made anew.

Importing this room costs what the database costs; whoever only writes events imports `indextts_hub.audit`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlmodel import Session, col, delete, select

from indextts_hub.audit.events import AuditEvent, encode_event, line_digest, parse_event
from indextts_hub.audit.log import AuditLog
from indextts_hub.db import Database, Event
from indextts_hub.manifest import Digest

__all__ = ["EventQuery", "copy_events", "find_events"]

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


def copy_events(log: AuditLog, database: Database) -> int:
    """Bring the copy up to the log; return how many events were added.

    Raises:
        IntegrityError: E_EVENT, at a line that is no event; those before it are copied.
        Busy, StorageError: as `Database.session` and `AuditLog.events`.
    """
    lines = log.lines()
    copied = _copied(database)
    if copied is not None:
        head = next(islice(lines, copied[0], None), None)
        if head is None or line_digest(head) != copied[1]:
            # A log from elsewhere, or one that was changed: what was copied from another is forgotten.
            with database.session() as session:
                session.exec(delete(Event))
            lines = log.lines()
    added = 0
    while batch := [parse_event(line) for line in islice(lines, BATCH)]:
        with database.session() as session:
            _add(session, batch)
        added += len(batch)
    return added


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
