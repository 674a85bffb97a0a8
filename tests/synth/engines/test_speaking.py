"""The native engine: one voice, bent by emotions and speed, heard as it is computed, with the time of every character."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.emotion import EMOTIONS
from synth.engines.fastspeech2.bending import bent
from synth.engines.fastspeech2.engine import FastSpeech2Engine, limited, load
from synth.engines.fastspeech2.listening import RATE, tracked
from synth.engines.fastspeech2.model import SAMPLE_RATE, Prediction
from synth.engines.fastspeech2.profiles import Expression, expression, profiles
from synth.engines.fastspeech2.spectrum import shaded
from synth.engines.fastspeech2.symbols import Spelling
from synth.engines.protocol import Segment, SegmentSpeech, Settings

pytestmark = pytest.mark.slow

SENTENCE = "今天天气很好，我们一起去公园散步吧。"
weights = st.tuples(*[st.floats(0, 1)] * 8)


@pytest.fixture(scope="module")
def engine(lite_snapshot: Path) -> FastSpeech2Engine:
    return load(lite_snapshot)


def speak(engine: FastSpeech2Engine, text: str, settings: Settings | None = None, pause: float = 0.0) -> NDArray[np.float32]:
    return np.frombuffer(engine.speak(Segment(text, pause), settings or Settings()).samples, "<f4")


def emotion(name: str, intensity: float) -> Settings:
    return Settings(emotion=tuple(intensity if name == label else 0.0 for label in EMOTIONS))


def test_the_same_segment_gives_the_same_samples(engine: FastSpeech2Engine) -> None:
    assert np.array_equal(speak(engine, "今天天气很好"), speak(engine, "今天天气很好", Settings(seed=7)))


def test_speech_is_finite_and_does_not_clip_and_its_pause_is_silent(engine: FastSpeech2Engine) -> None:
    samples = speak(engine, "你好", pause=0.25)
    assert np.isfinite(samples).all()
    assert 0.05 < np.abs(samples).max() <= 1.0
    assert not samples[-6000:].any()


@pytest.mark.parametrize("label", EMOTIONS)
def test_no_emotion_clips_or_is_silent(engine: FastSpeech2Engine, label: str) -> None:
    samples = speak(engine, SENTENCE, emotion(label, 1.0))
    assert np.isfinite(samples).all()
    assert 0.05 < np.abs(samples).max() < 1.0


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.3, 2.0])
def test_speed_is_that_of_the_whole_and_leaves_the_pitch(engine: FastSpeech2Engine, speed: float) -> None:
    plain, other = speak(engine, SENTENCE), speak(engine, SENTENCE, Settings(speed=speed))
    assert len(other) * speed == pytest.approx(len(plain), rel=0.01)
    assert 12 * np.log2(median_pitch(other) / median_pitch(plain)) == pytest.approx(0, abs=0.8)


@pytest.mark.parametrize("label", ["neutral", "surprised"])
@pytest.mark.parametrize("speed", [0.5, 0.8, 1.3, 2.0])
def test_at_any_speed_the_times_begin_and_end_with_the_sound(engine: FastSpeech2Engine, label: str, speed: float) -> None:
    speech = engine.speak(Segment(SENTENCE), Settings(emotion=emotion(label, 0.5).emotion, speed=speed))
    edges = [edge for spoken in speech.times for edge in (spoken.start, spoken.end)]
    assert edges == sorted(edges)
    samples = np.abs(np.frombuffer(speech.samples, "<f4"))
    loud = np.nonzero(samples > 0.1 * samples.max())[0] / SAMPLE_RATE
    assert speech.times[0].start - 0.05 < loud[0] < speech.times[0].end
    # The last vowel dies away in the silence behind it.
    assert speech.times[-1].start < loud[-1] < edges[-1] + 0.25 / speed
    assert edges[-1] < len(samples) / SAMPLE_RATE


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.7, 2.0])
def test_at_any_speed_what_is_given_out_in_pieces_is_what_is_spoken_at_once(engine: FastSpeech2Engine, speed: float) -> None:
    settings = Settings(emotion=emotion("happy", 0.7).emotion, speed=speed)
    pieces = list(engine.stream(Segment(SENTENCE), settings))
    assert len(pieces) > 2
    assert b"".join(piece.samples for piece in pieces) == engine.speak(Segment(SENTENCE), settings).samples


@pytest.mark.parametrize("label", EMOTIONS)
def test_an_emotion_changes_the_speech_and_at_intensity_zero_it_does_not(engine: FastSpeech2Engine, label: str) -> None:
    plain = speak(engine, "今天天气很好")
    assert np.array_equal(speak(engine, "今天天气很好", emotion(label, 0.0)), plain)
    assert not np.array_equal(speak(engine, "今天天气很好", emotion(label, 1.0)), plain)


@pytest.mark.parametrize("label", ["happy", "angry", "sad", "afraid", "disgusted", "melancholic", "calm"])
def test_more_intensity_is_more_of_the_same(engine: FastSpeech2Engine, label: str) -> None:
    lengths = [len(speak(engine, SENTENCE, emotion(label, step / 5))) for step in range(6)]
    assert lengths == sorted(lengths, reverse=profiles()[label].rate > 1)
    assert lengths[0] != lengths[-1]


@pytest.mark.parametrize(("label", "louder"), [("angry", True), ("sad", False), ("calm", False), ("happy", True)])
def test_an_emotion_is_as_loud_as_its_profile_says(engine: FastSpeech2Engine, label: str, louder: bool) -> None:
    power = [np.mean(np.square(speak(engine, SENTENCE, emotion(label, step / 3)))) for step in range(4)]
    assert power == sorted(power, reverse=not louder)


def test_what_is_given_out_in_pieces_is_what_is_spoken_at_once(engine: FastSpeech2Engine) -> None:
    settings = emotion("afraid", 0.7)
    pieces = list(engine.stream(Segment(SENTENCE, 0.3), settings))
    assert len(pieces) > 3
    assert b"".join(piece.samples for piece in pieces) == engine.speak(Segment(SENTENCE, 0.3), settings).samples


def test_the_first_piece_is_short_and_brings_the_times(engine: FastSpeech2Engine) -> None:
    first, second, *_ = engine.stream(Segment(SENTENCE), Settings())
    assert 0 < len(first.samples) // 4 < 0.4 * SAMPLE_RATE
    assert first.times
    assert not second.times


def test_every_character_has_its_time_in_order_within_the_speech(engine: FastSpeech2Engine) -> None:
    speech = engine.speak(Segment("我用OK，和GPU。", 0.2), Settings())
    assert [spoken.text for spoken in speech.times] == ["我", "用", "OK", "和", "G", "P", "U"]
    edges = [edge for spoken in speech.times for edge in (spoken.start, spoken.end)]
    assert edges == sorted(edges)
    assert edges[0] > 0
    assert edges[-1] < len(speech.samples) / 4 / SAMPLE_RATE - 0.2


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.4, 2.0])
def test_sound_is_where_the_times_say(engine: FastSpeech2Engine, speed: float) -> None:
    speech = engine.speak(Segment("爸爸，妈妈。"), Settings(speed=speed))
    samples = np.frombuffer(speech.samples, "<f4")

    def power(start: float, end: float) -> float:
        return float(np.mean(np.square(samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)])))

    pause = (speech.times[1].end + 0.05 / speed, speech.times[2].start)
    assert pause[1] - pause[0] > 0.05 / speed**2
    assert all(power(spoken.start, spoken.end) > 4 * power(*pause) for spoken in speech.times)


def test_every_number_of_the_profiles_has_its_source() -> None:
    import tomllib

    from synth.engines.fastspeech2 import profiles as beside

    table = tomllib.loads(Path(beside.__file__).with_name("profiles.toml").read_text("utf-8"))
    assert tuple(table) == EMOTIONS
    for label in EMOTIONS:
        assert set(table[label]) == set(Expression.__dataclass_fields__)
        assert all(isinstance(source, str) and source for _, source in table[label].values())


def test_no_weight_at_all_is_exactly_neutral() -> None:
    assert expression((0.0,) * 8) == Expression()


@given(weights)
def test_a_mixture_lies_between_neutral_and_what_it_mixes(mixed: tuple[float, ...]) -> None:
    found = expression(mixed)
    for name in Expression.__dataclass_fields__:
        reach = [getattr(Expression(), name), *(getattr(profile, name) for profile in profiles().values())]
        assert min(reach) - 1e-9 <= getattr(found, name) <= max(reach) + 1e-9


@given(st.integers(0, 7), st.floats(0, 1), st.floats(0, 1))
def test_expressions_grow_monotonically_with_intensity(which: int, one: float, other: float) -> None:
    low, high = sorted((one, other))
    less, more = (expression(tuple(value if at == which else 0.0 for at in range(8))) for value in (low, high))
    for name in Expression.__dataclass_fields__:
        neutral = getattr(Expression(), name)
        assert abs(getattr(less, name) - neutral) <= abs(getattr(more, name) - neutral) + 1e-12


def test_shading_of_nothing_is_exact() -> None:
    mel = torch.randn(50, 80, generator=torch.Generator().manual_seed(0))
    assert torch.equal(shaded(mel, Expression(), torch.ones(50), torch.zeros(50)), mel)


@given(st.lists(st.floats(-4, 4, width=32), min_size=1))
def test_limiting_keeps_order_and_sign_and_stays_within_one(values: list[float]) -> None:
    before = torch.tensor(sorted(values))
    after = limited(before)
    assert (after.abs() <= 1).all()
    assert (after.diff() >= 0).all()
    assert torch.equal(after.sign(), before.sign())


def median_pitch(samples: NDArray[np.float32]) -> float:
    """In Hz."""
    hertz = tracked(soxr.resample(samples, SAMPLE_RATE, RATE)).hertz
    return float(np.median(hertz[hertz > 0]))


@pytest.mark.parametrize("semitones", [-6, -3, 3, 6])
def test_the_pitch_moves_by_the_semitones_that_are_asked_for_and_the_length_hardly(
    engine: FastSpeech2Engine, semitones: int
) -> None:
    plain, moved = speak(engine, SENTENCE), speak(engine, SENTENCE, Settings(pitch=semitones))
    assert 12 * np.log2(median_pitch(moved) / median_pitch(plain)) == pytest.approx(semitones, abs=0.8)
    assert len(moved) == pytest.approx(len(plain), rel=0.1)


def test_the_volume_is_in_decibels_and_what_would_clip_is_bent(engine: FastSpeech2Engine) -> None:
    plain, soft, loud = (speak(engine, SENTENCE, Settings(volume=volume)) for volume in (0, -6, 20))
    assert np.allclose(soft, limited(torch.from_numpy(plain * 10 ** (-6 / 20))), atol=0.02)
    assert np.abs(loud).max() <= 1.0
    assert np.square(loud).mean() > 4 * np.square(plain).mean()


def test_the_mood_of_a_text_is_spoken_with_and_one_that_says_nothing_changes_nothing(engine: FastSpeech2Engine) -> None:
    plain, sad, nothing = (
        speak(engine, SENTENCE, Settings(emotion_text=text)) for text in (None, "我太难过了，一直在哭。", "桌子上有一本书。")
    )
    assert len(sad) > 1.05 * len(plain)
    assert np.array_equal(nothing, plain)


def test_an_emphasised_word_is_longer_and_louder_and_what_stands_before_it_stays(engine: FastSpeech2Engine) -> None:
    plain, strong = (
        engine.speak(Segment(text), Settings()) for text in ("我们明天去北京看朋友。", "我们明天去<em>北京</em>看朋友。")
    )
    lengths = [[time.end - time.start for time in speech.times] for speech in (plain, strong)]
    assert [time.text for time in strong.times] == list("我们明天去北京看朋友")
    assert sum(lengths[1][5:7]) > 1.1 * sum(lengths[0][5:7])
    assert sum(lengths[1][:4]) == pytest.approx(sum(lengths[0][:4]), rel=0.05)

    def loudness(speech: SegmentSpeech) -> float:
        start, end = (round(second * SAMPLE_RATE) for second in (speech.times[5].start, speech.times[6].end))
        return float(np.square(np.frombuffer(speech.samples, "<f4")[start:end]).mean())

    assert loudness(strong) > 1.3 * loudness(plain)


@pytest.mark.parametrize("speed", [0.5, 2.0])
@pytest.mark.parametrize("label", ["neutral", "angry", "surprised"])
def test_a_segment_begins_and_ends_without_a_click(engine: FastSpeech2Engine, label: str, speed: float) -> None:
    weights = tuple(float(name == label) for name in EMOTIONS)
    for text in ("啊！", "我", "今天天气很好。"):
        samples = speak(engine, text, Settings(emotion=weights, speed=speed))
        assert abs(float(samples[0])) < 0.01
        assert abs(float(samples[-1])) < 0.01
        assert np.abs(samples[-24:]).max() < 0.1 * np.abs(samples).max()


def test_sentences_are_as_loud_as_each_other(engine: FastSpeech2Engine) -> None:
    levels = []
    for text in (
        "好。",
        "他走了。",
        "你知道吗，我们家的小狗会开门了。",
        "飞机晚点了，我们在机场等了三个小时。",
        "如果明天不下雨，我们就去爬山。",
    ):
        samples = speak(engine, text)
        power = np.square(np.lib.stride_tricks.sliding_window_view(samples, 2400)[::600]).mean(1)
        levels.append(10 * np.log10(power[power > power.max() / 100].mean()))
    assert np.ptp(levels) < 2.5


def test_what_is_said_of_a_segment_does_not_depend_on_what_is_spoken_beside_it(engine: FastSpeech2Engine) -> None:
    texts = ["你好。", SENTENCE, "他说的这句话让我非常感动。", "请在下午三点半之前把文件送到银行。"]
    alone = [engine.speak(Segment(text), emotion("happy", 0.7)) for text in texts]
    with ThreadPoolExecutor(4) as beside:
        together = list(beside.map(lambda text: engine.speak(Segment(text), emotion("happy", 0.7)), texts * 3))
    assert together == alone * 3


def test_the_last_piece_of_a_segment_says_so_and_has_its_pause(engine: FastSpeech2Engine) -> None:
    pieces = list(engine.stream(Segment(SENTENCE, 0.25), Settings()))
    assert [piece.ends for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert not np.frombuffer(pieces[-1].samples, "<f4")[-6000:].any()


def test_before_a_silence_the_vowel_is_drawn_out_and_not_the_consonant_before_it() -> None:
    initial, final, joint = 1, 2, 3
    spelling = Spelling((initial, final, joint, initial, final, joint), (0, 0, 0, 1, 1, 1), (1, 4))
    predicted = Prediction(torch.zeros(6, 1), torch.full((6,), 10.0), torch.zeros(6), torch.zeros(6))
    assert bent(predicted, spelling, Expression(final_lengthening=1.5), 1.0, 0.0).frames.tolist() == [10, 10, 10, 10, 15, 15]
