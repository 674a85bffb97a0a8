"""Writing down, and asking for, what was spoken. Values in, values out, no rows."""

from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel
from sqlmodel import and_, col, func, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from indextts_hub.db.models import Task
from indextts_hub.db.session import Database
from indextts_hub.errors import NotFound, UsageError

__all__ = [
    "CANCELLED",
    "DONE",
    "FAILED",
    "LARGEST_PAGE",
    "QUEUED",
    "RUNNING",
    "RoleSettings",
    "SpokenSegment",
    "SpokenTask",
    "SpokenWord",
    "TaskFilter",
    "TaskPage",
    "TaskSettings",
    "Utterance",
    "add_task",
    "deleted_tasks",
    "find_task",
    "hide_task",
    "name_task",
    "purge_task",
    "search_tasks",
    "show_task",
    "task_of",
    "task_row",
    "unfinished_tasks",
    "update_task",
    "utterances_of",
]

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"

LARGEST_PAGE = 200
"""Tasks on a page: what a person can look through, and a few hundred kilobytes of texts at most."""


_Selected = TypeVar("_Selected")


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """How a role of the text was to speak: eight weights, 1 for the voice's own speed, a voice's id, semitones, decibels."""

    name: str
    emotion: tuple[float, ...] = (0.0,) * 8
    speed: float = 1.0
    voice: str | None = None
    pitch: float = 0.0
    volume: float = 0.0


@dataclass(frozen=True, slots=True)
class TaskSettings:
    """All else that was asked for.

    Attributes:
        format: of the audio file.
        emotion: eight weights in the order of the emotion vector.
        intensity: what came with a label, a voice or a text, 0 to 1.
        speed: 1 is the voice's own.
        roles: those that the text names.
        pitch: semitones.
        volume: decibels.
        language: a tag; empty for the engine's first.
        emotion_voice, emotion_text: whose mood was taken instead of the weights: a voice's, by its id, or a text's.
        sampling: how an engine that draws was to draw, by the names of `synth.engines.protocol.Sampling`; only what was given.
        segment_length: characters of one segment, at most; None for as many as the engine takes.
    """

    format: str
    emotion: tuple[float, ...] = (0.0,) * 8
    intensity: float = 0.5
    speed: float = 1.0
    seed: int = 0
    roles: tuple[RoleSettings, ...] = ()
    pitch: float = 0.0
    volume: float = 0.0
    language: str = ""
    emotion_voice: str | None = None
    emotion_text: str | None = None
    sampling: dict[str, int | float] = field(default_factory=dict)
    segment_length: int | None = None


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A character, or a word in Latin letters, from `start` to `end` in seconds of the audio."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SpokenSegment:
    """What was spoken in one go, from `start` to `end` in seconds of the audio, and its words, if the engine knows their times."""

    text: str
    start: float
    end: float
    words: tuple[SpokenWord, ...] = ()


@dataclass(frozen=True, slots=True)
class SpokenTask:
    """A synthesis that someone asked for; its fields are those of the table `task`."""

    id: str
    created: datetime
    status: str
    text: str
    model: str
    settings: TaskSettings
    model_digest: str | None = None
    voice: str | None = None
    emotion: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    deleted: datetime | None = None
    duration: float | None = None
    sample_rate: int | None = None
    audio_path: str | None = None
    audio_sha256: str | None = None
    segments: tuple[SpokenSegment, ...] = ()
    warnings: tuple[str, ...] = ()
    error_code: str | None = None
    error: str | None = None
    asker: str = ""
    background: bool = False
    attempts: int = 0
    batch: str | None = None
    line: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks; None is all. `text` is looked for in texts and names; `deleted` chooses the hidden ones instead."""

    status: str | None = None
    emotion: str | None = None
    model: str | None = None
    voice: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    batch: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some tasks, the latest first, and how many there are in all."""

    tasks: tuple[SpokenTask, ...]
    total: int


def add_task(database: Database, task: SpokenTask) -> None:
    """Write a new task down.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.add(task_row(task))


def update_task(database: Database, task: SpokenTask) -> None:
    """Write down how a task stands now. Its name and whether it is hidden stay, and one that was purged meanwhile stays purged.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        kept = session.get(Task, task.id)
        if kept is not None:
            session.merge(task_row(replace(task, deleted=kept.deleted, name=kept.name)))


def find_task(database: Database, task_id: str) -> SpokenTask:
    """The task of this id, hidden or not.

    Raises:
        NotFound: E_NO_TASK.
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        row = session.get(Task, task_id)
        if row is None:
            raise _no_task(task_id)
        return task_of(row)


def search_tasks(database: Database, wanted: TaskFilter, *, page: int = 1, size: int = 20) -> TaskPage:
    """One page of the tasks that are wanted, the latest first; pages count from 1.

    Raises:
        UsageError: E_PAGE.
        StorageError: as `Database.reading`.
    """
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        raise UsageError("there is no such page", remedy=f"give a page from 1 and a size from 1 to {LARGEST_PAGE}", code="E_PAGE")
    with database.reading() as session:
        total = session.exec(_wanted(select(func.count()).select_from(Task), wanted)).one()
        latest = _wanted(select(Task), wanted).order_by(col(Task.created).desc(), col(Task.id))
        rows = session.exec(latest.offset((page - 1) * size).limit(size)).all()
        return TaskPage(tuple(map(task_of, rows)), total)


def unfinished_tasks(database: Database) -> tuple[SpokenTask, ...]:
    """Every task that was accepted and has not ended, the oldest first; not the lines of batches that were not begun.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        begun = or_(col(Task.status) == RUNNING, and_(col(Task.status) == QUEUED, col(Task.batch).is_(None)))
        rows = session.exec(select(Task).where(begun).order_by(col(Task.created))).all()
        return tuple(map(task_of, rows))


