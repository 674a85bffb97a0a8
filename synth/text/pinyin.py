"""How text is read: from normalised Mandarin to syllables with tones and the breaks between phrases.

    text → marks `<行|XING2>` and Latin words by their own readings → words → dictionary → tone sandhi

The dictionary is pypinyin's, its words found by maximum matching; `readings.tsv` has what it reads otherwise than people do. Tone
sandhi follows the standard accounts (Chao, "A Grammar of Spoken Chinese", 1968, 1.3.3): third tones, 不 and 一.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import accumulate, islice

from synth.text.marks import stretches

__all__ = ["Break", "Syllable", "cut_words", "is_readable", "to_syllables"]


@dataclass(frozen=True, slots=True)
class Syllable:
    """One syllable.

    Attributes:
        pinyin: toneless, with `v` for ü, and a tone digit, 5 for the neutral tone.
        text: what it reads; empty for a further syllable of the same word in Latin letters.
        emphasis: whether the author marked its word as `<em>` emphasised.
    """

    pinyin: str
    text: str
    emphasis: bool = False

    @property
    def tone(self) -> str:
        """`1` to `5`."""
        return self.pinyin[-1]

    def with_tone(self, tone: str) -> "Syllable":
        """The same syllable in another tone."""
        return replace(self, pinyin=self.pinyin[:-1] + tone)


@dataclass(frozen=True, slots=True)
class Break:
    """A pause between two syllables: 1 between words, 2 between phrases, 3 at punctuation."""

    level: int


@dataclass(frozen=True, slots=True)
class Word:
    """Syllables that are said as one; `fixed` where the reading already has the tones as they are spoken."""

    syllables: tuple[Syllable, ...]
    fixed: bool = False


_TOKEN = re.compile(
    r"""
      <(?P<marked>[^<>|]+)\|(?P<reading>[A-Za-zü:]+[1-5](?:\ [A-Za-zü:]+[1-5])*)>
    | (?P<latin>[A-Za-z]+(?:-[A-Za-z]+)*)
    | (?P<han>[^\W\d_A-Za-z]+)
    | (?P<rest>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_POWERS = frozenset("百千万亿")
_DIGITS = frozenset("零〇一二三四五六七八九十两点") | _POWERS
# Syllables that the dictionary has and the corpus does not: the nearest that it has.
_NEAREST = {
    "n": "en",
    "m": "mu",
    "hm": "heng",
    "fiao": "fei",
    "nun": "nen",
    "cei": "sui",
    "wong": "weng",
    "din": "ding",
    "biang": "bian",
    "bong": "beng",
}


def to_syllables(text: str) -> tuple[Syllable | Break, ...]:
    """Read normalised text. What nothing can read is passed over; `is_readable` tells beforehand.

    Args:
        text: Han characters, Latin words, punctuation, and marks: `<字|ZI4>` fixes a reading, `<em>字</em>` emphasises.
    """
    pieces = list(stretches(text))
    strong = [emphasised for piece, emphasised in pieces for _ in piece]
    sounds: list[Syllable | Break] = []
    phrase: list[Word] = []
    for word in _words("".join(piece for piece, _ in pieces), strong):
        if word.syllables:
            phrase.append(word)
        elif phrase:
            sounds += [*_sandhi(phrase), Break(3)]
            phrase = []
    sounds += _sandhi(phrase)
    if sounds and isinstance(sounds[-1], Break):
        sounds.pop()
    return tuple(sounds)


def is_readable(character: str) -> bool:
    """Whether the dictionary or the table of letters has a reading for it."""
    return ord(character) in _dictionary() or character.lower() in _table("letters.tsv")


def _words(text: str, strong: list[bool]) -> Iterator[Word]:
    """The words of a text, of whose characters some are emphasised; an empty one where punctuation breaks it."""
    for token in _TOKEN.finditer(text):
        emphasis = strong[token.start()]
        if token["marked"]:
            yield _emphasised(_marked(token["marked"], token["reading"]), [emphasis])
        elif token["latin"]:
            yield from (_emphasised(word, [emphasis]) for word in _latin(token["latin"]))
        elif token["han"]:
            known = [at for at in range(*token.span()) if ord(text[at]) in _dictionary()]
            marked = (strong[at] for at in known)
            for word in map(_looked_up, cut_words("".join(text[at] for at in known))):
                yield _emphasised(word, list(islice(marked, len(word.syllables))))
        elif token["rest"].strip():
            yield Word(())


def _emphasised(word: Word, strong: list[bool]) -> Word:
    """The word with emphasis on its syllables, or on all by one value."""
    if not any(strong):
        return word
    each = strong if len(strong) == len(word.syllables) else strong[:1] * len(word.syllables)
    return replace(word, syllables=tuple(replace(sound, emphasis=on) for sound, on in zip(word.syllables, each, strict=True)))


def _marked(text: str, reading: str) -> Word:
    pinyin = reading.lower().replace("u:", "v").replace("ü", "v").split()
    return _spelled(text, tuple(map(_nearest, pinyin)))


def _latin(text: str) -> Iterator[Word]:
    table = _table("letters.tsv")
    if text.lower() in table:
        yield _spelled(text, table[text.lower()])
        return
    for part in text.split("-"):
        if part.lower() in table:
            yield _spelled(part, table[part.lower()])
        else:
            yield from (_spelled(letter, table[letter.lower()]) for letter in part)


def _spelled(text: str, pinyin: tuple[str, ...]) -> Word:
    return Word(tuple(Syllable(sound, text if number == 0 else "") for number, sound in enumerate(pinyin)), fixed=True)


def cut_words(text: str) -> Iterator[str]:
    """Cut Han characters into words: the longest of our own table first, the rest by the dictionary's."""
    from pypinyin.seg.mmseg import seg

    table = _table("readings.tsv")
    longest = max(map(len, table))
    start = plain = 0
    while start < len(text):
        size = next((n for n in range(min(longest, len(text) - start), 0, -1) if text[start : start + n] in table), 0)
        if size:
            yield from seg.cut(text[plain:start])
            yield text[start : start + size]
            plain = start + size
        start += size or 1
    yield from seg.cut(text[plain:])


@cache
def _looked_up(word: str) -> Word:
    from pypinyin import Style, lazy_pinyin

    table = _table("readings.tsv")
    if word in table:
        return Word(tuple(map(Syllable, table[word], word)), fixed=True)
    read = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
    return Word(tuple(Syllable(_nearest(sound), character) for sound, character in zip(read, word, strict=True)))


def _nearest(sound: str) -> str:
    return _NEAREST.get(sound[:-1], sound[:-1]) + sound[-1]


def _sandhi(phrase: list[Word]) -> list[Syllable]:
    """Change the tones of one phrase as they change each other when spoken together."""
    syllables = [syllable for word in phrase for syllable in word.syllables]
    fixed = [word.fixed for word in phrase for _ in word.syllables]
    ends = set(accumulate(len(word.syllables) for word in phrase))
    return _third_tones_changed(_bu_and_yi_changed(syllables, fixed), ends)


def _bu_and_yi_changed(syllables: list[Syllable], fixed: list[bool]) -> list[Syllable]:
    changed = list(syllables)
    for at, syllable in enumerate(syllables[:-1]):
        before, after = syllables[at - 1] if at else None, syllables[at + 1]
        if fixed[at] or syllable.text not in {"不", "一"}:
            continue
        if before and before.text == after.text and before.text not in _DIGITS:
            changed[at] = syllable.with_tone("5")  # 看一看, 好不好
        elif syllable.text == "不":
            changed[at] = syllable.with_tone("2" if after.tone == "4" else "4")
        elif not _counts(before, after, syllables[at + 2 : at + 3]):
            changed[at] = syllable.with_tone("2" if after.tone == "4" or after.text == "个" else "4")
        else:
            changed[at] = syllable.with_tone("1")
    return changed


def _counts(before: Syllable | None, after: Syllable, next_but_one: list[Syllable]) -> bool:
    """Whether this 一 is a digit, an ordinal or a date's: then it keeps its tone."""
    if before and (before.text == "第" or before.text in _DIGITS):
        return True
    if before and before.text == "月":
        return after.text in {"日", "号"}
    if after.text == "点":
        return bool(next_but_one) and next_but_one[0].text in _DIGITS
    return after.text == "月" or after.text in _DIGITS - _POWERS


def _third_tones_changed(syllables: list[Syllable], ends: set[int]) -> list[Syllable]:
    """A third tone before a third tone becomes a second: within words from the left, then across words."""
    changed = list(syllables)
    for across in (False, True):
        for at in range(len(changed) - 1):
            if (at + 1 in ends) is across and changed[at].tone == changed[at + 1].tone == "3":
                changed[at] = changed[at].with_tone("2")
    return changed


@cache
def _dictionary() -> Mapping[int, str]:
    from pypinyin.constants import PINYIN_DICT

    readings: Mapping[int, str] = PINYIN_DICT
    return readings


@cache
def _table(name: str) -> Mapping[str, tuple[str, ...]]:
    lines = (files("synth.text") / name).read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {word: tuple(pinyin.split()) for word, pinyin in rows}
