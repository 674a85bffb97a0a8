"""Scripts: roles, emotions and silences in a text."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from synth.emotion import EmotionVector
from synth.text.parts import to_parts
from synth.text.script import Manner, read_script

PLAIN = Manner()
MING = Manner(speed=1.2)
ROLES = {"小明": MING, "旁白": Manner(EmotionVector.of("calm", 0.4))}


def manner_of(emotion: str, weight: float) -> Manner:
    return Manner(EmotionVector.of(emotion, weight))


def passages(text: str) -> list[tuple[str, Manner, float]]:
    return [(passage.text.strip(), passage.manner, passage.silence) for passage in read_script(text, PLAIN, ROLES, 0.5)[0]]


def test_an_emotion_holds_until_the_next_or_the_end_of_its_line() -> None:
    assert passages("开始[happy 0.8]我们赢了！[伤心]\n[悲伤]他走了。\n结束") == [
        ("开始", PLAIN, 0.0),
        ("我们赢了！[伤心]", manner_of("happy", 0.8), 0.0),
        ("他走了。", manner_of("sad", 0.5), 0.0),
        ("结束", PLAIN, 0.0),
    ]


def test_several_emotions_mix() -> None:
    vector = EmotionVector.mixture({"happy": 0.5, "surprised": 0.3})
    assert passages("[happy 0.5, 惊讶 .3]真的吗") == [("真的吗", Manner(vector), 0.0)]


def test_a_line_that_begins_with_a_role_is_spoken_as_it_speaks() -> None:
    assert passages("小明：你好！\n旁白: 他说。\n注意：下雨了。\n小明: http://a") == [
        ("你好！", MING, 0.0),
        ("他说。", ROLES["旁白"], 0.0),
        ("注意：下雨了。", PLAIN, 0.0),
        ("http://a", MING, 0.0),
    ]


def test_a_role_may_change_its_emotion_within_a_line() -> None:
    assert passages("小明: 好。[angry 1]不好！")[1] == ("不好！", Manner(EmotionVector.of("angry", 1), 1.2), 0.0)


@pytest.mark.parametrize("mark", ["<break 500ms>", "<break 0.5s>", '<break time="500ms"/>', "<BREAK 500MS>"])
def test_a_break_is_silence(mark: str) -> None:
    spoken = to_parts(f"一。{mark}二。", PLAIN, {}, 0.5, 100)
    assert [segment.pause for segment in spoken.segments] == [0.5, 0.0]


def test_silence_before_and_behind_is_kept() -> None:
    spoken = to_parts("<break 1s><break 1s>一。<break 3s>", PLAIN, {}, 0.5, 100)
    assert spoken.silence == 2
    assert spoken.segments[-1].pause == 3


def test_a_short_break_does_not_shorten_the_pause_of_a_full_stop() -> None:
    assert to_parts("一。<break 10ms>二。", PLAIN, {}, 0.5, 100).segments[0].pause == 0.3


def test_what_only_looks_like_a_mark_is_text() -> None:
    assert passages("见[1]和[图 1]、[表 2.1]、[happy birthday]") == [("见[1]和[图 1]、[表 2.1]、[happy birthday]", PLAIN, 0.0)]


@pytest.mark.parametrize("text", ["[hapy 0.8]你好", "[happy 1.5]你好", "<break 31s>你好", "你[sad]" * 1001, "[happy 0.2 0.3]你"])
def test_a_mark_that_can_not_be_meant_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        to_parts(text, PLAIN, {}, 0.5, 100)
    assert refused.value.code == "E_SCRIPT"


@pytest.mark.parametrize("piece", ["[sad]你", "[", "<break 1s>", "[sad ", "小明:", "小明:\n", "[sad .5 "])
def test_ten_thousand_marks_end_in_bounded_time(piece: str) -> None:
    """A03."""
    began = time.process_time()
    text = (piece * 20_000)[:20_000]
    with suppress(UsageError):
        read_script(text, PLAIN, ROLES, 0.5)
    assert time.process_time() - began < 2


def reads(text: str) -> bool:
    """Whether a text can be meant; what is refused is refused as a script."""
    with suppress(UsageError):
        read_script(text, PLAIN, ROLES, 0.5)
        return True
    return False


@given(st.text(alphabet="你好[]<>|: 0.58happysadbreakms/\n小明：", max_size=200).filter(reads))
def test_nothing_of_a_text_is_lost(text: str) -> None:
    found, behind = read_script(text, PLAIN, ROLES, 0.5)
    assert behind >= 0
    assert [c for c in text if c in "你好"] == [c for passage in found for c in passage.text if c in "你好"]
