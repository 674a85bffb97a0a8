"""Text is read as people read it: numbers, dates and money in words, tones as they change each other, letters by name."""

import json
from collections import Counter
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from synth.text.normalise import LONGEST, normalise
from synth.text.notices import BEGINNINGS
from synth.text.pinyin import Break, Syllable, is_readable, to_syllables
from synth.text.segments import QUICK_START, to_segments
from synth.text.words import rows

ROWS = [
    line.split("\t")
    for line in (Path(__file__).parents[2] / "data" / "reading.tsv").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def pinyin(text: str) -> str:
    return " ".join(sound.pinyin for sound in to_syllables(text) if isinstance(sound, Syllable))


@pytest.mark.parametrize("start", range(0, len(ROWS), 100))
def test_sentences_are_read_as_people_read_them(start: int) -> None:
    read = [(text, pinyin(normalise(text).text), expected) for text, expected in ROWS[start : start + 100]]
    assert [(text, said, expected) for text, said, expected in read if said != expected] == []


def test_the_table_of_readings_has_a_thousand_rows_and_none_twice() -> None:
    assert len({text for text, _ in ROWS}) == len(ROWS) > 1000


def test_a_mark_fixes_a_reading() -> None:
    assert pinyin(normalise("请在这<行|HANG2>写").text) == "qing3 zai4 zhe4 hang2 xie3"


def test_punctuation_inside_a_segment_is_a_break() -> None:
    assert [sound.level for sound in to_syllables("你好，世界。") if isinstance(sound, Break)] == [3]


def test_what_nothing_reads_aloud_is_left_out_with_a_warning() -> None:
    spoken = normalise("你好😀世界")
    assert spoken.text == "你好世界"
    assert spoken.warnings == (BEGINNINGS["W_LEFT_OUT"] + "😀",)


@pytest.mark.parametrize("text", ["", "   ", "😀😀", "。。。！", "\x00\x01", "\ud800", "你" * (LONGEST + 1)])
def test_text_that_can_not_be_spoken_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        to_segments(text, 60)
    assert refused.value.code == "E_TEXT"


def test_sentences_are_segments_and_pauses_stand_behind_all_but_the_last() -> None:
    segments = to_segments("今天很好。明天呢？后天！", 60).segments
    assert [segment.text for segment in segments] == ["今天很好。", "明天呢?", "后天!"]
    assert [segment.pause > 0 for segment in segments] == [True, True, False]


def begun(text: str, first: int | None) -> list[str]:
    return [segment.text for segment in to_segments(text, 60, first).segments]


def test_a_long_text_may_begin_with_a_short_segment_that_ends_at_punctuation() -> None:
    text = "昨天晚上下了一场大雨，山路都被水淹没了，我们只好等到天亮再走。后来雨停了。"
    assert begun(text, QUICK_START) == ["昨天晚上下了一场大雨,", "山路都被水淹没了,我们只好等到天亮再走。", "后来雨停了。"]
    assert begun(text, None) == ["昨天晚上下了一场大雨,山路都被水淹没了,我们只好等到天亮再走。", "后来雨停了。"]


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好。",  # short already
        "这座桥是三百年前由当地的石匠用山里的青石一块一块砌起来的。",  # no punctuation to cut at
        "苹果、香蕉、橘子、葡萄、西瓜和菠萝都是我小时候最爱吃的水果。",  # a list
        "好，我们今天下午三点钟在学校门口的那棵大树下面见面吧。",  # too short a beginning
    ],
)
def test_a_first_segment_is_cut_nowhere_else(text: str) -> None:
    assert begun(text, QUICK_START) == begun(text, None)


