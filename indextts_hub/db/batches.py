"""Batches: many tasks that were asked for together, each a line of a file. Values in, values out, no rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, func, select, update

from indextts_hub.db.models import Batch, Task
from indextts_hub.db.session import Database
from indextts_hub.db.tasks import CANCELLED, DONE, FAILED, QUEUED, RUNNING, SpokenTask, task_of, task_row
from indextts_hub.errors import NotFound

__all__ = ["BatchRecord", "add_batch", "batch_tasks", "cancel_batch", "find_batch", "list_batches", "next_line"]


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch and how far it is.

    Attributes:
        asker: who asked: a key's id, or an address.
        lines: how many it has; each is a task.
        states: how many of its tasks have which status.
    """

    id: str
    name: str
    created: datetime
    asker: str
    lines: int
    states: Mapping[str, int]

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left to do."""
        return not (self.states.get(QUEUED) or self.states.get(RUNNING))


def add_batch(database: Database, id_: str, name: str, tasks: Sequence[SpokenTask]) -> None:
    """Write a batch down, with all of its tasks, or nothing of it.

    Args:
        tasks: at least one, each with the batch's id and its line.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.add(Batch(id=id_, name=name, created=tasks[0].created, asker=tasks[0].asker, lines=len(tasks)))
        session.add_all(map(task_row, tasks))


def find_batch(database: Database, id_: str) -> BatchRecord:
    """The batch of this id.

    Raises:
        NotFound: E_NO_BATCH.
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        row = session.get(Batch, id_)
        if row is None:
            raise NotFound(f"there is no batch {id_[:40]!a}", remedy="see /api/batches for those there are", code="E_NO_BATCH")
        counted = session.exec(select(Task.status, func.count()).where(col(Task.batch) == id_).group_by(Task.status)).all()
        return _record(row, dict(counted))


def list_batches(database: Database, most: int) -> tuple[BatchRecord, ...]:
    """The latest batches.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        rows = session.exec(select(Batch).order_by(col(Batch.created).desc()).limit(most)).all()
        ids = [row.id for row in rows]
        found = session.exec(
            select(Task.batch, Task.status, func.count()).where(col(Task.batch).in_(ids)).group_by(Task.batch, Task.status)
        ).all()
        states: dict[str | None, Counter[str]] = {id_: Counter() for id_ in ids}
        for batch, status, count in found:
            states[batch][status] = count
        return tuple(_record(row, states[row.id]) for row in rows)


def batch_tasks(database: Database, id_: str) -> tuple[SpokenTask, ...]:
    """The tasks of a batch that were not deleted, by their lines.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        chosen = select(Task).where(col(Task.batch) == id_, col(Task.deleted).is_(None)).order_by(col(Task.line))
        return tuple(map(task_of, session.exec(chosen).all()))


def next_line(database: Database) -> SpokenTask | None:
    """The task that is to be spoken next: of the oldest batch that has one, its first; None if none waits.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        waiting = select(Task).where(col(Task.status) == QUEUED, col(Task.batch).is_not(None), col(Task.deleted).is_(None))
        row = session.exec(waiting.order_by(col(Task.created), col(Task.batch), col(Task.line)).limit(1)).first()
        return None if row is None else task_of(row)


def cancel_batch(database: Database, id_: str, now: datetime) -> None:
    """Let what waits of a batch wait no more.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        waiting = update(Task).where(col(Task.batch) == id_, col(Task.status) == QUEUED)
        session.exec(waiting.values(status=CANCELLED, finished=now))


def _record(row: Batch, states: Mapping[str, int]) -> BatchRecord:
    known = {status: states.get(status, 0) for status in (QUEUED, RUNNING, DONE, FAILED, CANCELLED)}
    return BatchRecord(row.id, row.name, row.created, row.asker, row.lines, known)
