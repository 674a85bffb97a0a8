"""`emotion: auto`: what a text says is heard, and what says nothing stays neutral."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from synth.emotion import EMOTIONS, NEUTRAL, EmotionVector
from synth.text.mood import suggest

_LINES = (Path(__file__).parents[2] / "data" / "mood.tsv").read_text("utf-8").split("# Tuned on.\n")
HELD_OUT, TUNED_ON = ([line.split("\t") for line in part.splitlines() if line and line[0] != "#"] for part in _LINES)


def label(text: str) -> str:
    weights = suggest(text).weights
    return EMOTIONS[weights.index(max(weights))] if any(weights) else NEUTRAL


def test_sentences_suggest_what_a_reader_hears() -> None:
    assert [(text, label(text), expected) for text, expected in TUNED_ON if label(text) != expected] == []


def test_at_least_eight_of_ten_sentences_that_nobody_tuned_on_are_right() -> None:
    assert len(HELD_OUT) >= 60
    assert sum(label(text) == expected for text, expected in HELD_OUT) >= 0.8 * len(HELD_OUT)


def test_what_is_said_more_strongly_is_more_intense() -> None:
    strengths = [max(suggest(text).weights) for text in ("我有点高兴。", "我高兴。", "我非常高兴。", "我非常高兴！")]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == 4


def test_what_is_denied_is_not_suggested() -> None:
    assert suggest("我不难过，也没有生气。") == EmotionVector()


def test_emoji_count_though_nothing_reads_them_aloud() -> None:
    assert label("他来了😡") == "angry"


def test_marks_do_not_count() -> None:
    assert suggest("<em>明天</em>见<行|XING2>") == EmotionVector()


def test_a_word_among_many_sentences_does_not_colour_them_all() -> None:
    assert suggest("他很高兴。" + "会议在二楼。" * 20) == EmotionVector()


@given(st.text(max_size=300))
def test_any_text_has_a_mood(text: str) -> None:
    assert all(0 <= weight <= 1 for weight in suggest(text).weights)
