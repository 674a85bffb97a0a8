"""The straight line of a synthesis: request → text → segments → worker → engine → speech → label → task."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from indextts_hub.db.tasks import QUEUED, RoleSettings, SpokenTask, TaskSettings
from indextts_hub.errors import UsageError
from synth.audio.encode import check_encoder, encode
from synth.audio.formats import Format, format_named
from synth.audio.label import Marks, Provenance
from synth.audio.take import Spoken, Take
from synth.emotion import AUTO, EmotionVector
from synth.engines.able import check_able, sampling_of, segment_length
from synth.engines.protocol import Capabilities, Sampling, Segment, Settings
from synth.service.archive import Archive, Recording
from synth.service.limits import Limits
from synth.service.versions import Served, ServedVersion
from synth.text.parts import SpokenText, to_parts
from synth.text.script import Manner
from synth.text.segments import QUICK_START

__all__ = ["Accepted", "Finished", "Order", "Spoken", "Step", "Synthesis", "SynthesisRequest", "provenance"]

# Segments that are spoken in one turn at the worker, for each that it speaks at once: some ten seconds of speech.
_IN_ONE_TURN = 4


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    """What someone asks to be spoken, checked for itself; whether the engine can do it is seen later.

    Attributes:
        model: a reference to a served version; None for the default.
        manner: of what no role and no mark says otherwise; voices are named by the ids under which they are kept.
        emotion: the label it was asked by, if it was by one label, or `auto`; the manner is what is spoken.
        intensity: of that label, and of marks that name an emotion alone.
        language: a tag; empty for the engine's first.
        segment_length: characters of one segment, at most.
        roles: how the roles that the text may name speak.
    """

    text: str
    form: Format
    model: str | None = None
    manner: Manner = Manner()  # noqa: RUF009 - frozen
    emotion: str | None = None
    intensity: float = 0.5
    seed: int = 0
    language: str = ""
    sampling: Sampling = Sampling()  # noqa: RUF009 - frozen
    segment_length: int | None = None
    roles: tuple[RoleSettings, ...] = ()

    @classmethod
    def of(cls, task: SpokenTask) -> "SynthesisRequest":
        """What a task that was written down asks for, from the very version that it was to be spoken by."""
        kept = task.settings
        return cls(
            text=task.text,
            form=format_named(kept.format),
            model=f"{task.model}@sha256:{task.model_digest}" if task.model_digest else task.model,
            manner=Manner(
                vector=EmotionVector.from_weights(kept.emotion),
                speed=kept.speed,
                voice=task.voice,
                emotion_voice=kept.emotion_voice,
                emotion_text=kept.emotion_text,
                intensity=kept.intensity if kept.emotion_voice or kept.emotion_text else 1.0,
                pitch=kept.pitch,
                volume=kept.volume,
                suggested=task.emotion == AUTO,
            ),
            emotion=task.emotion,
            intensity=kept.intensity,
            seed=kept.seed,
            language=kept.language,
            sampling=sampling_of(kept.sampling),
            segment_length=kept.segment_length,
            roles=kept.roles,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """A request and who stands behind it.

    Attributes:
        asker: whose turn it takes: a key's id or an address.
        background: nobody waits at the other end of a connection.
        task: written down earlier, for a line of a batch and for what a service before this one left unfinished.
    """

    request: SynthesisRequest
    asker: str
    background: bool = False
    task: SpokenTask | None = None

    @classmethod
    def again(cls, task: SpokenTask) -> "Order":
        """The order of a task that was written down."""
        return cls(SynthesisRequest.of(task), task.asker, task.background, task)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The task is written down and waits for its turn."""

    task: SpokenTask
    sample_rate: int
    segments: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The task is done, its audio kept; `audio` is the whole file."""

    task: SpokenTask
    audio: bytes


Step: TypeAlias = Accepted | Spoken | Finished


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Turns requests into speech with the versions that are served, and keeps what was spoken.

    Attributes:
        clip: where the clip of a voice lies, by its id; raises UsageError, E_VOICE.
        longest_text: characters.
    """

    served: Served
    archive: Archive
    limits: Limits
    clip: Callable[[str], Path]
    marks: Marks
    longest_text: int

    async def speak(self, order: Order) -> AsyncGenerator[Step, None]:
        """Speak: `Accepted`, then each piece as it is `Spoken`, then `Finished`. Leaving early (`aclose`) cancels it.

        Raises:
            UsageError: what is asked for can't be spoken, or not by this engine; nothing was recorded.
            NotFound: E_NOT_SERVED.
            NotReady, QueueFull, Limited: try again later; nothing was recorded.
            HubError: the engine, the disk or the database failed; the task says so too.
        """
        request = order.request
        _check_length(request.text, self.longest_text)
        check_encoder(request.form)
        version = self.served.find(request.model)
        can = await self.served.ready(version)
        version.turns.widen(_turns_at_once(can))
        patient = order.task is not None and order.task.batch is not None
        with version.turns.place() if order.task is None else version.turns.promised_place():
            text = await asyncio.to_thread(_read, request, can)
            settings = await self._settings(text, request, can)
            async with await self._recording(order, version) as recording:
                yield Accepted(recording.task, can.sample_rate, len(text.segments))
                take = Take(can.sample_rate, text.silence, self.marks.cue, warnings=dict.fromkeys(text.warnings))
                async with version.turns.turn(order.asker, patient=patient) as turn:
                    await recording.begin()
                    for segments, how in _turns(text, settings, _IN_ONE_TURN * can.at_once):
                        if take.captions:
                            await turn.give_way()
                        async with aclosing(version.supervisor.speak(segments, how)) as stream:
                            async for segment, speech in stream:
                                recording.heard()
                                yield take.add(segment, speech)
                if cue := take.end():
                    yield cue
                audio, rate = await asyncio.to_thread(_encoded, take, request.form)
                audio = self.marks.on(audio, request.form, provenance(recording.task))
                task = await recording.finish(audio, rate, take)
        self.limits.spoke(order.asker, take.seconds)
        yield Finished(task, audio)

    async def spoken(self, order: Order) -> Finished:
        """Speak to the end. Cancelling the call cancels the task.

        Raises:
            HubError: as `speak`.
        """
        async with aclosing(self.speak(order)) as steps:
            async for step in steps:
                if isinstance(step, Finished):
                    return step
        raise RuntimeError("a synthesis ended without an end")

    def expected(self, order: Order) -> SpokenTask:
        """The task of an order, as it is written down before it waits; for many that are accepted together.

        Raises:
            UsageError, NotFound: as `speak`, as far as that can be known without the engine.
        """
        _check_length(order.request.text, self.longest_text)
        check_encoder(order.request.form)
        return _task(order, self.served.find(order.request.model))

    async def _recording(self, order: Order, version: ServedVersion) -> Recording:
        if order.task is not None:
            return self.archive.resume(order.task)
        self.limits.take(order.asker)
        return await self.archive.accept(_task(order, version))

    async def _settings(self, text: SpokenText, request: SynthesisRequest, can: Capabilities) -> Mapping[Manner, Settings]:
        """What the engine is told of each manner that occurs, seen to be something that it can do."""
        found: dict[Manner, Settings] = {}
        for manner in dict.fromkeys(part.manner for part in text.parts):
            settings = manner.settings(request.seed, request.language, request.sampling)
            check_able(can, settings)
            voice, emotion_voice = await self._clip(settings.voice), await self._clip(settings.emotion_voice)
            found[manner] = replace(settings, voice=voice, emotion_voice=emotion_voice)
        return found

    async def _clip(self, voice: str | None) -> str | None:
        return None if voice is None else str(await asyncio.to_thread(self.clip, voice))


