"""What the service and a worker say to each other: frames of msgpack, each after its length. Pure: bytes in, values out.

The rules this module keeps:

1.  A frame is four bytes of length, big-endian, and that many bytes of one msgpack list: its kind, then its fields.
2.  A length above `LARGEST_FRAME` is refused before anything is read.
3.  What is decoded has exactly the fields and types that its kind has; anything else is a `WireError`, never a guess.

A worker says `Knock`, with the token it was given, as soon as it is connected; `Hello` when its engine is loaded; then, for each
`Speak`, a `SegmentReady` for each piece of each segment and one `Done`, `Cancelled` or `Failed` behind all of them. The pieces of a
segment come in order; between them may come those of other segments, and of other tasks.
"""

import struct
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

import msgpack

from synth.engines.protocol import Capabilities, Sampling, Segment, SegmentSpeech, Settings, Spoken

__all__ = [
    "HEADER",
    "LARGEST_FRAME",
    "PROTOCOL",
    "Cancel",
    "Cancelled",
    "Done",
    "Failed",
    "Frame",
    "Hello",
    "Knock",
    "SegmentReady",
    "Speak",
    "WireError",
    "body_length",
    "decode",
    "encode",
]

PROTOCOL = 5
"""A worker of another number is refused: it belongs to another installation."""

HEADER = 4
"""Bytes of a frame's length."""

LARGEST_FRAME = 64 * 2**20
"""Five minutes of float32 at 48 kHz in one segment; engines cut at far less."""

_LENGTH = struct.Struct(">I")


class WireError(Exception):
    """The bytes are not a frame."""


@dataclass(frozen=True, slots=True)
class Knock:
    """Worker: here I am. `token` proves that it is the process that was started."""

    token: str
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Hello:
    """Worker: the engine is loaded, and this is what it can do.

    Attributes:
        digest: of the manifest by which the loaded bytes were hashed; empty if it was given none.
        sealed: whether nobody could change those bytes after that; see `synth.worker.sealed`.
    """

    capabilities: Capabilities
    digest: str = ""
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Speak:
    """Service: speak these segments. Tasks that are under way together take turns."""

    task: str
    segments: tuple[Segment, ...]
    settings: Settings


@dataclass(frozen=True, slots=True)
class Cancel:
    """Service: stop this task before its next piece. For a task that is over it means nothing."""

    task: str


@dataclass(frozen=True, slots=True)
class SegmentReady:
    """Worker: the segment at `index`, or the next piece of it, is spoken."""

    task: str
    index: int
    speech: SegmentSpeech


@dataclass(frozen=True, slots=True)
class Done:
    """Worker: all segments of the task are spoken."""

    task: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Worker: the task was left, as asked."""

    task: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Worker: the task, or with no task the engine's start, failed.

    Attributes:
        exit_code: that of the `HubError`; 1 for anything else.
    """

    task: str | None
    exit_code: int
    code: str
    message: str
    remedy: str


Frame: TypeAlias = Knock | Hello | Speak | Cancel | SegmentReady | Done | Cancelled | Failed


def encode(frame: Frame) -> bytes:
    """Return the frame with its length before it.

    Raises:
        WireError: it is larger than `LARGEST_FRAME`.
    """
    # A text with half a surrogate pair can't be said in UTF-8; what an engine prints into an error may hold one.
    body: bytes = msgpack.packb(_fields(frame), unicode_errors="replace")
    if len(body) > LARGEST_FRAME:
        raise WireError(f"a frame of {len(body)} bytes is larger than {LARGEST_FRAME}")
    return _LENGTH.pack(len(body)) + body


def body_length(header: bytes) -> int:
    """Return how many bytes follow these first four.

    Raises:
        WireError: they are not four, or announce more than `LARGEST_FRAME`.
    """
    if len(header) != HEADER:
        raise WireError(f"a frame begins with {HEADER} bytes, not {len(header)}")
    (length,) = _LENGTH.unpack(header)
    if length > LARGEST_FRAME:
        raise WireError(f"a frame of {length} bytes is announced; the largest is {LARGEST_FRAME}")
    return int(length)


def decode(body: bytes) -> Frame:
    """Read the frame in `body`, without its length.

    Raises:
        WireError: it is not a frame.
    """
    try:
        value: object = msgpack.unpackb(body, strict_map_key=True)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise WireError(f"not msgpack: {type(error).__name__}") from None
    frame = _frame(value)
    if frame is None:
        raise WireError("not a frame of this protocol")
    return frame


