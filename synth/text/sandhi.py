"""Tone sandhi: how the tones of a phrase change each other when it is spoken. Pure.

After the standard accounts (Chao, "A Grammar of Spoken Chinese", 1968, 1.3.3; Shih, "The Prosodic Domain of Tone Sandhi in
Chinese", 1986): 不 and 一; what is said a second time; third tones, from the smallest units outwards.
"""

from collections.abc import Iterator
from itertools import pairwise

from synth.text.syllable import Syllable, Word
from synth.text.words import kind_of

__all__ = ["spoken_together"]

_NOTHING = Word(())
_POWERS = frozenset("百千万亿")
_DIGITS = frozenset("零〇一二三四五六七八九十两点") | _POWERS
# Between a verb and what comes of it 不 is neutral: 看不见, 来不及.
_RESULTS = frozenset("见懂到起及住动完清出下去上过开着得掉够惯成了拢通死满透倒尽准醒")
_ALSO_VERBS = frozenset("上过数穿回进出下来去比靠")
_NEVER_RESULT = frozenset("是有会能要可该敢肯愿应得让使请别就也都还")


def spoken_together(phrase: list[Word]) -> list[Syllable]:
    """Change the tones of one phrase as they change each other when spoken together."""
    syllables = [syllable for word in phrase for syllable in word.syllables]
    fixed = [word.fixed for word in phrase for _ in word.syllables]
    third = _third_tones_changed(_bu_and_yi_changed(syllables, fixed), _units(phrase))
    for at in _said_twice(phrase):
        third[at] = third[at].with_tone("5")
    return third


def _bu_and_yi_changed(syllables: list[Syllable], fixed: list[bool]) -> list[Syllable]:
    changed = list(syllables)
    for at, syllable in enumerate(syllables[:-1]):
        before, after = syllables[at - 1] if at else None, syllables[at + 1]
        if fixed[at] or syllable.text not in {"不", "一"}:
            continue
        if before and before.text == after.text and before.text not in _DIGITS and not (at > 1 and syllables[at - 2].text == "一"):
            changed[at] = syllable.with_tone("5")  # 看一看, 好不好, but not 一本一本
        elif syllable.text == "不":
            weak = before is not None and after.text in _RESULTS and _brings_about(before.text)
            changed[at] = syllable.with_tone("5" if weak else "2" if after.tone == "4" else "4")
        elif not _counts(before, after, syllables[at + 2 : at + 3]):
            changed[at] = syllable.with_tone("2" if after.tone == "4" or after.text == "个" else "4")
        else:
            changed[at] = syllable.with_tone("1")
    return changed


def _brings_about(verb: str) -> bool:
    return verb in _ALSO_VERBS or (kind_of(verb) == "v" and verb not in _NEVER_RESULT)


def _counts(before: Syllable | None, after: Syllable, next_but_one: list[Syllable]) -> bool:
    """Whether this 一 is a digit, an ordinal, a date's or a score's: then it keeps its tone."""
    if before and (before.text == "第" or before.text in _DIGITS):
        return True
    if before and before.text == "从":
        return after.text in {"数", "到"}
    if before and before.text == "按":
        return after.text not in "定般下些个种次天年月"
    if before and before.text == "比":
        return after.text not in _POWERS
    if before and before.text == "月":
        return after.text in {"日", "号"}
    if after.text == "点":
        return bool(next_but_one) and next_but_one[0].text in _DIGITS
    return after.text in {"月", "比"} or after.text in _DIGITS - _POWERS or after.text.isascii()


def _units(phrase: list[Word]) -> set[int]:
    """Where a unit ends, in syllables: a word, or a number with what it counts, as in 五点 and 九把."""
    ends: set[int] = set()
    at = 0
    for word, following in pairwise([*phrase, _NOTHING]):
        at += len(word.syllables)
        if not (word.text and _DIGITS.issuperset(word.text) and len(following.syllables) == 1):
            ends.add(at)
    return ends


def _third_tones_changed(syllables: list[Syllable], ends: set[int]) -> list[Syllable]:
    """A third tone before a third tone becomes a second: within units from the left, then across them."""
    changed = list(syllables)
    for across in (False, True):
        for at in range(len(changed) - 1):
            if (at + 1 in ends) is across and changed[at].tone == changed[at + 1].tone == "3":
                changed[at] = changed[at].with_tone("2")
    return changed


def _said_twice(phrase: list[Word]) -> Iterator[int]:
    """Where a verb is said a second time, in syllables: 看看, 想想, but not 石磨磨, 天天 or 慢慢地."""
    at = 0
    for word, following, behind in zip(phrase, [*phrase[1:], _NOTHING], [*phrase[2:], _NOTHING, _NOTHING], strict=False):
        size = len(word.syllables)
        twice = word.text if size == 2 else word.text + following.text if size == 1 == len(following.syllables) else ""
        after = following if size == 2 else behind
        if twice and twice[0] == twice[1:] and not word.fixed and _is_done(twice) and after.text[:1] != "地":
            yield at + 1
        at += size


def _is_done(twice: str) -> bool:
    return kind_of(twice[0]) == "v" and kind_of(twice) not in {"a", "d"} and twice[0] not in _DIGITS
