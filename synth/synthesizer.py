"""The Python API: `Synthesizer("lite").synthesize("你好").save("hello.wav")`."""

import asyncio
import secrets
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from indextts_hub.errors import UsageError
from indextts_hub.store.durable import write_durably
from synth.audio.captions import Caption
from synth.audio.encode import encode
from synth.audio.formats import Format, format_of_path
from synth.audio.label import Marks, Provenance
from synth.audio.take import Take
from synth.emotion import NEUTRAL, EmotionVector, is_auto
from synth.engines.able import check_able
from synth.engines.able import segment_length as segment_length_for
from synth.engines.protocol import Capabilities, Sampling, Settings
from synth.environments import launch_for
from synth.text.parts import SpokenText, to_parts
from synth.text.script import Manner
from synth.worker.process import Launch, Proof
from synth.worker.supervisor import Supervisor

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ModelUsed", "Speech", "Synthesizer"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The version that spoke, by its name and the digest of its manifest."""

    version: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Generated speech.

    Attributes:
        samples: float32 [n], mono, -1 to 1.
        sample_rate: in Hz.
        segments: what was spoken when.
        model: which version spoke.
        warnings: what the text's author should know.
        marks: how its files are labelled.
    """

    samples: "NDArray[np.float32]"
    sample_rate: int
    segments: tuple[Caption, ...]
    model: ModelUsed
    warnings: tuple[str, ...] = ()
    marks: Marks = Marks()  # noqa: RUF009 - frozen

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.samples) / self.sample_rate

    def encoded(self, form: Format) -> bytes:
        """A whole labelled audio file.

        Raises:
            UsageError: E_FORMAT, for AAC without its encoder.
        """
        provenance = Provenance(self.model.version, self.model.digest, secrets.token_hex(10))
        return self.marks.on(encode(self.samples, self.sample_rate, form), form, provenance)

    def save(self, path: Path | str, form: Format | None = None) -> None:
        """Write a labelled audio file, in the format its suffix names unless one is given; it appears whole or not at all.

        Raises:
            UsageError: E_FORMAT, if the suffix names no format, or it can't be written.
            StorageError: it could not be written.
        """
        path = Path(path)
        write_durably(path, self.encoded(form or format_of_path(path)))


class Synthesizer:
    """A version that speaks, in a process of its own that is started at the first use. Close it, or use it in a `with` block.

    Safe to use from several threads, in a notebook, and beside a running event loop: its own loop runs on a thread.
    """

    def __init__(self, version: str = "lite", *, cache_dir: Path | str | None = None, marks: Marks | None = None) -> None:
        """Find the version; nothing is downloaded.

        Args:
            version: `NAME`, `NAME@sha256:HEX` or an alias.
            cache_dir: the store; where the `pull` command keeps it if None.
            marks: how what is spoken is labelled.

        Raises:
            NotFound: the version is not here, and how to pull it; or its engine is unknown.
        """
        from indextts_hub import Hub

        hub = Hub(cache_dir=cache_dir)
        snapshot = hub.snapshot(version)
        engine = hub.store.manifests.read(snapshot.digest).engine
        proof = Proof(hub.store.manifests.path(snapshot.digest), snapshot.digest)
        self._start(
            launch_for(engine, snapshot.path, hub.store.engines, proof), ModelUsed(snapshot.version, snapshot.digest), marks
        )

    @classmethod
    def of(cls, launch: Launch, model: ModelUsed) -> "Synthesizer":
        """One that speaks with what `launch` starts."""
        made = cls.__new__(cls)
        made._start(launch, model)  # noqa: SLF001 - its own class
        return made

    def _start(self, launch: Launch, model: ModelUsed, marks: Marks | None = None) -> None:
        self._model = model
        self._marks = marks or Marks()
        self._loop = asyncio.new_event_loop()
        self._supervisor = Supervisor(launch)
        thread = threading.Thread(target=self._loop.run_forever, name="synthesizer", daemon=True)
        thread.start()
        # Also when it is forgotten, and at the end of the program: no process is left behind.
        self._finish = weakref.finalize(self, _close, self._loop, self._supervisor, thread)
        self._loop.call_soon_threadsafe(self._supervisor.start)

    @property
    def capabilities(self) -> Capabilities:
        """What the version can do; waits until it is loaded.

        Raises:
            HubError: the engine can't be started.
        """
        return self._wait(self._supervisor.ready())

    def synthesize(  # noqa: PLR0913 - all that can be said of how a text is spoken, by name
        self,
        text: str,
        *,
        emotion: str | Mapping[str, float] = NEUTRAL,
        intensity: float = 0.5,
        speed: float = 1.0,
        seed: int = 0,
        voice: Path | str | None = None,
        roles: Mapping[str, Manner] | None = None,
        emotion_voice: Path | str | None = None,
        emotion_text: str | None = None,
        pitch: float = 0.0,
        volume: float = 0.0,
        language: str = "",
        sampling: Sampling | None = None,
        segment_length: int | None = None,
    ) -> Speech:
        """Speak a text.

        Args:
            text: as people write it, with marks such as `[happy 0.8]` and `<break 500ms>` if need be (docs/text.md).
            emotion: a label or its Chinese name, or several labels with their weights from 0 to 1; `auto`: each sentence's, by its
                words.
            intensity: of a single emotion, or how much of a mood is taken, 0 to 1.
            speed: 0.5 to 2; above 1 is faster.
            seed: for engines that draw random numbers.
            voice: a reference clip, for engines that can clone.
            roles: how those speak whose names stand before lines of the text; a role's voice is a clip, too.
            emotion_voice: a clip whose mood is taken instead of an emotion, for engines that can.
            emotion_text: a text whose mood is taken instead of an emotion, for engines that can.
            pitch: semitones, -12 to 12, for engines that can.
            volume: decibels, -20 to 20, for engines that can.
            language: a tag such as `en`; the version's first if it is empty.
            sampling: how an engine that draws its speech draws it.
            segment_length: characters of one segment, at most; as many as the engine takes if it is None.

        Raises:
            UsageError: E_TEXT, E_SCRIPT, E_EMOTION, E_VOICE, E_SPEED, E_LANGUAGE, E_CONTROL: what can't be spoken, and what can.
            WorkerError: the engine failed.
        """
        auto = isinstance(emotion, str) and is_auto(emotion)
        if isinstance(emotion, str):
            vector = EmotionVector() if auto else EmotionVector.of(emotion, intensity)
        else:
            vector = EmotionVector.mixture(emotion)
        manner = Manner(
            vector=vector,
            speed=speed,
            voice=_clip(voice),
            emotion_voice=_clip(emotion_voice),
            emotion_text=emotion_text,
            intensity=1.0 if emotion_voice is None and emotion_text is None else intensity,
            pitch=pitch,
            volume=volume,
            suggested=auto,
        )
        whole = partial(Manner.settings, seed=seed, language=language, sampling=sampling or Sampling())
        read = partial(to_parts, text, manner, roles or {}, intensity, language=language)
        return self._wait(self._spoken(read, whole, segment_length))

    def close(self) -> None:
        """End the engine's process. Safe to call twice."""
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        self.close()

    async def _spoken(
        self, read_for: Callable[..., SpokenText], settings_of: Callable[[Manner], Settings], length: int | None
    ) -> Speech:
        can = await self._supervisor.ready()
        read = await asyncio.to_thread(read_for, longest=segment_length_for(can, length), emotions=can.emotions)
        settings = [settings_of(part.manner) for part in read.parts]
        for how in settings:
            check_able(can, how)
        take = Take(can.sample_rate, read.silence, self._marks.cue, warnings=dict.fromkeys(read.warnings))
        for part, how in zip(read.parts, settings, strict=True):
            async for segment, speech in self._supervisor.speak(part.segments, how):
                take.add(segment, speech)
        take.end()
        return Speech(take.samples(), can.sample_rate, tuple(take.captions), self._model, tuple(take.warnings), self._marks)

    def _wait(self, work: "Coroutine[None, None, _Result]") -> _Result:
        doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result()
        except BaseException:
            doing.cancel()
            raise


def _clip(path: Path | str | None) -> str | None:
    if path is None:
        return None
    if not Path(path).is_file():
        raise UsageError(f"there is no clip {str(path)[:200]!a}", remedy="give the path of an audio file", code="E_VOICE")
    return str(Path(path).resolve())


def _close(loop: asyncio.AbstractEventLoop, supervisor: Supervisor, thread: threading.Thread) -> None:
    asyncio.run_coroutine_threadsafe(supervisor.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
