"""`/api/tasks`: what was spoken: search it, hear it, delete it, bring it back."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import FileResponse

from indextts_hub.db.tasks import LARGEST_PAGE, SpokenSegment, SpokenTask, TaskFilter, TaskSettings
from synth.audio.formats import format_named
from synth.service.archive import Archive

__all__ = ["routes"]


class TaskAnswer(BaseModel):
    """A synthesis that someone asked for."""

    id: str
    status: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    deleted: datetime | None
    text: str
    model: str
    model_digest: str | None
    voice: str | None
    emotion: str | None
    settings: TaskSettings
    duration: float | None
    sample_rate: int | None
    segments: list[SpokenSegment]
    warnings: list[str]
    error_code: str | None
    error: str | None
    audio_url: str | None


class TaskList(BaseModel):
    """A page of the history, the latest first; `total` counts all pages."""

    tasks: list[TaskAnswer]
    total: int
    page: int
    size: int


class HistoryQuery(BaseModel):
    """Which tasks; what is left out does not count."""

    status: Literal["queued", "running", "done", "failed", "cancelled"] | None = None
    emotion: str | None = None
    model: str | None = None
    voice: str | None = None
    q: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    deleted: bool = False
    page: Annotated[int, Query(ge=1, le=10**9)] = 1
    size: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 20


def routes(archive: Archive) -> APIRouter:
    """The routes, over the tasks that are kept."""
    router = APIRouter(prefix="/api/tasks", tags=["history"])

    @router.get("", summary="The history")
    async def tasks(query: Annotated[HistoryQuery, Query()]) -> TaskList:
        wanted = TaskFilter(
            status=query.status,
            emotion=query.emotion,
            model=query.model,
            voice=query.voice,
            text=query.q,
            since=_aware(query.since),
            until=_aware(query.until),
            deleted=query.deleted,
        )
        found = await archive.search(wanted, page=query.page, size=query.size)
        return TaskList(tasks=[_answer(task) for task in found.tasks], total=found.total, page=query.page, size=query.size)

    @router.get("/{task_id}", summary="A task")
    async def task(task_id: str) -> TaskAnswer:
        return _answer(await archive.find(task_id))

    @router.get("/{task_id}/audio", summary="The audio of a task", response_class=FileResponse)
    async def audio(task_id: str) -> FileResponse:
        found = await archive.find(task_id)
        form = format_named(found.settings.format)
        return FileResponse(
            archive.audio(found),
            # A task's audio never changes, but it may be deleted.
            headers={"Cache-Control": "private, max-age=3600", "X-Model-Digest": found.model_digest or ""},
            media_type=form.media_type,
            filename=f"speech-{found.id[:8]}{form.suffix}",
            content_disposition_type="inline",
        )

    @router.delete("/{task_id}", summary="Delete a task; it can be restored", status_code=204)
    async def delete(task_id: str) -> None:
        await archive.hide(task_id)

    @router.post("/{task_id}/restore", summary="Bring a deleted task back")
    async def restore(task_id: str) -> TaskAnswer:
        await archive.show(task_id)
        return _answer(await archive.find(task_id))

    return router


def _aware(moment: datetime | None) -> datetime | None:
    # A moment without a zone is meant in the server's own time.
    return None if moment is None else moment.astimezone()


def _answer(task: SpokenTask) -> TaskAnswer:
    return TaskAnswer(
        id=task.id,
        status=task.status,
        created=task.created,
        started=task.started,
        finished=task.finished,
        deleted=task.deleted,
        text=task.text,
        model=task.model,
        model_digest=task.model_digest,
        voice=task.voice,
        emotion=task.emotion,
        settings=task.settings,
        duration=task.duration,
        sample_rate=task.sample_rate,
        segments=list(task.segments),
        warnings=list(task.warnings),
        error_code=task.error_code,
        error=task.error,
        audio_url=f"/api/tasks/{task.id}/audio" if task.audio_path else None,
    )
