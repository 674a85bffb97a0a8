"""Text in another language than Chinese, for engines that are told which: kept as it is, numbers written out where that is known.

English is read by wetext. Of other languages only their letters are known here: numbers stay as they are, which is said.
"""

import re
import unicodedata
from functools import cache
from typing import Protocol

from synth.text.marks import without_emphasis
from synth.text.normalise import NormalisedText
from synth.text.notices import digits_left, left_out

__all__ = ["CHINESE", "is_foreign", "written_out"]

CHINESE = "zh"
"""The language that `synth.text.normalise` reads, foreign words in it included."""

# What is spoken by a pause or a tune, beside letters; of Spanish and Arabic, too.
_SIGNS = frozenset(",.!?;:'-\n¿¡،؟؛…<>|")
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
    plain = unicodedata.normalize("NFC", without_emphasis(text)).translate(_PLAIN_SIGNS)
    if language.partition("-")[0] == "en":
        plain = "\n".join(_english().normalize(line) if line.strip() else line for line in plain.split("\n"))
    dropped: dict[str, None] = {}
    kept = _GAPS.sub(" ", "".join(_kept(character, dropped) for character in plain)).strip()
    said = [left_out(list(dropped))] if dropped else []
    if any(character.isdigit() for character in kept):
        said.append(digits_left(language))
    return NormalisedText(kept, tuple(said))


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
