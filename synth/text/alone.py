"""How a character of several readings is read where it is a word alone: by what stands around it, after `alone.tsv`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from synth.text.words import kind_of, rows

__all__ = ["read_alone"]

# As far as a row looks to either side.
_SIGHT = 14
_SHORT = {"D": "[零〇一二三四五六七八九十百千万亿两几]", "P": "[我你他她它咱您]"}
_SURNAMES: Mapping[str, str] = MappingProxyType(
    {
        "单": "shan4",
        "查": "zha1",
        "仇": "qiu2",
        "区": "ou1",
        "任": "ren2",
        "华": "hua4",
        "朴": "piao2",
        "盖": "ge3",
        "解": "xie4",
        "曾": "zeng1",
        "宁": "ning4",
        "乐": "yue4",
        "燕": "yan1",
        "应": "ying1",
        "缪": "miao4",
        "翟": "zhai2",
        "覃": "qin2",
        "冼": "xian3",
        "牟": "mou4",
        "逄": "pang2",
    }
)
_TITLED = re.compile(
    "(?:某|总(?!是|会|有|在|要|得|之|的)|先生|女士|小姐|太太|老师|同学|教授|医生|大夫|经理|主任|师傅|局长|院长|校长|律师|博士|书记)"
)
# Behind an adverbial of two syllables or more 地 is its mark, unless this says that it is ground.
_GROUND = re.compile("[上下里面方势处形位图区产铁球主震点板带价名质毯道契租狱理瓜址段狱]|$")


@dataclass(frozen=True, slots=True)
class _Row:
    before: re.Pattern[str]
    behind: re.Pattern[str]
    pinyin: str


def read_alone(text: str, at: int, word_before: str) -> str | None:
    """The reading of the character at a place of a text, or None, where the dictionary's first will do.

    Args:
        text: Han characters.
        word_before: the word that it follows, as the text was cut.
    """
    character, before, behind = text[at], text[max(0, at - _SIGHT) : at], text[at + 1 : at + 1 + _SIGHT]
    if character in _SURNAMES and (before.endswith("姓") or (_TITLED.match(behind) and not before.endswith(("一", "这", "那")))):
        return _SURNAMES[character]
    if character == "地" and (_is_adverbial(word_before) or before[-2:-1] == before[-1:] != "") and not _GROUND.match(behind):
        return "de5"
    return next((row.pinyin for row in _rows().get(character, ()) if row.before.search(before) and row.behind.search(behind)), None)


def _is_adverbial(word: str) -> bool:
    return len(word) > 1 and (word[-1] in {word[-2], "声"} or kind_of(word) not in {"n", "r"} or len(word) > 3)


@cache
def _rows() -> Mapping[str, tuple[_Row, ...]]:
    found: dict[str, list[_Row]] = {}
    for character, before, behind, pinyin in rows("alone.tsv"):
        found.setdefault(character, []).append(_Row(_pattern(before), _pattern(behind), pinyin))
    return MappingProxyType({character: tuple(those) for character, those in found.items()})


def _pattern(written: str) -> re.Pattern[str]:
    return re.compile(re.sub("[DP]", lambda found: _SHORT[found.group()], written))