def deleted_tasks(database: Database, before: datetime) -> tuple[SpokenTask, ...]:
    """Every task that was hidden before a moment.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        return tuple(map(task_of, session.exec(select(Task).where(col(Task.deleted) < before)).all()))


@dataclass(frozen=True, slots=True)
class Utterance:
    """That a version spoke, without what it said."""

    id: str
    created: datetime
    asker: str
    audio_sha256: str | None


def utterances_of(database: Database, digest: str) -> tuple[Utterance, ...]:
    """What a version spoke and is still remembered, deleted or not; the first first.

    Raises:
        StorageError: as `Database.reading`.
    """
    wanted = select(Task.id, Task.created, Task.asker, Task.audio_sha256)
    spoke = wanted.where(Task.model_digest == digest, Task.status == DONE).order_by(col(Task.created), col(Task.id))
    with database.reading() as session:
        return tuple(Utterance(*row) for row in session.exec(spoke))


def hide_task(database: Database, task_id: str) -> None:
    """Take a task out of the history; `show_task` brings it back.

    Raises:
        NotFound: E_NO_TASK.
        Busy, StorageError: as `Database.session`.
    """
    _set_deleted(database, task_id, datetime.now(UTC))


def show_task(database: Database, task_id: str) -> None:
    """Bring a hidden task back.

    Raises:
        NotFound: E_NO_TASK.
        Busy, StorageError: as `Database.session`.
    """
    _set_deleted(database, task_id, None)


def name_task(database: Database, task_id: str, name: str | None) -> None:
    """Give a task a name, or take it away.

    Raises:
        NotFound: E_NO_TASK.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = session.get(Task, task_id)
        if row is None:
            raise _no_task(task_id)
        row.name = name
        session.add(row)


def purge_task(database: Database, task_id: str) -> None:
    """Forget a task for good.

    Raises:
        NotFound: E_NO_TASK.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = session.get(Task, task_id)
        if row is None:
            raise _no_task(task_id)
        session.delete(row)


def _set_deleted(database: Database, task_id: str, when: datetime | None) -> None:
    with database.session() as session:
        row = session.get(Task, task_id)
        if row is None:
            raise _no_task(task_id)
        row.deleted = when
        session.add(row)


def _wanted(query: "SelectOfScalar[_Selected]", wanted: TaskFilter) -> "SelectOfScalar[_Selected]":
    query = query.where(col(Task.deleted).is_not(None) if wanted.deleted else col(Task.deleted).is_(None))
    equal = {"status": wanted.status, "emotion": wanted.emotion, "voice": wanted.voice, "batch": wanted.batch}
    for name, value in equal.items():
        if value is not None:
            query = query.where(getattr(Task, name) == value)
    if wanted.model is not None:
        query = query.where(or_(col(Task.model) == wanted.model, col(Task.model_digest) == wanted.model))
    if wanted.text:
        texts = (col(column).contains(wanted.text, autoescape=True) for column in (Task.text, Task.name))
        query = query.where(or_(*texts))
    if wanted.since is not None:
        query = query.where(col(Task.created) >= wanted.since)
    if wanted.until is not None:
        query = query.where(col(Task.created) < wanted.until)
    return query


def _no_task(task_id: str) -> NotFound:
    return NotFound(f"there is no task {task_id[:40]!a}", remedy="look at the history for its id", code="E_NO_TASK")


_SAME = (
    "id", "created", "status", "text", "model", "model_digest", "voice", "emotion", "started", "finished", "deleted", "duration",
    "sample_rate", "audio_path", "audio_sha256", "error_code", "error", "asker", "background", "attempts", "batch", "line", "name",
)  # fmt: skip


def task_row(task: SpokenTask) -> Task:
    """The row that says what `task` says."""
    same = {name: getattr(task, name) for name in _SAME}
    return Task(**same, settings=asdict(task.settings), segments=[asdict(at) for at in task.segments], warnings=list(task.warnings))


def task_of(row: Task) -> SpokenTask:
    """What a row says."""
    same = {name: getattr(row, name) for name in _SAME}
    kept = _Kept.model_validate({"settings": row.settings, "segments": row.segments})
    return SpokenTask(**same, settings=kept.settings, segments=kept.segments, warnings=tuple(row.warnings))


class _Kept(BaseModel):
    """The two columns of JSON, checked as they are read: another program may have written them."""

    settings: TaskSettings
    segments: tuple[SpokenSegment, ...]
