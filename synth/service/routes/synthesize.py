"""`POST /synthesize`: a text in, speech out."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from indextts_hub.db.tasks import RoleSettings, SpokenSegment, SpokenTask
from synth.audio.formats import FORMATS, Format, format_named
from synth.service.leaving import unless_left
from synth.service.roles import Roles
from synth.service.routes.asking import Further, RoleManner
from synth.service.synthesis import Order, Synthesis, SynthesisRequest

__all__ = ["Answer", "Ask", "Model", "asker_of", "order_of", "routes"]

Model = Annotated[str, Field(min_length=1, max_length=200)]


class Ask(Further, RoleManner):
    """What to speak, and how."""

    text: Annotated[
        str,
        Field(
            description="What is spoken: numbers, dates and letters are read aloud. `<行|XING2>` fixes a reading, "
            "`[happy 0.8]` changes the emotion, `<break 500ms>` is silence, and `小明: …` is spoken as that role speaks.",
        ),
    ]
    model: Annotated[
        Model | None, Field(description="A version, `NAME`, `NAME@sha256:HEX` or an alias; the default if left out.")
    ] = None
    format: Annotated[
        Literal["wav", "flac", "mp3", "ogg", "opus", "aac", "pcm"] | None, Field(description="Of the audio; `wav` if left out.")
    ] = None
    roles: Annotated[
        dict[str, RoleManner],
        Field(max_length=32, description="How the roles of this text speak, by name, besides those kept."),
    ] = {}  # noqa: RUF012 - pydantic copies it

    def request(self, form: Format, roles: tuple[RoleSettings, ...]) -> SynthesisRequest:
        """What is asked for, in the terms of the house; `roles` are those that the text may name.

        Raises:
            UsageError: an emotion has no such name, or two ways of giving one were used.
        """
        return SynthesisRequest(
            text=self.text,
            form=form,
            model=self.model,
            manner=self.manner(self.speed, self.voice),
            emotion=self.label(),
            intensity=self.intensity,
            seed=self.seed,
            language=self.language,
            sampling=self.sampling.drawn(),
            segment_length=self.segment_length,
            roles=roles,
        )

    def own_roles(self) -> dict[str, RoleSettings]:
        """The roles that came with the text. Raises UsageError, E_EMOTION."""
        return {name: manner.role(name) for name, manner in self.roles.items()}


class ModelUsed(BaseModel):
    """The version that spoke."""

    version: str
    digest: str


class Answer(BaseModel):
    """Where the speech is, and what it is."""

    id: str
    audio_url: str
    format: str
    duration: Annotated[float, Field(description="Seconds.")]
    sample_rate: int
    model: ModelUsed
    segments: list[SpokenSegment]
    warnings: list[str]


async def order_of(ask: Ask, form: Format, request: Request, roles: Roles, *, background: bool = False) -> Order:
    """The order of a request that asks `ask`.

    Raises:
        UsageError: an emotion has no such name, or two ways of giving one were used.
    """
    known = await roles.of(ask.text, ask.own_roles())
    return Order(ask.request(form, known), asker_of(request), background)


def routes(synthesis: Synthesis, roles: Roles) -> APIRouter:
    """The route, over what speaks."""
    router = APIRouter(tags=["speech"])

    @router.post(
        "/synthesize",
        summary="Speak a text",
        response_model=Answer,
        responses={200: {"content": {"audio/*": {}}, "description": "The speech; the audio itself with `Accept: audio/*`."}},
    )
    async def synthesize(ask: Ask, request: Request, accept: Annotated[str, Header()] = "") -> Answer | Response:
        as_audio = accept.strip().startswith("audio/")
        wanted = format_named(ask.format) if ask.format else _accepted(accept)
        done = await unless_left(request, synthesis.spoken(await order_of(ask, wanted, request, roles)))
        if as_audio:
            return Response(done.audio, headers=_marks(done.task), media_type=wanted.media_type)
        return _answer(done.task)

    return router


def asker_of(request: Request) -> str:
    """Whose turn a request takes: its key's, as the gate has seen it, or its address's."""
    return getattr(request.state, "asker", None) or (request.client.host if request.client else "")


def _accepted(accept: str) -> Format:
    kinds = [kind.partition(";")[0].strip() for kind in accept.split(",")]
    return next((form for kind in kinds for form in FORMATS.values() if form.media_type == kind), FORMATS["wav"])


def _marks(task: SpokenTask) -> Mapping[str, str]:
    return {"X-Task-Id": task.id, "X-Model-Digest": task.model_digest or ""}


def _answer(task: SpokenTask) -> Answer:
    return Answer(
        id=task.id,
        audio_url=f"/api/tasks/{task.id}/audio",
        format=task.settings.format,
        duration=task.duration or 0.0,
        sample_rate=task.sample_rate or 0,
        model=ModelUsed(version=task.model, digest=task.model_digest or ""),
        segments=list(task.segments),
        warnings=list(task.warnings),
    )
