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

from indextts_hub.store.durable import write_durably
from synth.audio.encode import encode
from synth.audio.formats import Format, format_of_path
from synth.audio.label import Label, Provenance, can_be_labelled, labelled
from synth.emotion import NEUTRAL, EmotionVector
from synth.engines.able import check_able
from synth.engines.protocol import Capabilities, Settings
from synth.environments import launch_for
from synth.text.segments import to_segments
from synth.worker.process import Launch
from synth.worker.supervisor import Supervisor

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ModelUsed", "Speech", "SpeechSegment", "Synthesizer"]

_PRODUCER = "indextts-hub"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """The version that spoke, by its name and the digest of its manifest."""

    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """What was spoken in one go, from `start` to `end` in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Generated speech.

    Attributes:
        samples: float32 [n], mono, -1 to 1.
        sample_rate: in Hz.
        segments: what was spoken when.
        model: which version spoke.
        warnings: what the text's author should know.
    """

    samples: "NDArray[np.float32]"
    sample_rate: int
    segments: tuple[SpeechSegment, ...]
    model: ModelUsed
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """In seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: Path | str, form: Format | None = None) -> None:
        """Write a labelled audio file, in the format its suffix names unless one is given; it appears whole or not at all.

        Raises:
            UsageError: E_FORMAT, if the suffix names no format.
            StorageError: it could not be written.
        """
        path = Path(path)
        form = form or format_of_path(path)
        audio = encode(self.samples, self.sample_rate, form)
        if can_be_labelled(form):
            number = secrets.token_hex(10)
            audio = labelled(audio, Label(_PRODUCER, number), Provenance(self.model.version, self.model.digest, number))
        write_durably(path, audio)


class Synthesizer:
    """A version that speaks, in a process of its own that is started at the first use. Close it, or use it in a `with` block.

    Safe to use from several threads, in a notebook, and beside a running event loop: its own loop runs on a thread.
    """

    def __init__(self, version: str = "lite", *, cache_dir: Path | str | None = None) -> None:
        """Find the version; nothing is downloaded.

        Args:
            version: `NAME`, `NAME@sha256:HEX` or an alias.
            cache_dir: the store; where the `pull` command keeps it if None.

        Raises:
            NotFound: the version is not here, and how to pull it; or its engine is unknown.
        """
        from indextts_hub import Hub
        from indextts_hub.store import assert_right

        hub = Hub(cache_dir=cache_dir)
        snapshot = hub.snapshot(version)
        engine = hub.store.manifests.read(snapshot.digest).engine
        check = partial(assert_right, hub.store, snapshot.version, snapshot.digest)
        self._start(launch_for(engine, snapshot.path), ModelUsed(snapshot.version, snapshot.digest), check)

    @classmethod
    def of(cls, launch: Launch, model: ModelUsed) -> "Synthesizer":
        """One that speaks with what `launch` starts."""
        made = cls.__new__(cls)
        made._start(launch, model)  # noqa: SLF001 - its own class
        return made

    def _start(self, launch: Launch, model: ModelUsed, check: Callable[[], None] = lambda: None) -> None:
        self._model = model
        self._loop = asyncio.new_event_loop()
        self._supervisor = Supervisor(launch, check=check)
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

    def synthesize(
        self,
        text: str,
        *,
        emotion: str | Mapping[str, float] = NEUTRAL,
        intensity: float = 0.5,
        speed: float = 1.0,
        seed: int = 0,
        voice: Path | str | None = None,
    ) -> Speech:
        """Speak a text.

        Args:
            text: as people write it.
            emotion: a label or its Chinese name, or several labels with their weights from 0 to 1.
            intensity: of a single emotion, 0 to 1.
            speed: 0.5 to 2; above 1 is faster.
            seed: for engines that draw random numbers.
            voice: a reference clip, for engines that can clone.

        Raises:
            UsageError: E_TEXT, E_EMOTION, E_VOICE, E_SPEED: what can't be spoken, and what can.
            WorkerError: the engine failed.
        """
        vector = EmotionVector.of(emotion, intensity) if isinstance(emotion, str) else EmotionVector.mixture(emotion)
        settings = Settings(vector.weights, speed, seed, None if voice is None else str(Path(voice).resolve()))
        return self._wait(self._spoken(text, settings))

    def close(self) -> None:
        """End the engine's process. Safe to call twice."""
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        self.close()

    async def _spoken(self, text: str, settings: Settings) -> Speech:
        import numpy as np

        can = await self._supervisor.ready()
        check_able(can, settings)
        cut = await asyncio.to_thread(to_segments, text, can.longest_segment)
        pieces: list[NDArray[np.float32]] = []
        warnings = dict.fromkeys(cut.warnings)
        async for speech in self._supervisor.speak(cut.segments, settings):
            pieces.append(np.frombuffer(speech.samples, "<f4"))
            warnings.update(dict.fromkeys(speech.warnings))
        ends = np.cumsum([len(piece) for piece in pieces]) / can.sample_rate
        starts = np.concatenate([[0.0], ends[:-1]])
        segments = tuple(
            SpeechSegment(segment.text, float(start), float(end))
            for segment, start, end in zip(cut.segments, starts, ends, strict=True)
        )
        return Speech(np.concatenate(pieces), can.sample_rate, segments, self._model, tuple(warnings))

    def _wait(self, work: "Coroutine[None, None, _Result]") -> _Result:
        doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result()
        except BaseException:
            doing.cancel()
            raise


def _close(loop: asyncio.AbstractEventLoop, supervisor: Supervisor, thread: threading.Thread) -> None:
    asyncio.run_coroutine_threadsafe(supervisor.stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