@pytest.mark.parametrize("longest", [4, 7, 10, 13])
def test_a_clause_that_is_too_long_is_cut_between_words_and_numbers(longest: int) -> None:
    text = "经济学家认为今年的粮食产量将增加一百二十三万吨左右"
    words = ["经济学家", "认为", "今年", "的", "粮食", "产量", "将", "增加", "一百二十三万", "吨", "左右"]
    ends = set(accumulate(len(word) for word in words))
    cuts = list(accumulate(len(segment.text) for segment in to_segments(text, longest).segments))
    assert cuts[-1] == len(text)
    assert longest < len("一百二十三万") or ends.issuperset(cuts)


def test_a_decimal_point_ends_no_sentence() -> None:
    assert len(to_segments("价格是3.5元", 60).segments) == 1


def test_five_thousand_characters_are_spoken_whole() -> None:
    text = ("今天天气很好，我们一起去公园散步吧。" * 300)[:5000]
    segments = to_segments(text, 60).segments
    assert "".join(segment.text for segment in segments) == normalise(text).text


def test_a_long_text_without_punctuation_is_read_in_pieces_that_cut_no_number() -> None:
    assert normalise("今年的产量是3456公斤" * 40).text == "今年的产量是三千四百五十六公斤" * 40


@pytest.mark.parametrize("unit", ["1-", "①", "1.", "<a|", "a.", "¥1,"])
def test_a_text_of_nothing_but_marks_and_numbers_ends_in_time(unit: str) -> None:
    assert to_segments(unit * 1500, 60).segments


@given(st.text("你好ab，。 1-<|>3\n", max_size=300), st.integers(4, 60))
def test_cutting_loses_nothing_that_is_heard_and_no_segment_is_too_long(text: str, longest: int) -> None:
    try:
        segments = to_segments(text, longest).segments
    except UsageError:
        return
    heard = [character for character in normalise(text).text if is_readable(character)]
    assert [character for segment in segments for character in segment.text if is_readable(character)] == heard
    assert all(len(segment.text) <= longest for segment in segments)


@given(st.text(max_size=200))
def test_any_text_is_segments_or_wrong_usage(text: str) -> None:
    try:
        spoken = to_segments(text, 60)
    except UsageError:
        return
    assert spoken.segments


@given(st.text("0123456789-/.,:¥€%‰°~+×=<>^()_ ·²½①ⅣVIkgmAaPp第年月日点号元个比粤码打得地的一不", max_size=120))
def test_numbers_signs_and_particles_in_any_order_are_segments_or_wrong_usage(text: str) -> None:
    try:
        spoken = to_segments(text, 40, QUICK_START)
    except UsageError:
        return
    assert all(to_syllables(segment.text) for segment in spoken.segments)


@pytest.mark.slow
def test_every_character_of_the_dictionary_is_read_in_syllables_that_the_voice_has(lite_snapshot: Path) -> None:
    from pypinyin.constants import PINYIN_DICT

    known = json.loads((lite_snapshot / "baker_mapper.json").read_bytes())["pinyin_dict"]
    for code in PINYIN_DICT:
        for sound in to_syllables(chr(code)):
            assert isinstance(sound, Syllable)
            assert sound.pinyin[:-1] in known
            assert sound.tone in "12345"


@pytest.mark.slow
def test_every_reading_of_our_tables_is_one_that_the_voice_has(lite_snapshot: Path) -> None:
    known = json.loads((lite_snapshot / "baker_mapper.json").read_bytes())["pinyin_dict"]
    readings = [row[-1] for name in ("readings.tsv", "letters.tsv", "latin.tsv", "alone.tsv") for row in rows(name)]
    assert len(readings) > 1500
    assert [
        reading for reading in readings if any(sound[:-1] not in known or sound[-1] not in "12345" for sound in reading.split())
    ] == []


def test_a_word_of_our_tables_has_a_syllable_a_character_and_stands_there_once() -> None:
    words = [(word, reading.split()) for word, reading in rows("readings.tsv")]
    assert [word for word, sounds in words if len(word) != len(sounds)] == []
    assert [word for word, count in Counter(word for word, _ in words).items() if count > 1] == []
