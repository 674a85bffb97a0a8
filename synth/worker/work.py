"""What a worker has to speak: the tasks under way, and which segment of which comes next. Standard library only.

Tasks take turns by the segment, so that none waits for the end of another. A task is over when all of its segments are spoken, or
it was cancelled or failed, and nobody speaks for it any more: only then its last frame is sent, and nothing comes behind it.
"""

import threading
from collections import deque
from dataclasses import dataclass

from synth.worker.wire import Cancelled, Done, Failed, Speak

__all__ = ["Task", "Work"]


@dataclass(slots=True)
class Task:
    """A task under way.

    Attributes:
        begun: how many of its segments somebody speaks, or has spoken.
        speaking: how many speak for it now.
        left: why nobody goes on with it: it was cancelled, or has failed.
    """

    asked: Speak
    begun: int = 0
    speaking: int = 0
    left: Cancelled | Failed | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to say of it but its end."""
        return self.speaking == 0 and (self.left is not None or self.begun == len(self.asked.segments))


class Work:
    """The tasks of a worker. Safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tasks: dict[str, Task] = {}
        self._turns: deque[Task] = deque()

    def add(self, asked: Speak) -> Done | None:
        """Take a task; its end, if there is nothing to speak."""
        if not asked.segments:
            return Done(asked.task)
        with self._changed:
            task = self._tasks[asked.task] = Task(asked)
            self._turns.append(task)
            self._changed.notify_all()
        return None

    def next(self) -> tuple[Task, int]:
        """Wait for a segment to speak: whose it is, and which."""
        with self._changed:
            while not self._turns:
                self._changed.wait()
            task = self._turns.popleft()
            task.begun += 1
            task.speaking += 1
            if task.begun < len(task.asked.segments):
                self._turns.append(task)
            return task, task.begun - 1

    def spoken(self, task: Task, failure: Failed | None = None) -> Done | Cancelled | Failed | None:
        """A segment that was given out is spoken, or left, or failed; return the task's end, if that is it."""
        with self._changed:
            task.speaking -= 1
            if failure is not None:
                self._leave(task, failure)
            return self._end(task)

    def cancel(self, name: str) -> Done | Cancelled | Failed | None:
        """Leave a task; return its end, if nobody speaks for it. Of one that is not under way there is none."""
        with self._changed:
            task = self._tasks.get(name)
            if task is None:
                return None
            self._leave(task, Cancelled(name))
            return self._end(task)

    def _leave(self, task: Task, why: Cancelled | Failed) -> None:
        task.left = task.left or why
        if task in self._turns:
            self._turns.remove(task)

    def _end(self, task: Task) -> Done | Cancelled | Failed | None:
        if not task.is_over:
            return None
        del self._tasks[task.asked.task]
        return task.left or Done(task.asked.task)
