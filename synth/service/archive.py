"""What was spoken, kept: tasks in the database, their audio in a folder. Both are asked on a thread, never on the event loop."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from indextts_hub.db import Database
from indextts_hub.db.tasks import (
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    SpokenSegment,
    SpokenTask,
    TaskFilter,
    TaskPage,
    add_task,
    find_task,
    hide_task,
    search_tasks,
    show_task,
    unfinished_tasks,
    update_task,
)
from indextts_hub.errors import HubError, NotFound
from indextts_hub.store.durable import make_folder, write_durably

__all__ = ["Archive", "Recording"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Archive:
    """The tasks of one service.

    Attributes:
        folder: has their audio, by the month they were asked for.
        ended: told of each task that is over, and when its first segment was spoken.
    """

    database: Database
    folder: Path
    ended: Callable[[SpokenTask, datetime | None], None] = lambda _task, _first: None

    async def accept(self, task: SpokenTask) -> "Recording":
        """Write a new task down.

        Raises:
            Busy, StorageError: the database did not take it.
        """
        await asyncio.to_thread(add_task, self.database, task)
        return Recording(self, task)

    async def find(self, task_id: str) -> SpokenTask:
        """The task of that id that is not hidden.

        Raises:
            NotFound: E_NO_TASK.
        """
        task = await asyncio.to_thread(find_task, self.database, task_id)
        if task.deleted is not None:
            raise NotFound(f"the task {task_id} was deleted", remedy="restore it first", code="E_NO_TASK")
        return task

    async def search(self, wanted: TaskFilter, *, page: int, size: int) -> TaskPage:
        """A page of the tasks that are wanted, the latest first.

        Raises:
            UsageError: E_PAGE.
        """
        return await asyncio.to_thread(search_tasks, self.database, wanted, page=page, size=size)

    async def hide(self, task_id: str) -> None:
        """Take a task out of the history; its audio stays, so that it can be restored.

        Raises:
            NotFound: E_NO_TASK.
        """
        await asyncio.to_thread(hide_task, self.database, task_id)

    async def show(self, task_id: str) -> None:
        """Bring a hidden task back.

        Raises:
            NotFound: E_NO_TASK.
        """
        await asyncio.to_thread(show_task, self.database, task_id)

    def audio(self, task: SpokenTask) -> Path:
        """Where the audio of a task is.

        Raises:
            NotFound: E_NO_AUDIO, if it has none.
        """
        path = self.folder / (task.audio_path or "")
        if task.audio_path is None or not path.is_file():
            raise NotFound(f"the task {task.id} has no audio", remedy="wait until it is done, or ask again", code="E_NO_AUDIO")
        return path

    async def settle(self) -> None:
        """Write down of every task that a service before this one left unfinished that it came to nothing."""
        for task in await asyncio.to_thread(unfinished_tasks, self.database):
            await Recording(self, task).interrupted()


class Recording:
    """A task under way: each step of it is written down as it happens. Use it in a block, so that its end is, too."""

    def __init__(self, archive: Archive, task: SpokenTask) -> None:
        self._archive = archive
        self._first_segment: datetime | None = None
        self.task = task

    async def begin(self) -> None:
        """It has its turn."""
        await self._write(replace(self.task, status=RUNNING, started=datetime.now(UTC)))

    def heard(self) -> None:
        """A segment of it is spoken."""
        self._first_segment = self._first_segment or datetime.now(UTC)

    async def finish(
        self, audio: bytes, sample_rate: int, segments: tuple[SpokenSegment, ...], warnings: tuple[str, ...]
    ) -> SpokenTask:
        """It is spoken: keep the audio file, whole and durable, then say so.

        Raises:
            Busy, StorageError: the disk or the database did not take it.
        """
        task = self.task
        path = f"{task.created:%Y-%m}/{task.id}.{task.settings.format}"
        await asyncio.to_thread(_keep, self._archive.folder / path, audio)
        await self._write(
            replace(
                task,
                status=DONE,
                finished=datetime.now(UTC),
                duration=segments[-1].end if segments else 0.0,
                sample_rate=sample_rate,
                audio_path=path,
                audio_sha256=hashlib.sha256(audio).hexdigest(),
                segments=segments,
                warnings=warnings,
            )
        )
        return self.task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """However it ends before it is finished, that is written down: whoever asked has left, or it failed."""
        if isinstance(error, HubError):
            await self._ended(FAILED, error.code, error.message)
        elif isinstance(error, Exception):
            # An error that is none of ours is named by its class only: its text may hold anything.
            await self._ended(FAILED, "E_DEFECT", type(error).__name__)
        elif error is not None:
            await self._ended(CANCELLED, None, None)

    async def interrupted(self) -> None:
        """The service ended before it did."""
        await self._ended(FAILED, "E_INTERRUPTED", "the service ended before the task did")

    async def _ended(self, status: str, code: str | None, message: str | None) -> None:
        ended = replace(self.task, status=status, finished=datetime.now(UTC), error_code=code, error=message)
        try:
            await self._write(ended)
        except HubError as error:
            # What brought the task down is what its asker must hear, not that the database is in trouble as well.
            _log.error("the end of task %s was not recorded: %s", self.task.id, error.message)

    async def _write(self, task: SpokenTask) -> None:
        await asyncio.to_thread(update_task, self._archive.database, task)
        self.task = task
        if task.finished is not None:
            self._archive.ended(task, self._first_segment)


def _keep(path: Path, audio: bytes) -> None:
    make_folder(path.parent)
    write_durably(path, audio)
