"""What the worker asks of an engine, and what an engine says of itself.

Standard library only: this module is imported by every engine's environment, and by the service, which has no torch.
Samples travel as little-endian float32 bytes, so that neither side needs the other's array library.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Protocol, runtime_checkable

__all__ = ["Capabilities", "Engine", "Sampling", "Segment", "SegmentSpeech", "Settings", "Spoken", "StreamingEngine"]


@dataclass(frozen=True, slots=True)
class Segment:
    """What is spoken in one go: normalised text, and the silence after it in seconds."""

    text: str
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an engine that draws its speech from probabilities draws it, by upstream's names; None leaves it as the engine has it."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    num_beams: int | None = None
    repetition_penalty: float | None = None
    length_penalty: float | None = None
    max_mel_tokens: int | None = None

    def given(self) -> dict[str, int | float]:
        """What is not left to the engine, by name."""
        values: dict[str, int | float | None] = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Settings:
    """How to speak, in the vocabulary that all engines share.

    Attributes:
        emotion: eight weights from 0 to 1, in the order of `synth.emotion.EMOTIONS`; all zero is neutral.
        speed: 0.5 to 2.0; above 1 is faster.
        seed: for engines that draw random numbers; the same seed gives the same samples.
        voice: path of a reference clip, or None for the engine's own voice.
        emotion_voice: path of a clip whose mood is taken.
        emotion_text: a text whose mood is taken.
        intensity: how much of such a mood is taken, 0 to 1; the eight weights have theirs already.
        pitch: semitones, -12 to 12; above 0 is higher.
        volume: decibels, -20 to 20.
        language: BCP 47 tag; empty for the engine's first.
    """

    emotion: tuple[float, ...] = (0.0,) * 8
    speed: float = 1.0
    seed: int = 0
    voice: str | None = None
    emotion_voice: str | None = None
    emotion_text: str | None = None
    intensity: float = 1.0
    pitch: float = 0.0
    volume: float = 0.0
    language: str = ""
    sampling: Sampling = Sampling()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A character, or a word in Latin letters, and when it is heard: seconds from the segment's first sample."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class SegmentSpeech:
    """A spoken segment or a piece of one: float32 little-endian mono samples in -1 to 1, its pause included.

    Attributes:
        times: when its characters and words are heard, in order, with its first piece; empty if the engine does not know.
        ends: whether the segment is over with it.
    """

    samples: bytes
    warnings: tuple[str, ...] = ()
    times: tuple[Spoken, ...] = ()
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do; what it can't is refused before it is asked.

    Attributes:
        sample_rate: of its speech, in Hz.
        emotions: labels it can speak with, neutral included.
        cloning: whether it takes its timbre from a reference clip.
        longest_segment: characters of normalised text in one segment.
        languages: BCP 47 tags.
        thrift: what it gives up for want of memory at each level that it was loaded with, in words for the one who asks;
            empty if nothing, or if there is nothing that it could give up.
        levels: how many levels of thrift it knows.
        own_voice: whether it can speak without a reference clip.
        controls: which of the further settings it follows: names of `Settings` (`pitch`, `volume`, `emotion_voice`,
            `emotion_text`) and of `Sampling`. Emotion, speed, seed and language are every engine's.
        at_once: how many segments it speaks at the same time, each asked for on a thread of its own, or of a process that was
            forked from this one, which threads of its own and graphics cards don't survive; what it says of one must not depend
            on the others.
    """

    sample_rate: int
    emotions: tuple[str, ...] = ("neutral",)
    cloning: bool = False
    longest_segment: int = 100
    languages: tuple[str, ...] = ("zh",)
    notes: tuple[str, ...] = field(default=())
    thrift: tuple[str, ...] = field(default=())
    levels: int = 0
    own_voice: bool = True
    controls: tuple[str, ...] = field(default=())
    at_once: int = 1


class Engine(Protocol):
    """Code that speaks. Made by the engine's module function `load`, see `LoadEngine`; used from `at_once` threads."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        """Speak one segment."""
        ...


@runtime_checkable
class StreamingEngine(Engine, Protocol):
    """An engine that gives out a segment before it has spoken the whole of it."""

    def stream(self, segment: Segment, settings: Settings) -> Iterator[SegmentSpeech]:
        """Speak one segment in pieces, whose samples together are those of `speak`; the last of them `ends`."""
        ...


class LoadEngine(Protocol):
    """An engine module's `load`."""

    def __call__(self, snapshot: Path, thrift: int, /) -> Engine:
        """Load the weights under `snapshot`; `thrift` is 0, or how many steps to go towards less memory.

        Everything that is needed of the folder is opened here: afterwards it may be gone. Its files may be links, which are opened
        by the names they have here; see `synth.worker.weights`.
        """
        ...
