"""What the author of a text is told of it, in sentences that a page can know by their beginnings and say in another language.

Codes and beginnings are stable; what follows a beginning is what it speaks of.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

__all__ = ["BEGINNINGS", "digits_left", "left_out"]

BEGINNINGS: Mapping[str, str] = MappingProxyType(
    {"W_LEFT_OUT": "left out, as nothing reads them aloud: ", "W_DIGITS": "numbers are not written out in this language: "}
)
"""By code, how the sentence begins."""

_MOST_SHOWN = 10


def left_out(signs: Sequence[str]) -> str:
    """W_LEFT_OUT: signs of the text that are not spoken, the first ten of them."""
    return BEGINNINGS["W_LEFT_OUT"] + " ".join(signs[:_MOST_SHOWN]) + (" …" if len(signs) > _MOST_SHOWN else "")


def digits_left(language: str) -> str:
    """W_DIGITS: the text has digits, in a language whose numbers nothing here writes out."""
    return BEGINNINGS["W_DIGITS"] + language