def _fields(frame: Frame) -> list[object]:
    match frame:
        case Knock(token, protocol):
            return ["knock", token, protocol]
        case Hello(can, digest, sealed):
            words = [list(can.emotions), list(can.languages), list(can.notes), list(can.thrift), list(can.controls)]
            last = [can.levels, can.own_voice, can.at_once]
            return ["hello", can.sample_rate, can.cloning, can.longest_segment, *words, last, digest, sealed]
        case Speak(task, segments, settings):
            return ["speak", task, [[segment.text, float(segment.pause)] for segment in segments], _settings_fields(settings)]
        case Cancel(task):
            return ["cancel", task]
        case SegmentReady(task, index, speech):
            times = [[spoken.text, float(spoken.start), float(spoken.end)] for spoken in speech.times]
            return ["segment", task, index, speech.samples, list(speech.warnings), times, speech.ends]
        case Done(task):
            return ["done", task]
        case Cancelled(task):
            return ["cancelled", task]
        case Failed(failed_task, exit_code, code, message, remedy):
            return ["failed", failed_task, exit_code, code, message, remedy]


def _settings_fields(how: Settings) -> list[object]:
    weights = [float(weight) for weight in how.emotion]
    mood = [how.emotion_voice, how.emotion_text, float(how.intensity)]
    sound = [float(how.pitch), float(how.volume), how.language]
    return [weights, float(how.speed), how.seed, how.voice, mood, sound, _sampling_fields(how.sampling)]


def _sampling_fields(how: Sampling) -> list[object]:
    beams = [how.top_k, how.num_beams, how.max_mel_tokens]
    numbers = [how.temperature, how.top_p, how.repetition_penalty, how.length_penalty]
    return [beams, [None if number is None else float(number) for number in numbers]]


def _frame(value: object) -> Frame | None:
    match value:
        case ["knock", str(token), int(protocol)]:
            return Knock(token, protocol)
        case [
            "hello",
            int(rate),
            bool(cloning),
            int(longest),
            *words,
            [int(levels), bool(own), int(at_once)],
            str(digest),
            bool(sealed),
        ]:
            can = _capabilities(words, (rate, cloning, longest), (levels, own, at_once))
            return None if can is None else Hello(can, digest, sealed)
        case ["speak", str(task), list(segments), settings]:
            return _speak(task, segments, settings)
        case ["cancel", str(task)]:
            return Cancel(task)
        case ["segment", str(task), int(index), bytes(samples), warnings, list(times), bool(ends)]:
            speech = _speech(samples, warnings, times, ends)
            return None if speech is None else SegmentReady(task, index, speech)
        case ["done", str(task)]:
            return Done(task)
        case ["cancelled", str(task)]:
            return Cancelled(task)
        case ["failed", str() | None as failed, int(exit_code), str(code), str(message), str(remedy)]:
            return Failed(failed, exit_code, code, message, remedy)
        case _:
            return None


def _capabilities(words: list[object], first: tuple[int, bool, int], last: tuple[int, bool, int]) -> Capabilities | None:
    match words:
        case [emotions, languages, notes, thrift, controls] if (
            _texts(emotions) and _texts(languages) and _texts(notes) and _texts(thrift) and _texts(controls)
        ):
            rate, cloning, longest = first
            levels, own, at_once = last
            if rate <= 0 or longest <= 0 or at_once <= 0:
                return None
            said = (tuple(languages), tuple(notes), tuple(thrift))
            return Capabilities(rate, tuple(emotions), cloning, longest, *said, levels, own, tuple(controls), at_once)
        case _:
            return None


def _speech(samples: bytes, warnings: object, times: list[object], ends: bool) -> SegmentSpeech | None:
    read: list[Spoken] = []
    for time in times:
        match time:
            case [str(text), float(start), float(end)]:
                read.append(Spoken(text, start, end))
            case _:
                return None
    if not _texts(warnings) or len(samples) % 4:
        return None
    return SegmentSpeech(samples, tuple(warnings), tuple(read), ends)


def _speak(task: str, segments: list[object], settings: object) -> Speak | None:
    read: list[Segment] = []
    for segment in segments:
        match segment:
            case [str(text), float(pause)]:
                read.append(Segment(text, pause))
            case _:
                return None
    how = _settings(settings)
    return None if how is None else Speak(task, tuple(read), how)


def _settings(value: object) -> Settings | None:
    match value:
        case [
            list(emotion),
            float(speed),
            int(seed),
            str() | None as voice,
            [str() | None as emotion_voice, str() | None as emotion_text, float(intensity)],
            [float(pitch), float(volume), str(language)],
            drawn,
        ] if all(type(weight) is float for weight in emotion) and (sampling := _sampling(drawn)) is not None:
            mood = (emotion_voice, emotion_text, intensity)
            return Settings(tuple(emotion), speed, seed, voice, *mood, pitch, volume, language, sampling)
        case _:
            return None


def _sampling(value: object) -> Sampling | None:
    match value:
        case [
            [int() | None as top_k, int() | None as beams, int() | None as longest],
            [float() | None as temperature, float() | None as top_p, float() | None as repetition, float() | None as length],
        ]:
            return Sampling(temperature, top_p, top_k, beams, repetition, length, longest)
        case _:
            return None


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
