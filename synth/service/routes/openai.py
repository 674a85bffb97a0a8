"""OpenAI's speech API: programs written for it speak with our versions by changing the address."""

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from indextts_hub.db.tasks import RoleSettings
from indextts_hub.errors import HubError, NotFound
from synth.audio.encode import SpeechStream
from synth.audio.formats import format_named
from synth.audio.label import Marks
from synth.service.leaving import Left, unless_left
from synth.service.problems import DEFECT
from synth.service.roles import Roles
from synth.service.routes.asking import Further
from synth.service.routes.health import SERVICE
from synth.service.routes.synthesize import Model, asker_of
from synth.service.synthesis import Accepted, Finished, Order, Spoken, Step, SynthesisRequest, provenance
from synth.service.underway import UnderWay
from synth.service.versions import Served

__all__ = ["routes"]

# Names that programs have built in. They mean the default version and its own voice: there is nothing else they could mean.
_MODELS = frozenset({"tts-1", "tts-1-hd", "gpt-4o-mini-tts"})
_VOICES = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "default", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"}
)
# OpenAI's own bound.
_LONGEST_INPUT = 4096


class VoiceId(BaseModel):
    """A voice by its id."""

    id: str


class SpeechAsk(Further):
    """OpenAI's request, and the keys of `/synthesize` that say how; other keys mean nothing here."""

    model_config = ConfigDict(extra="ignore")

    input: Annotated[str, Field(max_length=_LONGEST_INPUT)]
    model: Model
    voice: str | VoiceId = "default"
    instructions: str | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4.0, allow_inf_nan=False, strict=True)] = 1.0
    stream_format: Literal["audio", "sse"] = "audio"

    def request(self, roles: tuple[RoleSettings, ...]) -> SynthesisRequest:
        """What is asked for, in the terms of the house; `roles` are those that the text may name.

        Raises:
            UsageError: E_EMOTION.
        """
        voice = self.voice if isinstance(self.voice, str) else self.voice.id
        return SynthesisRequest(
            text=self.input,
            form=format_named(self.response_format),
            model=None if self.model in _MODELS else self.model,
            manner=self.manner(self.speed, None if voice in _VOICES else voice),
            emotion=self.label(),
            intensity=self.intensity,
            seed=self.seed,
            language=self.language,
            sampling=self.sampling.drawn(),
            segment_length=self.segment_length,
            roles=roles,
        )


class ListedModel(BaseModel):
    """A name that a request's `model` may have."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = SERVICE


class ModelList(BaseModel):
    """All names that a request's `model` may have."""

    object: Literal["list"] = "list"
    data: list[ListedModel]


def routes(under_way: UnderWay, served: Served, roles: Roles, marks: Marks) -> APIRouter:
    """The routes, over what speaks."""
    router = APIRouter(prefix="/v1", tags=["OpenAI"])

    @router.post("/audio/speech", summary="Speak a text, as OpenAI does", response_class=Response)
    async def speech(ask: SpeechAsk, request: Request) -> Response:
        wanted = ask.request(await roles.of(ask.input, {}))
        accepted = await under_way.begin(Order(wanted, asker_of(request)))
        steps = under_way.follow(accepted.task.id)
        try:
            # Until a segment is there the answer can still be an error with its own status.
            first = await unless_left(request, _first(steps))
        except Left:
            under_way.drop(accepted.task.id)
            raise
        parts = _encoded(steps, accepted, first, under_way, marks)
        told = {"X-Task-Id": accepted.task.id, "X-Model-Digest": accepted.task.model_digest or ""}
        if ask.stream_format == "sse":
            return StreamingResponse(_events(parts, len(ask.input)), headers=told, media_type="text/event-stream")
        return StreamingResponse(parts, headers=told, media_type=wanted.form.media_type)

    @router.get("/models", summary="The versions that are served, and their aliases")
    async def models() -> ModelList:
        return ModelList(data=[ListedModel(id=name) for name in _names(served)])

    @router.get("/models/{name}", summary="One version that is served")
    async def model(name: str) -> ListedModel:
        if name not in _names(served):
            raise NotFound(
                f"{name[:80]!a} is not served here", remedy=f"ask for one of: {', '.join(_names(served))}", code="E_NOT_SERVED"
            )
        return ListedModel(id=name)

    return router


def _names(served: Served) -> list[str]:
    return list(dict.fromkeys(name for version in served for name in (version.name, *version.aliases)))


async def _first(steps: AsyncGenerator[Step, None]) -> Spoken:
    async for step in steps:
        if isinstance(step, Spoken):
            return step
    raise Left


async def _encoded(
    steps: AsyncGenerator[Step, None], accepted: Accepted, first: Spoken, under_way: UnderWay, marks: Marks
) -> AsyncGenerator[bytes, None]:
    """The audio, part by part as segments are spoken, with the label in its head. Who leaves takes the work along."""
    form = format_named(accepted.task.settings.format)
    stream = SpeechStream(accepted.sample_rate, form)
    try:
        yield marks.on(stream.feed(first.samples), form, provenance(accepted.task))
        async for step in steps:
            if isinstance(step, Spoken):
                yield stream.feed(step.samples)
            elif isinstance(step, Finished):
                yield stream.close()
    finally:
        under_way.drop(accepted.task.id)


async def _events(parts: AsyncGenerator[bytes, None], characters: int) -> AsyncGenerator[bytes, None]:
    try:
        async with aclosing(parts):
            async for part in parts:
                if part:
                    yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()})
    except HubError as error:
        yield _event({"type": "speech.audio.error", "error": {"message": error.message, "code": error.code}})
    except Exception:
        yield _event({"type": "speech.audio.error", "error": {"message": DEFECT.message, "code": DEFECT.code}})
        raise
    else:
        # Characters are what is counted here; there are no tokens.
        usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
        yield _event({"type": "speech.audio.done", "usage": usage})


def _event(body: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"