def provenance(task: SpokenTask) -> Provenance:
    """What the audio of a task says of itself."""
    return Provenance(task.model, task.model_digest or "", task.id)


def _check_length(text: str, longest: int) -> None:
    if len(text) > longest:
        raise UsageError(
            f"the text has {len(text)} characters",
            remedy=f"send at most {longest} at once; cut it between paragraphs",
            code="E_TEXT",
        )


def _read(request: SynthesisRequest, can: Capabilities) -> SpokenText:
    roles = {
        role.name: Manner(
            vector=EmotionVector.from_weights(role.emotion),
            speed=role.speed,
            voice=role.voice or request.manner.voice,
            pitch=role.pitch,
            volume=role.volume,
            # One without an emotion of its own feels as the text does.
            suggested=request.manner.suggested and not any(role.emotion),
        )
        for role in request.roles
    }
    return to_parts(
        request.text,
        request.manner,
        roles,
        request.intensity,
        segment_length(can, request.segment_length),
        # Also for whoever waits for the whole: the same text is the same audio, however it is heard.
        QUICK_START,
        emotions=can.emotions,
        language=request.language,
    )


def _turns_at_once(can: Capabilities) -> int:
    # One more than are spoken at once: while what was said for one is written down, the worker has another.
    return can.at_once if can.at_once == 1 else can.at_once + 1


def _turns(text: SpokenText, settings: Mapping[Manner, Settings], most: int) -> Iterator[tuple[Sequence[Segment], Settings]]:
    """What is spoken in each turn at the worker, at most so many segments."""
    for part in text.parts:
        for start in range(0, len(part.segments), most):
            yield part.segments[start : start + most], settings[part.manner]


def _encoded(take: Take, form: Format) -> tuple[bytes, int]:
    return encode(take.samples(), take.rate, form), form.rate_for(take.rate)


def _task(order: Order, version: ServedVersion) -> SpokenTask:
    request, manner = order.request, order.request.manner
    named = tuple(role for role in request.roles if role.name in request.text)
    return SpokenTask(
        id=secrets.token_hex(10),
        created=datetime.now(UTC),
        status=QUEUED,
        text=request.text,
        model=version.name,
        model_digest=version.digest,
        voice=manner.voice,
        emotion=request.emotion,
        settings=TaskSettings(
            format=request.form.name,
            emotion=manner.vector.weights,
            intensity=request.intensity,
            speed=manner.speed,
            seed=request.seed,
            roles=named,
            pitch=manner.pitch,
            volume=manner.volume,
            language=request.language,
            emotion_voice=manner.emotion_voice,
            emotion_text=manner.emotion_text,
            sampling=request.sampling.given(),
            segment_length=request.segment_length,
        ),
        asker=order.asker,
        background=order.background,
    )
