"""Captions for speech: SubRip (SRT) and WebVTT, from the texts of segments and when they are heard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePath
from typing import TypeAlias

from indextts_hub.errors import UsageError

__all__ = ["Caption", "Word", "by_word", "captions_for", "to_srt", "to_webvtt"]


@dataclass(frozen=True, slots=True)
class Word:
    """A character, or a word in Latin letters, and when it is heard, in seconds from the beginning."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What is heard from `start` to `end`, in seconds from the beginning; its words, if the engine knows when they are heard."""

    text: str
    start: float
    end: float
    words: tuple[Word, ...] = ()

    def later(self, seconds: float) -> "Caption":
        """The same, so much later."""
        words = tuple(Word(word.text, round(seconds + word.start, 4), round(seconds + word.end, 4)) for word in self.words)
        return Caption(self.text, round(seconds + self.start, 4), round(seconds + self.end, 4), words)


Written: TypeAlias = Callable[[Sequence[Caption]], str]


def captions_for(path: PurePath) -> Written:
    """What writes captions as a file's suffix says. Raises UsageError, E_FORMAT, for another than `.srt` and `.vtt`."""
    written = {".srt": to_srt, ".vtt": to_webvtt}.get(path.suffix.lower())
    if written is None:
        raise UsageError(f"no captions are called {path.suffix[:20]!r}", remedy="end the name in .srt or .vtt", code="E_FORMAT")
    return written


def by_word(captions: Sequence[Caption]) -> list[Caption]:
    """A caption for each word, as karaoke and editors want them; one whose words are not known stays as it is."""
    words = (
        (Caption(word.text, word.start, word.end) for word in caption.words) if caption.words else (caption,)
        for caption in captions
    )
    return list(chain.from_iterable(words))


def to_srt(captions: Sequence[Caption]) -> str:
    """The captions as SubRip has them: numbered, times with a comma, a blank line between."""
    return "\n".join(
        f"{number}\n{_clock(caption.start, ',')} --> {_clock(caption.end, ',')}\n{_one_block(caption.text)}\n"
        for number, caption in enumerate(captions, 1)
    )


def to_webvtt(captions: Sequence[Caption]) -> str:
    """The captions as WebVTT (W3C): times with a point, and `&`, `<` and `>` escaped, as they would be markup."""
    cues = (
        f"{_clock(caption.start, '.')} --> {_clock(caption.end, '.')}\n{_escaped(_one_block(caption.text))}\n"
        for caption in captions
    )
    return "\n".join(["WEBVTT\n", *cues])


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


def _one_block(text: str) -> str:
    """A blank line would end the caption."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
