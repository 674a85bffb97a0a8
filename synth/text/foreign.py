"""Text in another language than Chinese, for engines that are told which: kept as it is, numbers written out where that is known.

English is read by wetext. Of other languages only their letters are known here: numbers stay as they are, which is said.
"""

import re
import unicodedata
from functools import cache
from typing import Protocol

from synth.text.marks import SPELLING, without_emphasis
from synth.text.normalise import NormalisedText
from synth.text.notices import digits_left, left_out

__all__ = ["CHINESE", "is_foreign", "written_out"]

CHINESE = "zh"
"""The language that `synth.text.normalise` reads, foreign words in it included."""

# What is spoken by a pause or a tune, beside letters; of Spanish and Arabic, too.
_SIGNS = frozenset(",.!?;:'-\n¿¡،؟؛…")
_SPELLING = re.compile(f"({SPELLING})")
_GAPS = re.compile(r"[^\S\n]+")
_PLAIN_SIGNS = str.maketrans("，。！？；：’“”„«»", ",.!?;:'     ")


def is_foreign(language: str) -> bool:
    """Whether a text in this language, by its BCP 47 tag, is read here; nobody said which is Chinese."""
    return language.partition("-")[0] not in {"", CHINESE}


def written_out(text: str, language: str) -> NormalisedText:
    """Write out what is read aloud; marks of readings stay, emphasis is Chinese only.

    Args:
        language: its BCP 47 tag; one for which `is_foreign`.
    """
    dropped: dict[str, None] = {}
    pieces = _SPELLING.split(without_emphasis(text))
    # Every second one is a mark.
    pieces[::2] = [_written_out(piece, language, dropped) for piece in pieces[::2]]
    said = [left_out(list(dropped))] if dropped else []
    if any(character.isdigit() for piece in pieces[::2] for character in piece):
        said.append(digits_left(language))
    return NormalisedText(_GAPS.sub(" ", "".join(pieces)).strip(), tuple(said))


def _written_out(text: str, language: str, dropped: dict[str, None]) -> str:
    plain = unicodedata.normalize("NFC", text).translate(_PLAIN_SIGNS)
    if language.partition("-")[0] == "en":
        plain = "\n".join(map(_english_read, plain.split("\n")))
    return "".join(_kept(character, dropped) for character in plain)


def _english_read(line: str) -> str:
    bare = line.strip()
    return line.replace(bare, _english().normalize(bare)) if bare else line


def _kept(character: str, dropped: dict[str, None]) -> str:
    kind = unicodedata.category(character)[0]
    if kind in "LMN" or character in _SIGNS or character == "\n":
        return character
    if kind == "S":
        dropped[character] = None
    return " "


class _Normalizer(Protocol):
    def normalize(self, text: str) -> str: ...


@cache
def _english() -> _Normalizer:
    from wetext import Normalizer

    found: _Normalizer = Normalizer(lang="en", operator="tn")
    return found
