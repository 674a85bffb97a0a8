"""Marks inside a text: readings and emphasis are heard, not read aloud, and never seen in captions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from synth.audio.cue import Cue
from synth.audio.take import Take
from synth.emotion import EmotionVector
from synth.engines.protocol import Segment, SegmentSpeech
from synth.text.marks import spoken_length, without_emphasis, without_marks
from synth.text.normalise import normalise
from synth.text.parts import to_parts
from synth.text.pinyin import Syllable, to_syllables
from synth.text.script import Manner
from synth.text.segments import shortened, to_segments


def stressed(text: str) -> list[tuple[str, bool]]:
    return [(sound.pinyin, sound.emphasis) for sound in to_syllables(text) if isinstance(sound, Syllable)]


def test_emphasis_is_of_the_syllables_between_its_marks_and_changes_no_reading() -> None:
    assert stressed("银<em>行</em>很好") == [("yin2", False), ("hang2", True), ("hen2", False), ("hao3", False)]


def test_every_syllable_of_an_emphasised_foreign_word_has_it() -> None:
    assert stressed("用<em>app</em>") == [("yong4", False), ("ai4", True), ("pu5", True)]


def test_a_reading_may_be_emphasised() -> None:
    assert stressed("<em><行|XING2></em>人") == [("xing2", True), ("ren2", False)]


def test_numbers_inside_are_written_out_and_punctuation_stands_outside() -> None:
    assert normalise("这要<em>3.5元，真的！不多</em>。").text == "这要<em>三点五元</em>,<em>真的</em>!<em>不多</em>。"


def test_an_emphasis_ends_with_its_line_and_an_end_without_a_beginning_is_nothing() -> None:
    assert normalise("很<em>好\n你</em>好").text == "很<em>好</em>\n你好"


def test_words_beside_a_mark_stay_apart() -> None:
    assert normalise("I <em>love</em> it").text == "I <em>love</em> it"


def test_a_long_emphasis_is_cut_between_words_into_whole_ones() -> None:
    segments = to_segments("<em>我们一起去公园散步</em>", 5).segments
    assert [segment.text for segment in segments] == ["<em>我们一起去</em>", "<em>公园散步</em>"]


def test_marks_count_nothing_in_the_length_of_a_segment() -> None:
    assert len(to_segments("这个<行|HANG2>业<em>很重要</em>", 8).segments) == 1
    assert shortened(Segment("<em>很好</em>"), 2) == (Segment("<em>很好</em>"),)


def test_no_cut_falls_inside_a_reading() -> None:
    assert [segment.text for segment in to_segments("我们都说<女|NU:3>人很好", 4).segments] == ["我们都说", "<女|NU:3>人很好"]


def test_an_emphasis_inside_a_script_stands_in_its_passage() -> None:
    parts = to_parts("开始[happy 0.8]我们<em>赢</em>了！", Manner(), {}, 0.5, 100).parts
    assert parts[1].segments == (Segment("我们<em>赢</em>了!"),)
    assert parts[1].manner == Manner(EmotionVector.of("happy", 0.8))


def test_captions_show_the_words_without_marks() -> None:
    take = Take(16_000, 0.0, Cue.NONE)
    take.add(Segment("银<行|HANG2><em>很重要</em>。"), SegmentSpeech(b""))
    assert take.captions[0].text == "银行很重要。"


def test_an_engine_without_emphasis_is_given_the_readings_alone() -> None:
    assert without_emphasis("这<行|HANG2><em>很好</em>") == "这<行|HANG2>很好"


@pytest.mark.parametrize("piece", ["<em>", "</em>", "<em>&", "<em>你", "<em><行|XING2>", "<"])
@pytest.mark.timeout(30)
def test_thousands_of_marks_come_to_an_end(piece: str) -> None:
    text = "你" + (piece * 20_000)[:19_000]
    assert all(to_syllables(segment.text) for segment in to_segments(text, 60).segments)


@given(
    st.lists(st.sampled_from(["<em>", "</em>", "<行|HANG2>", "<女|NU:3>", "你好", "，", "。", "A", " ", "12", "\n"]), max_size=40),
    st.integers(4, 30),
)
def test_cutting_leaves_marks_whole_and_loses_no_word(pieces: list[str], longest: int) -> None:
    text = "".join(pieces)
    try:
        segments = to_segments(text, longest).segments
    except UsageError:
        return
    assert all(segment.text.count("<em>") == segment.text.count("</em>") for segment in segments)
    assert all(spoken_length(segment.text) <= longest for segment in segments)
    heard = "".join(without_marks(segment.text) for segment in segments)
    assert [c for c in heard if c in "你好行女A"] == [c for c in without_marks(text) if c in "你好行女A"]
