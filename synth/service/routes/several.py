"""`/api/archive` and `/api/joined`: what was spoken as a ZIP file, and as one recording."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import Response, StreamingResponse

from indextts_hub.db.tasks import DONE, LARGEST_PAGE, SpokenTask
from indextts_hub.errors import NotFound, UsageError
from synth.audio.formats import format_named
from synth.service.archive import Archive
from synth.service.joining import Joining
from synth.service.packing import entries, numbered_name, zipped
from synth.service.routes.synthesize import asker_of
from synth.service.routes.tasks import TaskAnswer, TaskQuery, task_answer

__all__ = ["MOST_JOINED", "MOST_PACKED", "routes"]

MOST_PACKED = 1000
"""Tasks in one ZIP file: some gigabytes of WAV at most, and seconds of looking them up."""
MOST_JOINED = 500
_Id = Annotated[str, StringConstraints(max_length=64)]


class ArchiveQuery(TaskQuery):
    """Which tasks: those that are named, in that order, or else all that the rest of the query means, the latest first."""

    id: Annotated[list[_Id], Query(default_factory=list, max_length=MOST_PACKED)]


class JoinAsk(BaseModel):
    """Which tasks are put one after the other, and how."""

    tasks: Annotated[list[_Id], Field(min_length=1, max_length=MOST_JOINED)]
    name: Annotated[str | None, Field(max_length=200, description="Of the task that comes of it.")] = None
    format: Literal["wav", "flac", "mp3", "ogg", "opus", "aac"] = "wav"
    pause: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False, description="Seconds of silence between two.")] = 0.0


def routes(archive: Archive, joining: Joining) -> APIRouter:
    """The routes, over the tasks that are kept."""
    router = APIRouter(prefix="/api", tags=["history"])

    @router.get(
        "/archive",
        summary="Audio and captions of many tasks, as a ZIP file",
        response_class=Response,
        responses={200: {"content": {"application/zip": {}}, "description": "The ZIP file."}},
    )
    async def pack(query: Annotated[ArchiveQuery, Query()]) -> StreamingResponse:
        found = [await archive.find(id_) for id_ in query.id] if query.id else await _all(archive, query)
        done = [task for task in found if task.status == DONE]
        if not done:
            raise NotFound("none of these tasks has audio", remedy="choose some that are done", code="E_NO_AUDIO")
        spoken = [(numbered_name(number, task), task, archive.audio(task)) for number, task in enumerate(done, 1)]
        headers = {"Content-Disposition": 'attachment; filename="speech.zip"'}
        return StreamingResponse(zipped(entries(spoken)), headers=headers, media_type="application/zip")

    @router.post("/joined", summary="Put the audio of tasks one after the other, as a task of its own", status_code=201)
    async def join(ask: JoinAsk, request: Request) -> TaskAnswer:
        form = format_named(ask.format)
        return task_answer(await joining.join(ask.tasks, form, ask.pause, ask.name, asker_of(request)))

    return router


async def _all(archive: Archive, query: TaskQuery) -> Sequence[SpokenTask]:
    found: list[SpokenTask] = []
    page = 1
    while True:
        part = await archive.search(query.filter(), page=page, size=LARGEST_PAGE)
        if part.total > MOST_PACKED:
            raise UsageError(
                f"these are {part.total} tasks", remedy=f"choose at most {MOST_PACKED}, such as those of a day", code="E_TOO_MANY"
            )
        found += part.tasks
        if len(found) >= part.total or not part.tasks:
            return found
        page += 1
