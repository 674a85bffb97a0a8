"""Scripts: who speaks which line, with which emotion, and where it is silent. Pure.

    小明: [happy 0.8]我们赢了！<break 500ms>[calm]回家吧。

A line that begins with the name of a role, and a colon, is spoken as that role speaks; any other line as was asked. `[happy 0.8]`
holds until the next such mark or the end of its line, and several emotions mix: `[happy 0.5 surprised 0.3]`. `<break 500ms>` is
silence, in `ms` or `s`. What only looks like a mark, `[1]` or `[注]`, is text.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from indextts_hub.errors import UsageError
from synth.emotion import ALIASES, EmotionVector
from synth.engines.protocol import Sampling, Settings

__all__ = ["LONGEST_BREAK", "MOST_PASSAGES", "Manner", "Passage", "read_script"]

MOST_PASSAGES = 1000
"""A text of 20,000 characters with a mark at every short sentence has fewer."""

LONGEST_BREAK = 30.0
"""Seconds: what is longer is two recordings."""

_LINE = re.compile(r"\s*([^:：\[\]<>|]{1,40}?)\s*[:：](?!//)\s*(.*)", re.DOTALL)
_MARK = re.compile(r"\[([^\[\]\n]{1,80})\]|<break\s+(?:time=\")?(\d{1,5}(?:\.\d{1,3})?)(ms|s)\"?\s*/?>", re.IGNORECASE)
_WEIGHT = re.compile(r"0?\.\d{1,6}|0|1(?:\.0{0,6})?")
_NUMBER = re.compile(r"-?\d*\.?\d+")
# What makes a mark of words that name no emotion: [图 1] is text, [hapy 0.8] is a mistake.
_FRACTION = re.compile(r"0?\.\d{1,6}")


@dataclass(frozen=True, slots=True)
class Manner:
    """How something is spoken; a role's, or that of all that no role and no mark says otherwise.

    Attributes:
        vector: the emotion by its weights.
        speed: 1 is the voice's own.
        voice: whose, if it is not the engine's own.
        emotion_voice, emotion_text: whose mood is taken instead of the weights: a clip's, or a text's.
        intensity: how much of such a mood, 0 to 1.
        suggested: each sentence has the emotion that its words suggest; the weights do not count.
        pitch: semitones.
        volume: decibels.
    """

    vector: EmotionVector = EmotionVector()  # noqa: RUF009 - frozen
    speed: float = 1.0
    voice: str | None = None
    emotion_voice: str | None = None
    emotion_text: str | None = None
    intensity: float = 1.0
    pitch: float = 0.0
    volume: float = 0.0
    suggested: bool = False

    def feeling(self, vector: EmotionVector) -> "Manner":
        """The same with another emotion, from wherever it was taken before."""
        return replace(self, vector=vector, emotion_voice=None, emotion_text=None, intensity=1.0, suggested=False)

    def settings(self, seed: int, language: str, sampling: Sampling) -> Settings:
        """What an engine is told of it; beside it what holds for the whole text."""
        mood = (self.emotion_voice, self.emotion_text, self.intensity)
        return Settings(self.vector.weights, self.speed, seed, self.voice, *mood, self.pitch, self.volume, language, sampling)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of text that is spoken in one manner, and the seconds of silence that must stand before it."""

    text: str
    manner: Manner
    silence: float = 0.0


def read_script(text: str, manner: Manner, roles: Mapping[str, Manner], intensity: float) -> tuple[tuple[Passage, ...], float]:
    """The passages of a text, and the seconds of silence that are asked for behind the last.

    Args:
        manner: of what no role and no mark says otherwise.
        roles: by name, how each speaks.
        intensity: of a mark that names an emotion alone.

    Raises:
        UsageError: E_SCRIPT, for a mark that can't be meant: an unknown emotion with a weight, a weight above 1, a silence above
            `LONGEST_BREAK`, or more marks than `MOST_PASSAGES`.
    """
    passages: list[Passage] = []
    silence = 0.0
    for line in text.splitlines(keepends=True):
        spoken, said = _role(line, manner, roles)
        for piece in _pieces(said, spoken, intensity):
            if isinstance(piece, float):
                silence += piece
                continue
            passages.append(replace(piece, silence=silence))
            silence = 0.0
            if len(passages) > MOST_PASSAGES:
                raise _refused(f"the text has more than {MOST_PASSAGES} passages", "send it in parts")
    return tuple(_joined(passages)), silence


def _role(line: str, manner: Manner, roles: Mapping[str, Manner]) -> tuple[Manner, str]:
    match = _LINE.fullmatch(line)
    if match is None or match[1] not in roles:
        return manner, line
    return roles[match[1]], match[2]


def _pieces(line: str, manner: Manner, intensity: float) -> Iterator[Passage | float]:
    """What is spoken, and the silences between, in order."""
    start = 0
    for mark in _MARK.finditer(line):
        meant: float | EmotionVector | None = _seconds(mark) if mark[1] is None else _emotions(mark[1], intensity)
        if meant is None:
            continue
        if mark.start() > start:
            yield Passage(line[start : mark.start()], manner)
        start = mark.end()
        if isinstance(meant, float):
            yield meant
        else:
            manner = manner.feeling(meant)
    if start < len(line):
        yield Passage(line[start:], manner)


def _seconds(mark: re.Match[str]) -> float:
    seconds = float(mark[2]) / (1000 if mark[3].lower() == "ms" else 1)
    if seconds > LONGEST_BREAK:
        raise _refused(f"{mark[0]} is a longer silence than {LONGEST_BREAK:.0f} s", "make it shorter")
    return seconds


def _emotions(said: str, intensity: float) -> EmotionVector | None:
    """What a mark means: emotions, each with a weight or without; None if it is no mark but text."""
    words = said.replace(",", " ").replace("，", " ").split()
    weights: dict[str, float] = {}
    last: str | None = None
    for word in words:
        if word.lower() in ALIASES:
            last = word.lower()
            weights[last] = intensity
        elif last is not None and _WEIGHT.fullmatch(word):
            weights[last], last = float(word), None
        elif (weights and _NUMBER.fullmatch(word)) or any(_FRACTION.fullmatch(other) for other in words):
            raise _refused(f"[{said}] is no mark: {word[:40]!r} is no emotion and no weight from 0 to 1", "write [happy 0.8]")
        else:
            return None
    return EmotionVector.mixture(weights) if weights else None


def _joined(passages: list[Passage]) -> Iterator[Passage]:
    """Neighbours in the same manner are one passage, so that sentences that run over a line are read as a whole."""
    held: Passage | None = None
    for passage in passages:
        if held is not None and passage.manner == held.manner and not passage.silence:
            held = replace(held, text=held.text + passage.text)
            continue
        if held is not None:
            yield held
        held = passage
    if held is not None:
        yield held


def _refused(what: str, remedy: str) -> UsageError:
    return UsageError(what, remedy=remedy, code="E_SCRIPT")
