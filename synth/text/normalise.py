"""From text as people write it to text as it is read aloud: numbers, dates, money and units in words, and only what can be spoken.

wetext does the reading of numbers; what it leaves or misreads is put right before it, by `rules`.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from indextts_hub.errors import UsageError
from synth.text.marks import READING, emphasised, stretches
from synth.text.notices import left_out
from synth.text.pinyin import is_readable
from synth.text.rules import rewritten, unfolded

__all__ = ["LONGEST", "NormalisedText", "check_text", "normalise", "nothing_to_speak", "written_out"]

LONGEST = 20_000
"""Characters of one request: an hour of speech; what is longer is a book, and a batch's business."""

_ENDS = "，。！？；：、…—,.!?;:\n"
PUNCTUATION = frozenset(_ENDS)
# wetext's time grows with the square of what it reads at once: 20,000 characters of fractions took it 29 s as a whole.
_READ_AT_ONCE = 80
# A clause ends at punctuation; a longer one never behind or within a number or a Latin word, unless it has nothing else.
_CLAUSE = re.compile(
    r"[^，。！？；!?;]{1,70}(?<![0-9A-Za-z.%/:~+-])[，。！？；!?;]{0,10}|[^，。！？；!?;]{1,70}|[，。！？；!?;]{1,80}"
)
_GAPS = re.compile(r"[^\S\n]+")
_READING = re.compile(READING)


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """Text that can be read aloud, and what was done to get there that its author should know."""

    text: str
    warnings: tuple[str, ...] = ()


def normalise(text: str) -> NormalisedText:
    """Write out what is read aloud.

    Marks stay: readings `<字|ZI4>` as they are, and `<em>` around each clause or part of one that is emphasised.

    Raises:
        UsageError: E_TEXT, if the text is too long, no text at all, or has nothing in it that can be spoken.
    """
    check_text(text)
    written = written_out(text)
    if not any(is_readable(character) for character in written.text):
        raise nothing_to_speak()
    return written


def check_text(text: str) -> None:
    """See that a text is one, and not too long.

    Raises:
        UsageError: E_TEXT.
    """
    if len(text) > LONGEST:
        raise _refused(f"the text has {len(text)} characters", f"send at most {LONGEST} at once, or use a batch")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _refused("the text has half a character in it (an unpaired surrogate)", "send it as UTF-8")


def written_out(text: str) -> NormalisedText:
    """As `normalise`, of a text that was checked; it may be that nothing in it can be spoken."""
    dropped: dict[str, None] = {}
    pieces = [(_with_readings(piece, dropped), strong) for piece, strong in stretches(text)]
    written = "".join(emphasised(piece, _ENDS) if strong else piece for piece, strong in pieces)
    return NormalisedText(written.strip(), (left_out(list(dropped)),) if dropped else ())


def nothing_to_speak() -> UsageError:
    """The error of a text that has nothing in it to speak."""
    return _refused("there is nothing in the text that can be spoken", "write some Chinese, letters or numbers")


def _with_readings(text: str, dropped: dict[str, None]) -> str:
    pieces: list[str] = []
    start = 0
    for mark in _READING.finditer(text):
        pieces += [_written_out(text[start : mark.start()], dropped), mark.group()]
        start = mark.end()
    return "".join([*pieces, _written_out(text[start:], dropped)])


def _written_out(text: str, dropped: dict[str, None]) -> str:
    gapless = _GAPS.sub(" ", text).replace("￥", "¥").replace("…", "。")
    plain = rewritten(unicodedata.normalize("NFKC", unfolded(gapless)))
    spoken = "\n".join("".join(map(_numbers_read, _pieces(line))) for line in plain.split("\n"))
    return "".join(_kept(character, dropped) for character in spoken)


def _numbers_read(piece: str) -> str:
    bare = piece.strip()
    return piece.replace(bare, _numbers().normalize(bare)) if bare else piece


def _pieces(line: str) -> Iterator[str]:
    """Clauses together, up to what is read in one go; a clause without an end is cut where that falls."""
    held = ""
    for clause in _CLAUSE.findall(line):
        if len(held) + len(clause) > _READ_AT_ONCE:
            yield held
            held = ""
        held += clause
    yield held


def _kept(character: str, dropped: dict[str, None]) -> str:
    if character in PUNCTUATION or is_readable(character):
        return character
    if unicodedata.category(character)[0] in "LNS" and not character.isspace():
        dropped[character] = None
    return " " if character.isspace() or unicodedata.category(character)[0] == "P" else ""


class _Normalizer(Protocol):
    def normalize(self, text: str) -> str: ...


@cache
def _numbers() -> _Normalizer:
    from wetext import Normalizer

    found: _Normalizer = Normalizer(lang="zh", operator="tn", traditional_to_simple=True)
    return found


def _refused(what: str, remedy: str) -> UsageError:
    return UsageError(what, remedy=remedy, code="E_TEXT")
