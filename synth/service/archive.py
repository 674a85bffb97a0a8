"""What was spoken, kept: tasks in the database, their audio in a folder. Both are asked on a thread, never on the event loop."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
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
    QUEUED,
    RUNNING,
    SpokenSegment,
    SpokenTask,
    SpokenWord,
    TaskFilter,
    TaskPage,
    add_task,
    deleted_tasks,
    find_task,
    hide_task,
    name_task,
    purge_task,
    search_tasks,
    show_task,
    unfinished_tasks,
    update_task,
)
from indextts_hub.errors import HubError, NotFound
from indextts_hub.store.durable import make_folder, remove_file, write_durably
from synth.audio.captions import Caption
from synth.audio.take import Take

__all__ = ["MOST_ATTEMPTS", "SERVICE_ENDS", "Archive", "Recording"]

_log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""A task that was being spoken whenever the service died is not tried for ever."""

SERVICE_ENDS = "the service ends"
"""The message with which a task is cancelled that is to be begun again when the service is back."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The tasks of one service.

    Attributes:
        folder: has their audio, by the month they were asked for.
        ended: told of each task that is over, and when its first segment was spoken.
        log: writes an act, the task it was done to and who did it into the audit log, on a thread; then it is on the disk.
    """

    database: Database
    folder: Path
    ended: Callable[[SpokenTask, datetime | None], None] = lambda _task, _first: None
    log: Callable[[str, SpokenTask, str | None], None] = lambda _act, _task, _actor: None

    async def accept(self, task: SpokenTask) -> "Recording":
        """Write a new task down.

        Raises:
            Busy, StorageError: the database did not take it.
        """
        await asyncio.to_thread(add_task, self.database, task)
        return Recording(self, task)

    def resume(self, task: SpokenTask) -> "Recording":
        """Go on with a task that was written down earlier."""
        return Recording(self, task)

    async def find(self, task_id: str) -> SpokenTask:
        """The task of that id that is not hidden.

        Raises:
            NotFound: E_NO_TASK.
        """
        task = await self.find_any(task_id)
        if task.deleted is not None:
            raise NotFound(f"the task {task_id} was deleted", remedy="restore it first", code="E_NO_TASK")
        return task

    async def find_any(self, task_id: str) -> SpokenTask:
        """The task of that id, hidden or not. Raises NotFound, E_NO_TASK."""
        return await asyncio.to_thread(find_task, self.database, task_id)

    async def search(self, wanted: TaskFilter, *, page: int, size: int) -> TaskPage:
        """A page of the tasks that are wanted, the latest first.

        Raises:
            UsageError: E_PAGE.
        """
        return await asyncio.to_thread(search_tasks, self.database, wanted, page=page, size=size)

    async def hide(self, task_id: str, asker: str) -> None:
        """Take a task out of the history; its audio stays, so that it can be restored.

        Raises:
            NotFound: E_NO_TASK.
        """
        await asyncio.to_thread(self._changed, "delete", hide_task, task_id, asker)

    async def show(self, task_id: str, asker: str) -> None:
        """Bring a hidden task back.

        Raises:
            NotFound: E_NO_TASK.
        """
        await asyncio.to_thread(self._changed, "restore", show_task, task_id, asker)

    async def rename(self, task_id: str, name: str | None) -> None:
        """Give a task a name, or take it away.

        Raises:
            NotFound: E_NO_TASK.
        """
        await asyncio.to_thread(name_task, self.database, task_id, name)

    def audio(self, task: SpokenTask) -> Path:
        """Where the audio of a task is.

        Raises:
            NotFound: E_NO_AUDIO, if it has none.
        """
        path = self.folder / (task.audio_path or "")
        if task.audio_path is None or not path.is_file():
            raise NotFound(f"the task {task.id} has no audio", remedy="wait until it is done, or ask again", code="E_NO_AUDIO")
        return path

    async def purge(self, task_id: str, asker: str) -> None:
        """Forget a task, and its audio, for good.

        Raises:
            NotFound: E_NO_TASK.
            Busy, StorageError: nothing, or the audio alone, is gone.
        """
        await asyncio.to_thread(self._purge, await self.find_any(task_id), asker)

    async def sweep(self, before: datetime) -> int:
        """Purge what was deleted before a moment; return how many tasks that were.

        Raises:
            Busy, StorageError: not all of them are gone.
        """
        swept = await asyncio.to_thread(deleted_tasks, self.database, before)
        for task in swept:
            await asyncio.to_thread(self._purge, task, None)
        return len(swept)

    async def settle(self) -> tuple[SpokenTask, ...]:
        """See to what a service before this one left unfinished: return the tasks that are to be begun again.

        What somebody waited for at the other end of a connection is over, and so is what was begun too often: it may be what
        ended the service. Lines of batches wait for their turn again.
        """
        again: list[SpokenTask] = []
        for task in await asyncio.to_thread(unfinished_tasks, self.database):
            recording = Recording(self, task)
            if not task.background or task.attempts >= MOST_ATTEMPTS:
                await recording.interrupted()
                continue
            await recording.wait_again()
            if task.batch is None:
                again.append(recording.task)
        return tuple(again)

    def _changed(self, act: str, change: Callable[[Database, str], None], task_id: str, asker: str) -> None:
        change(self.database, task_id)
        self.log(act, find_task(self.database, task_id), asker)

    def _purge(self, task: SpokenTask, asker: str | None) -> None:
        self.log("purge", task, asker)
        if task.audio_path is not None:
            remove_file(self.folder / task.audio_path)
        purge_task(self.database, task.id)


