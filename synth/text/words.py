"""How Han characters are cut into words: the likeliest cut by how often each word is counted, our own table before all.

The counts are in `words.tsv`; the phrases of the dictionary of readings, and the words of `readings.tsv`, are words too.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from math import log
from types import MappingProxyType

__all__ = ["cut_words", "kind_of", "rows", "table"]

_COUNTED = 58e6
# What a word costs: minus the logarithm of how likely it is. A phrase of the dictionary that nobody counted is rare; a character
# that is no word alone costs more than any; a word of our own table is there because it must be found.
_UNCOUNTED = -log(5 / _COUNTED)
_NO_WORD = -log(0.5 / _COUNTED)
_OURS = 9.0
_BONUS = 3.0
_LONGEST = 8


def cut_words(text: str) -> Iterator[str]:
    """Cut Han characters into words, all of them in order."""
    costs = _costs()
    # For each place: what the best cut up to it costs, and how long its last word is.
    best = [(0.0, 0)]
    for end in range(1, len(text) + 1):
        sizes = range(1, min(_LONGEST, end) + 1)
        best.append(min((best[end - size][0] + _cost(costs, text[end - size : end]), size) for size in sizes))
    words: list[str] = []
    end = len(text)
    while end:
        words.append(text[end - best[end][1] : end])
        end -= best[end][1]
    return reversed(words)


def kind_of(word: str) -> str:
    """What a word is: v verb, a adjective, d adverb, r pronoun, n noun or name, x other; nothing if nobody counted it."""
    return _counted().get(word, (0, ""))[1]


@cache
def table(name: str) -> Mapping[str, tuple[str, ...]]:
    """A table of readings beside this module: by word its pinyin."""
    return MappingProxyType({word: tuple(pinyin.split()) for word, pinyin in rows(name)})


def _cost(costs: Mapping[str, float], word: str) -> float:
    return costs.get(word, _NO_WORD if len(word) == 1 else 1e9)


@cache
def _costs() -> Mapping[str, float]:
    from pypinyin.constants import PHRASES_DICT

    phrases = {word: _UNCOUNTED for word in PHRASES_DICT if len(word) <= _LONGEST}
    counted = {word: -log(count / _COUNTED) for word, (count, _) in _counted().items()}
    known = phrases | counted
    ours = {word: min(known.get(word, _OURS), _OURS) - _BONUS for word in table("readings.tsv")}
    return MappingProxyType(known | ours)


@cache
def _counted() -> Mapping[str, tuple[int, str]]:
    return MappingProxyType({word: (int(count), kind) for word, count, kind in rows("words.tsv")})


def rows(name: str) -> Iterator[list[str]]:
    """The rows of a file beside this module: fields between tabs, without the lines that begin with #."""
    lines = (files("synth.text") / name).read_text("utf-8").splitlines()
    return (line.split("\t") for line in lines if line and not line.startswith("#"))
