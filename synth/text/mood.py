"""What mood a text suggests, for `emotion: auto`: from words that say it, how strongly, and from punctuation and emoji. Pure.

    text → clauses → words of `mood.tsv`, denied or strengthened by what stands before them → the strongest emotion, or neutral

It is a suggestion that a person may overrule: a lexicon knows no irony, and what happens it knows only by its words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from synth.emotion import EMOTIONS, NEUTRAL, EmotionVector
from synth.text.marks import without_marks
from synth.text.words import rows

__all__ = ["suggest"]

# Below this a text says too little: one weak word, or a strong one in many sentences.
_LEAST = 0.5
# Speech at full intensity is for a person to ask for.
_MOST = 0.9
# A second emotion is heard beside the first, if it is as strong as this part of it.
_BESIDE = 0.75

_CLAUSE = re.compile(r"[^.!?;,…\n]*[.!?;,…\n]*")
_SENTENCE_END = re.compile(r"[.!?…\n]")
_DENIED = re.compile(
    r"(?:不|没|没有|(?<![特分个差级])别|未|无|从不|并不|毫不|不再|不要|不会|不能|不必|不用|不算|不太|不是很|难以)(?:很|太|再|有|是|会|那么|这么|觉得|感到|怎么)?$"
)
_STRONG = re.compile(r"(?:太|很|非常|特别|极其|极|十分|好|真|超|超级|最|多么|万分|无比|简直|真的|实在|格外|这么|那么)的?$")
_WEAK = re.compile(r"(?:有点|有些|有点儿|稍微|略|略微|一丝|几分|些许)$")
_STRENGTHENED, _WEAKENED, _CRIED = 1.3, 0.6, 1.25
# ?! and what? ask in surprise, whatever the words are.
_ASTONISHED = re.compile(r"[?]!|![?]|[?]{2,}")
_ASTONISHMENT = 0.5
_PLAIN_SIGNS = str.maketrans("！？，。；", "!?,.;")


@dataclass(frozen=True, slots=True)
class _Sign:
    emotion: str
    weight: float


def suggest(text: str) -> EmotionVector:
    """The emotion that a text suggests, seldom two, with its intensity; the vector of zeros where nothing says anything.

    Args:
        text: as a person wrote it: emoji count, and marks do not.
    """
    plain = without_marks(text).translate(_PLAIN_SIGNS)
    found = dict.fromkeys(EMOTIONS, 0.0)
    for clause in _CLAUSE.findall(plain):
        for emotion, weight in _signs(clause):
            found[emotion] += weight
    sentences = max(1, len([part for part in _SENTENCE_END.split(plain) if part.strip()]))
    strongest = max(found.values())
    # Many sentences of which one says something are as a whole less of it.
    scale = 1 / sentences**0.5
    if strongest * scale < _LEAST:
        return EmotionVector()
    heard = {emotion: weight for emotion, weight in found.items() if weight >= _BESIDE * strongest}
    return EmotionVector.mixture({emotion: _intensity(weight * scale) / len(heard) ** 0.5 for emotion, weight in heard.items()})


def _intensity(weight: float) -> float:
    """Grows with the weight and comes to `_MOST`: one plain word of 0.7 gives about a half."""
    return round(_MOST * weight / (weight + 0.5), 2)


def _signs(clause: str) -> Iterator[tuple[str, float]]:
    """The emotions of a clause and their weights."""
    cried = _CRIED if "!" in clause else 1.0
    if _ASTONISHED.search(clause):
        yield "surprised", _ASTONISHMENT
    for match in _pattern().finditer(clause):
        sign = _lexicon()[match.group()]
        before = clause[: match.start()]
        if sign.emotion == NEUTRAL or _DENIED.search(before):
            continue
        degree = _STRENGTHENED if _STRONG.search(before) else _WEAKENED if _WEAK.search(before) else 1.0
        yield sign.emotion, sign.weight * degree * cried


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(_lexicon(), key=len, reverse=True))))


@cache
def _lexicon() -> Mapping[str, _Sign]:
    return MappingProxyType(
        {word: _Sign(emotion, float(weight)) for emotion, weight, words in rows("mood.tsv") for word in words.split()}
    )
