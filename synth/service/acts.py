"""What the service writes into the audit log: every synthesis, and everything that somebody changed. Never a text."""

from collections.abc import Callable, Mapping
from typing import Protocol

from indextts_hub.db.tasks import DONE, FAILED, SpokenTask
from indextts_hub.manifest import Json

__all__ = ["Acts", "no_acts", "task_acts"]


class Acts(Protocol):
    """Writes an act down; it is on the disk when this returns. Called on a thread."""

    def __call__(
        self,
        act: str,
        subject: str,
        outcome: str = "done",
        details: Mapping[str, Json] | None = None,
        actor: str | None = None,
    ) -> None:
        """As `Books.log`."""
        ...


def no_acts(
    act: str, subject: str, outcome: str = "done", details: Mapping[str, Json] | None = None, actor: str | None = None
) -> None:
    """Writes nothing down, for a service without a log."""


def task_acts(acts: Acts) -> Callable[[str, SpokenTask, str | None], None]:
    """What an archive calls: an act done to a task, and by whom; None for the service itself."""

    def written(act: str, task: SpokenTask, actor: str | None) -> None:
        outcome = {DONE: "done", FAILED: task.error_code or FAILED}.get(task.status, task.status)
        details: dict[str, Json] = {
            "task": task.id,
            "milliseconds": None if task.duration is None else round(task.duration * 1000),
            "audio": task.audio_sha256,
            "voice": task.voice,
        }
        subject = f"{task.model}@sha256:{task.model_digest}"
        acts(act, subject, outcome, {name: value for name, value in details.items() if value is not None}, actor)

    return written