class Recording:
    """A task under way: each step of it is written down as it happens. Use it in a block, so that its end is, too."""

    def __init__(self, archive: Archive, task: SpokenTask) -> None:
        self._archive = archive
        self._first_segment: datetime | None = None
        self.task = task

    async def begin(self) -> None:
        """It has its turn."""
        await self._write(replace(self.task, status=RUNNING, started=datetime.now(UTC), attempts=self.task.attempts + 1))

    async def wait_again(self) -> None:
        """It was begun, and is to be begun anew."""
        await self._write(replace(self.task, status=QUEUED, started=None))

    def heard(self) -> None:
        """A segment of it is spoken."""
        self._first_segment = self._first_segment or datetime.now(UTC)

    async def finish(self, audio: bytes, sample_rate: int, take: Take) -> SpokenTask:
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
                duration=take.seconds,
                sample_rate=sample_rate,
                audio_path=path,
                audio_sha256=hashlib.sha256(audio).hexdigest(),
                segments=tuple(_segment(caption) for caption in take.captions),
                warnings=tuple(take.warnings),
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
        elif isinstance(error, asyncio.CancelledError) and SERVICE_ENDS in error.args and self.task.background:
            # If this can't be written, it says `running`, and is found as that.
            with suppress(HubError):
                await self.wait_again()
        elif error is not None:
            await self._ended(CANCELLED, None, None)

    async def failed(self, error: HubError) -> None:
        """It could not even be begun."""
        await self._ended(FAILED, error.code, error.message)

    async def cancelled(self) -> None:
        """Nobody wants it any more, and it was not begun."""
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
        await asyncio.to_thread(self._written, task)
        self.task = task
        if task.finished is not None:
            self._archive.ended(task, self._first_segment)

    def _written(self, task: SpokenTask) -> None:
        if task.finished is not None:
            self._archive.log("speak", task, task.asker or None)
        update_task(self._archive.database, task)


def _segment(caption: Caption) -> SpokenSegment:
    words = tuple(SpokenWord(word.text, word.start, word.end) for word in caption.words)
    return SpokenSegment(caption.text, caption.start, caption.end, words)


def _keep(path: Path, audio: bytes) -> None:
    make_folder(path.parent)
    write_durably(path, audio)
