"""`/api/tasks`: what was spoken: search it, hear it, delete it, bring it back; and begin, follow and cancel one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import FileResponse, Response, StreamingResponse

from indextts_hub.db.tasks import DONE, LARGEST_PAGE, SpokenSegment, SpokenTask, TaskFilter, TaskSettings
from indextts_hub.errors import HubError
from indextts_hub.moment import Moment
from synth.audio.captions import Caption, by_word, to_srt, to_webvtt
from synth.audio.formats import format_named
from synth.service.archive import Archive
from synth.service.packing import captions_of, file_name
from synth.service.problems import Problem
from synth.service.roles import Roles
from synth.service.routes.synthesize import Ask, asker_of, order_of
from synth.service.synthesis import Accepted, Spoken
from synth.service.underway import UnderWay

__all__ = ["TaskAnswer", "TaskQuery", "routes", "task_answer"]

_SILENCE_SECONDS = 15.0
_CAPTIONS: dict[str, Any] = {"content": {"application/x-subrip": {}, "text/vtt": {}}, "description": "SubRip or WebVTT."}


class TaskAnswer(BaseModel):
    """A synthesis that someone asked for."""

    id: str
    status: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    deleted: datetime | None
    name: str | None
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
    batch: str | None
    line: int | None
    audio_url: str | None


class TaskList(BaseModel):
    """A page of the history, the latest first; `total` counts all pages."""

    tasks: list[TaskAnswer]
    total: int
    page: int
    size: int


class TaskQuery(BaseModel):
    """Which tasks; what is left out does not count. `q` is looked for in texts and names."""

    status: Literal["queued", "running", "done", "failed", "cancelled"] | None = None
    emotion: str | None = None
    model: str | None = None
    voice: str | None = None
    q: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    batch: str | None = None
    deleted: bool = False

    def filter(self) -> TaskFilter:
        """The same in the terms of the database."""
        return TaskFilter(
            status=self.status,
            emotion=self.emotion,
            model=self.model,
            voice=self.voice,
            text=self.q,
            since=_aware(self.since),
            until=_aware(self.until),
            batch=self.batch,
            deleted=self.deleted,
        )


class HistoryQuery(TaskQuery):
    """Which tasks, and which page of them."""

    page: Annotated[int, Query(ge=1, le=10**9)] = 1
    size: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 20


class Renaming(BaseModel):
    """How a task is called; null is not at all."""

    name: Annotated[str | None, Field(max_length=200)]


class Progress(BaseModel):
    """How far a task is."""

    segments: int
    spoken: int
    seconds: Annotated[float, Field(description="Of speech so far.")]


def routes(archive: Archive, under_way: UnderWay, roles: Roles) -> APIRouter:
    """The routes, over the tasks that are kept and those that are under way."""
    router = APIRouter(prefix="/api/tasks", tags=["history"])

    @router.post("", summary="Speak a text without waiting for it", status_code=202)
    async def begin(ask: Ask, request: Request) -> TaskAnswer:
        order = await order_of(ask, format_named(ask.format or "wav"), request, roles, background=True)
        return task_answer((await under_way.begin(order)).task)

    @router.get("/{task_id}/events", summary="How far a task is, as events", response_class=StreamingResponse)
    async def events(task_id: str) -> StreamingResponse:
        await archive.find(task_id)
        return StreamingResponse(_kept_alive(_events(task_id, archive, under_way)), media_type="text/event-stream")

    @router.post("/{task_id}/cancel", summary="Stop a task before its next piece")
    async def cancel(task_id: str) -> TaskAnswer:
        found = await archive.find(task_id)
        if found.finished is not None:
            raise Problem(409, f"the task is {found.status} already", remedy="delete it if it is not wanted", code="E_TASK_OVER")
        await under_way.cancel(task_id)
        return task_answer(await archive.find(task_id))

    @router.get("", summary="The history")
    async def tasks(query: Annotated[HistoryQuery, Query()]) -> TaskList:
        found = await archive.search(query.filter(), page=query.page, size=query.size)
        return TaskList(tasks=[task_answer(task) for task in found.tasks], total=found.total, page=query.page, size=query.size)

    _add_one_task(router, archive)
    return router


def _add_one_task(router: APIRouter, archive: Archive) -> None:
    """The routes of a task that is kept."""

    @router.get("/{task_id}", summary="A task")
    async def task(task_id: str) -> TaskAnswer:
        return task_answer(await archive.find(task_id))

    @router.patch("/{task_id}", summary="Give a task a name, or take it away")
    async def rename(task_id: str, asked: Renaming) -> TaskAnswer:
        await archive.find(task_id)
        await archive.rename(task_id, asked.name.strip() or None if asked.name else None)
        return task_answer(await archive.find(task_id))

    @router.get("/{task_id}/audio", summary="The audio of a task", response_class=FileResponse)
    async def audio(task_id: str) -> FileResponse:
        found = _done(await archive.find(task_id))
        form = format_named(found.settings.format)
        return FileResponse(
            archive.audio(found),
            # A task's audio never changes, but it may be deleted.
            headers={"Cache-Control": "private, max-age=3600", "X-Model-Digest": found.model_digest or ""},
            media_type=form.media_type,
            filename=f"{file_name(found)}{form.suffix}",
            content_disposition_type="inline",
        )

    @router.get("/{task_id}/captions", summary="The captions of a task", response_class=Response, responses={200: _CAPTIONS})
    async def captions(
        task_id: str,
        format: Literal["srt", "vtt"] = "srt",  # noqa: A002 - as everywhere
        by: Literal["segment", "word"] = "segment",
    ) -> Response:
        return _written(captions_of(_done(await archive.find(task_id))), format, by)

    @router.delete("/{task_id}", summary="Delete a task; it can be restored until it is purged", status_code=204)
    async def delete(task_id: str, request: Request) -> None:
        await archive.hide(task_id, asker_of(request))

    @router.post("/{task_id}/purge", summary="Forget a deleted task and its audio for good", status_code=204)
    async def purge(task_id: str, request: Request) -> None:
        if (await archive.find_any(task_id)).deleted is None:
            raise Problem(409, "the task is not deleted", remedy="delete it first", code="E_NOT_DELETED")
        await archive.purge(task_id, asker_of(request))

    @router.post("/{task_id}/restore", summary="Bring a deleted task back")
    async def restore(task_id: str, request: Request) -> TaskAnswer:
        await archive.show(task_id, asker_of(request))
        return task_answer(await archive.find(task_id))


def _done(task: SpokenTask) -> SpokenTask:
    if task.status != DONE:
        raise Problem(
            409, f"the task is {task.status}, and has no audio", remedy="wait until it is done, or ask again", code="E_NO_AUDIO"
        )
    return task


async def _events(task_id: str, archive: Archive, under_way: UnderWay) -> AsyncGenerator[bytes, None]:
    total = spoken = 0
    try:
        async for step in under_way.follow(task_id):
            match step:
                case Accepted():
                    total = step.segments
                    yield _event("progress", Progress(segments=total, spoken=0, seconds=0.0))
                case Spoken(Caption() as caption):
                    spoken += 1
                    # An engine that is short of memory speaks more and shorter ones than were planned.
                    total = max(total, spoken)
                    yield _event("progress", Progress(segments=total, spoken=spoken, seconds=caption.end))
                case _:
                    pass
    except HubError:
        # Over already, or failed: either way the task itself says how it ended.
        pass
    task = await archive.find(task_id)
    yield _event(task.status, task_answer(task))


async def _kept_alive(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The same events, with a comment where there is none for a while: proxies close what is silent for a minute."""
    async with aclosing(events):
        while True:
            coming = asyncio.ensure_future(anext(events, None))
            try:
                while not (await asyncio.wait({coming}, timeout=_SILENCE_SECONDS))[0]:
                    yield b":\n\n"
            finally:
                coming.cancel()
            event = coming.result()
            if event is None:
                return
            yield event


def _written(captions: Sequence[Caption], form: Literal["srt", "vtt"], by: Literal["segment", "word"]) -> Response:
    shown = by_word(captions) if by == "word" else captions
    if form == "vtt":
        return Response(to_webvtt(shown), media_type="text/vtt")
    return Response(to_srt(shown), media_type="application/x-subrip")


def _event(name: str, body: BaseModel) -> bytes:
    return f"event: {name}\ndata: {body.model_dump_json()}\n\n".encode()


def _aware(moment: datetime | None) -> datetime | None:
    # A moment without a zone is meant in the server's own time.
    return None if moment is None else moment.astimezone()


def task_answer(task: SpokenTask) -> TaskAnswer:
    """A task as it is told."""
    return TaskAnswer(
        id=task.id,
        status=task.status,
        created=task.created,
        started=task.started,
        finished=task.finished,
        deleted=task.deleted,
        name=task.name,
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
        batch=task.batch,
        line=task.line,
        audio_url=f"/api/tasks/{task.id}/audio" if task.audio_path else None,
    )
