"""`/api/batches`: many texts in one file, spoken when nobody else waits; audio and captions of all of them in one ZIP."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response, StreamingResponse

from indextts_hub.db.batches import BatchRecord
from indextts_hub.db.tasks import DONE
from indextts_hub.errors import UsageError
from synth.audio.formats import format_named
from synth.lines import Line, read_lines
from synth.service.batches import Batches
from synth.service.problems import Problem
from synth.service.roles import Roles
from synth.service.routes.synthesize import Ask, asker_of, order_of
from synth.service.routes.tasks import TaskAnswer, task_answer
from synth.service.synthesis import Order

__all__ = ["routes"]

_MOODS = {"emotion", "emotion_vector", "emotion_text", "emotion_voice"}
_Id = Annotated[str, Path(max_length=64)]


class BatchAsk(BaseModel):
    """A batch file, and what holds for each of its lines that says nothing else."""

    name: Annotated[str, Field(max_length=200)] = ""
    form: Annotated[Literal["csv", "jsonl", "srt"], Field(description="Of the file.")]
    content: Annotated[str, Field(description="The file: CSV with a header that names `text`, JSON Lines, or SRT.")]
    ask: Annotated[Ask, Field(description="As `/synthesize`; its `text` does not count.")] = Ask(text="")


class BatchAnswer(BaseModel):
    """A batch, and how many of its lines have which status."""

    id: str
    name: str
    created: datetime
    lines: int
    states: dict[str, int]
    over: bool


class BatchList(BaseModel):
    """The latest batches."""

    batches: list[BatchAnswer]


class BatchTasks(BatchAnswer):
    """A batch, and the tasks of its lines in their order."""

    tasks: list[TaskAnswer]


def routes(batches: Batches, roles: Roles) -> APIRouter:
    """The routes, over the batches that are kept."""
    router = APIRouter(prefix="/api/batches", tags=["history"])

    @router.post("", summary="Speak the lines of a file, one after the other", status_code=202)
    async def add(asked: BatchAsk, request: Request) -> BatchAnswer:
        orders = [await _order(line, asked.ask, request, roles) for line in read_lines(asked.content, asked.form)]
        return _answer(await batches.add(asked.name, orders))

    @router.get("", summary="The latest batches")
    async def listed() -> BatchList:
        return BatchList(batches=[_answer(batch) for batch in await batches.list()])

    @router.get("/{batch_id}", summary="A batch and its tasks")
    async def batch(batch_id: _Id) -> BatchTasks:
        found = _answer(await batches.find(batch_id))
        return BatchTasks(**found.model_dump(), tasks=[task_answer(task) for task in await batches.tasks(batch_id)])

    @router.post("/{batch_id}/cancel", summary="Speak no more of a batch")
    async def cancel(batch_id: _Id, request: Request) -> BatchAnswer:
        return _answer(await batches.cancel(batch_id, asker_of(request)))

    @router.get(
        "/{batch_id}/archive",
        summary="Audio and captions of what is spoken, as a ZIP file",
        response_class=Response,
        responses={200: {"content": {"application/zip": {}}, "description": "The ZIP file."}},
    )
    async def archive(batch_id: _Id) -> StreamingResponse:
        if not (await batches.find(batch_id)).states[DONE]:
            raise Problem(409, "nothing of the batch is spoken yet", remedy="wait a little", code="E_NO_AUDIO")
        headers = {"Content-Disposition": f'attachment; filename="{batch_id}.zip"'}
        return StreamingResponse(await batches.pack(batch_id), headers=headers, media_type="application/zip")

    return router


async def _order(line: Line, ask: Ask, request: Request, roles: Roles) -> Order:
    own = line.asked()
    # A line's own emotion stands in place of that of the batch, whichever way either is given.
    common = ask.model_dump(exclude=_MOODS if _MOODS & own.keys() else set())
    try:
        whole = Ask.model_validate({**common, **own, "text": line.text})
        return await order_of(whole, format_named(ask.format or "wav"), request, roles, background=True)
    except ValidationError as error:
        wrong = error.errors()[0]
        what = f"line {line.number}: {'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
        raise UsageError(what, remedy="put the line right", code="E_BATCH") from None
    except UsageError as error:
        raise UsageError(f"line {line.number}: {error.message}", remedy=error.remedy, code=error.code) from None


def _answer(batch: BatchRecord) -> BatchAnswer:
    return BatchAnswer(
        id=batch.id,
        name=batch.name,
        created=batch.created,
        lines=batch.lines,
        states=dict(batch.states),
        over=batch.is_over,
    )
