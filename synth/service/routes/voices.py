"""`/api/voices`, `/api/consents`: whose voices are kept, and who allowed it; `/v1/audio/…`: the same as OpenAI has it."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import FileResponse

from indextts_hub.db.voices import ConsentRecord, VoiceRecord
from indextts_hub.errors import UsageError
from synth.service.routes.synthesize import asker_of
from synth.service.voices import NewConsent, Voices

__all__ = ["openai_routes", "routes"]

_Name = Annotated[str, Form(min_length=1, max_length=200)]
_Clip = Annotated[UploadFile, File(description="WAV, FLAC, MP3 or Ogg, 1 to 60 seconds of one voice, at most 10 MiB.")]
_Language = Annotated[str, Form(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
_Id = Annotated[str, Path(max_length=64)]
# OpenAI's phrase for a consent that is a recording alone.
_AS_RECORDED = "as said in the recording"


class VoiceAnswer(BaseModel):
    """A voice that is kept."""

    id: str
    name: str
    created: datetime
    seconds: float
    sample_rate: int
    sha256: str
    consent: str


class ConsentAnswer(BaseModel):
    """Who allowed that their voice is spoken with, in which words, and when."""

    id: str
    name: str
    statement: str
    language: str
    created: datetime
    recorded: bool


class VoiceList(BaseModel):
    """All voices, the latest first."""

    voices: list[VoiceAnswer]


class ConsentList(BaseModel):
    """All consents, the latest first."""

    consents: list[ConsentAnswer]


def routes(voices: Voices) -> APIRouter:
    """The routes, over the voices that are kept."""
    router = APIRouter(prefix="/api", tags=["voices"])

    @router.get("/voices", summary="The voices that are kept")
    async def listed() -> VoiceList:
        return VoiceList(voices=[_voice(voice) for voice in await voices.list()])

    @router.post("/voices", summary="Keep a voice, with the consent of the person whose it is", status_code=201)
    async def keep(
        request: Request,
        name: _Name,
        clip: _Clip,
        person: Annotated[str, Form(min_length=1, max_length=200, description="Who is heard, and consented.")],
        statement: Annotated[str, Form(min_length=1, max_length=2000, description="What they consented to, in their words.")],
        language: _Language = "zh-CN",
        recording: Annotated[UploadFile | None, File(description="The consent as it was said.")] = None,
    ) -> VoiceAnswer:
        said = None if recording is None else await recording.read()
        body, asker = await clip.read(), asker_of(request)
        consent = await voices.consent(NewConsent(person, statement, language, said), asker)
        try:
            return _voice(await voices.keep(name, body, consent.id, asker))
        except UsageError:
            # Nothing is kept under it: it would be a record about a person for nothing.
            await voices.withdraw(consent.id, asker)
            raise

    @router.get("/voices/{voice_id}/clip", summary="A voice's clip", response_class=FileResponse)
    async def clip(voice_id: _Id) -> FileResponse:
        found = await voices.find(voice_id)
        return FileResponse(voices.clip(found.id), headers={"Cache-Control": "private, no-store"}, media_type="audio/wav")

    @router.delete("/voices/{voice_id}", summary="Delete a voice and its traces", status_code=204)
    async def delete(voice_id: _Id, request: Request) -> None:
        await voices.delete(voice_id, asker_of(request))

    @router.get("/consents", summary="Who consented to what")
    async def consents() -> ConsentList:
        return ConsentList(consents=[_consent(consent) for consent in await voices.consents()])

    @router.delete("/consents/{consent_id}", summary="Withdraw a consent, and every voice under it", status_code=204)
    async def withdraw(consent_id: _Id, request: Request) -> None:
        await voices.withdraw(consent_id, asker_of(request))

    return router


class OpenAIVoice(BaseModel):
    """A voice, as OpenAI describes it."""

    id: str
    created_at: int
    name: str
    object: Literal["audio.voice"] = "audio.voice"
    type: Literal["audio_sample"] = "audio_sample"


class OpenAIVoiceDeleted(BaseModel):
    """A voice is deleted."""

    id: str
    deleted: bool = True
    object: Literal["audio.voice.deleted"] = "audio.voice.deleted"


class OpenAIConsent(BaseModel):
    """A consent, as OpenAI describes it."""

    id: str
    created_at: int
    language: str
    name: str
    object: Literal["audio.voice_consent"] = "audio.voice_consent"


class OpenAIConsentDeleted(BaseModel):
    """A consent is withdrawn."""

    id: str
    deleted: bool = True
    object: Literal["audio.voice_consent"] = "audio.voice_consent"


class OpenAIConsentList(BaseModel):
    """A page of consents, the latest first."""

    object: Literal["list"] = "list"
    data: list[OpenAIConsent]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAIVoiceNames(BaseModel):
    """The voices, in the shape that Open WebUI asks for."""

    voices: list[dict[str, str]]


class NewName(BaseModel):
    """The label to use for a consent."""

    name: Annotated[str, Field(min_length=1, max_length=200)]


def openai_routes(voices: Voices) -> APIRouter:
    """OpenAI's routes, over the voices that are kept."""
    router = APIRouter(prefix="/v1/audio", tags=["OpenAI"])

    @router.get("/voices", summary="The voices")
    async def names() -> OpenAIVoiceNames:
        kept = [{"id": voice.id, "name": voice.name} for voice in await voices.list()]
        return OpenAIVoiceNames(voices=[{"id": "default", "name": "default"}, *kept])

    @router.post("/voices", summary="Keep a voice")
    async def create_voice(
        request: Request,
        name: _Name,
        audio_sample: _Clip,
        consent: Annotated[str, Form(max_length=64, description="The id of the consent that it is kept under.")],
        type: Annotated[Literal["audio_sample"], Form()] = "audio_sample",  # noqa: A002, ARG001 - OpenAI's name
    ) -> OpenAIVoice:
        record = await voices.keep(name, await audio_sample.read(), consent, asker_of(request))
        return OpenAIVoice(id=record.id, created_at=int(record.created.timestamp()), name=record.name)

    @router.delete("/voices/{voice_id}", summary="Delete a voice")
    async def delete_voice(voice_id: _Id, request: Request) -> OpenAIVoiceDeleted:
        await voices.delete(voice_id, asker_of(request))
        return OpenAIVoiceDeleted(id=voice_id)

    @router.post("/voice_consents", summary="Write a consent down")
    async def create_consent(
        request: Request, language: _Language, name: _Name, recording: Annotated[UploadFile, File()]
    ) -> OpenAIConsent:
        new = NewConsent(name, _AS_RECORDED, language, await recording.read())
        return _openai_consent(await voices.consent(new, asker_of(request)))

    @router.get("/voice_consents", summary="The consents")
    async def list_consents(
        after: Annotated[str, Query(max_length=64)] = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> OpenAIConsentList:
        found = list(await voices.consents())
        start = next((place for place, consent in enumerate(found, 1) if consent.id == after), 0)
        page = found[start : start + limit]
        return OpenAIConsentList(
            data=[_openai_consent(consent) for consent in page],
            first_id=page[0].id if page else None,
            last_id=page[-1].id if page else None,
            has_more=len(found) > start + limit,
        )

    @router.get("/voice_consents/{consent_id}", summary="A consent")
    async def get_consent(consent_id: _Id) -> OpenAIConsent:
        return _openai_consent(await voices.find_consent(consent_id))

    @router.post("/voice_consents/{consent_id}", summary="Correct a consent's label")
    async def update_consent(consent_id: _Id, new: NewName, request: Request) -> OpenAIConsent:
        return _openai_consent(await voices.rename_consent(consent_id, new.name, asker_of(request)))

    @router.delete("/voice_consents/{consent_id}", summary="Withdraw a consent, and every voice under it")
    async def delete_consent(consent_id: _Id, request: Request) -> OpenAIConsentDeleted:
        await voices.withdraw(consent_id, asker_of(request))
        return OpenAIConsentDeleted(id=consent_id)

    return router


def _voice(voice: VoiceRecord) -> VoiceAnswer:
    return VoiceAnswer(
        id=voice.id,
        name=voice.name,
        created=voice.created,
        seconds=voice.seconds,
        sample_rate=voice.sample_rate,
        sha256=voice.sha256,
        consent=voice.consent_id,
    )


def _consent(consent: ConsentRecord) -> ConsentAnswer:
    return ConsentAnswer(
        id=consent.id,
        name=consent.name,
        statement=consent.statement,
        language=consent.language,
        created=consent.created,
        recorded=consent.recording_sha256 is not None,
    )


def _openai_consent(consent: ConsentRecord) -> OpenAIConsent:
    return OpenAIConsent(id=consent.id, created_at=int(consent.created.timestamp()), language=consent.language, name=consent.name)
