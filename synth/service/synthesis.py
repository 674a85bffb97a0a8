"""The straight line of a synthesis: request → text → segments → worker → engine → speech → label → task."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from indextts_hub.db.tasks import QUEUED, SpokenSegment, SpokenTask, TaskSettings
from indextts_hub.errors import UsageError
from synth.audio.encode import encode
from synth.audio.formats import Format
from synth.audio.label import Label, Provenance, can_be_labelled, labelled
from synth.emotion import EmotionVector
from synth.engines.able import check_able
from synth.engines.protocol import Segment, Settings
from synth.service.archive import Archive
from synth.service.versions import Served, ServedVersion
from synth.text.segments import to_segments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["PRODUCER", "Accepted", "Finished", "Spoken", "Step", "Synthesis", "SynthesisRequest"]

PRODUCER = "indextts-hub"
"""Who is said to have generated the speech, in its label."""


@dataclass(frozen=True, slots=True)
class SynthesisRequest:
    """What someone asks to be spoken, checked for itself; whether the engine can do it is seen later.

    Attributes:
        model: a reference to a served version; None for the default.
        emotion: the label it was asked by, if it was by one label; the vector is what is spoken.
        voice: of a reference clip; None for the engine's own.
    """

    text: str
    form: Format
    model: str | None = None
    vector: EmotionVector = EmotionVector()  # noqa: RUF009 - frozen
    emotion: str | None = None
    intensity: float = 0.5
    speed: float = 1.0
    seed: int = 0
    voice: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The task is written down and waits for its turn."""

    task: SpokenTask
    sample_rate: int
    segments: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A segment is spoken: float32 samples [n] in -1 to 1."""

    segment: SpokenSegment
    samples: "NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class Finished:
    """The task is done, its audio kept; `audio` is the whole file."""

    task: SpokenTask
    audio: bytes


Step: TypeAlias = Accepted | Spoken | Finished


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Turns requests into speech with the versions that are served, and keeps what was spoken."""

    served: Served
    archive: Archive
    longest_text: int

    async def speak(self, request: SynthesisRequest, asker: str) -> AsyncGenerator[Step, None]:
        """Speak a request: `Accepted`, then each segment as it is `Spoken`, then `Finished`. Leaving early (`aclose`) cancels it.

        Args:
            asker: whose turn it takes: a key's or an address's name.

        Raises:
            UsageError: what is asked for can't be spoken, or not by this engine; nothing was recorded.
            NotFound: E_NOT_SERVED.
            NotReady, QueueFull: try again later; nothing was recorded.
            HubError: the engine, the disk or the database failed; the task says so too.
        """
        import numpy as np

        version = self.served.find(request.model)
        can = await version.ready()
        settings = Settings(request.vector.weights, request.speed, request.seed, request.voice)
        check_able(can, settings)
        _check_length(request.text, self.longest_text)
        speeches: list[NDArray[np.float32]] = []
        spoken: list[SpokenSegment] = []
        with version.turns.place():
            text = await asyncio.to_thread(to_segments, request.text, can.longest_segment)
            warnings = dict.fromkeys(text.warnings)
            async with await self.archive.accept(_task(request, version)) as recording:
                yield Accepted(recording.task, can.sample_rate, len(text.segments))
                async with version.turns.turn(asker):
                    await recording.begin()
                    async with aclosing(version.supervisor.speak(text.segments, settings)) as stream:
                        async for speech in stream:
                            recording.heard()
                            speeches.append(np.frombuffer(speech.samples, "<f4"))
                            warnings.update(dict.fromkeys(speech.warnings))
                            spoken.append(_placed(text.segments[len(spoken)], spoken, len(speeches[-1]), can.sample_rate))
                            yield Spoken(spoken[-1], speeches[-1])
                audio = await asyncio.to_thread(encode, np.concatenate(speeches), can.sample_rate, request.form)
                audio = _labelled(audio, request.form, recording.task)
                rate = request.form.rate_for(can.sample_rate)
                task = await recording.finish(audio, rate, tuple(spoken), tuple(warnings))
        yield Finished(task, audio)

    async def spoken(self, request: SynthesisRequest, asker: str) -> Finished:
        """Speak a request to its end. Cancelling the call cancels the task.

        Raises:
            HubError: as `speak`.
        """
        async with aclosing(self.speak(request, asker)) as steps:
            async for step in steps:
                if isinstance(step, Finished):
                    return step
        raise RuntimeError("a synthesis ended without an end")


def _check_length(text: str, longest: int) -> None:
    if len(text) > longest:
        raise UsageError(
            f"the text has {len(text)} characters",
            remedy=f"send at most {longest} at once; cut it between paragraphs",
            code="E_TEXT",
        )


def _labelled(audio: bytes, form: Format, task: SpokenTask) -> bytes:
    if not can_be_labelled(form):
        return audio
    return labelled(audio, Label(PRODUCER, task.id), Provenance(task.model, task.model_digest or "", task.id))


def _task(request: SynthesisRequest, version: ServedVersion) -> SpokenTask:
    return SpokenTask(
        id=secrets.token_hex(10),
        created=datetime.now(UTC),
        status=QUEUED,
        text=request.text,
        model=version.name,
        model_digest=version.digest,
        voice=request.voice,
        emotion=request.emotion,
        settings=TaskSettings(request.form.name, request.vector.weights, request.intensity, request.speed, request.seed),
    )


def _placed(segment: Segment, before: list[SpokenSegment], samples: int, rate: int) -> SpokenSegment:
    start = before[-1].end if before else 0.0
    return SpokenSegment(segment.text, start, round(start + samples / rate, 4))
