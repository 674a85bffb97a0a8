"""The mood of a clip is heard in what is spoken after it; its timbre is not."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from indextts_hub.errors import UsageError
from synth.emotion import EMOTIONS
from synth.engines.fastspeech2.engine import FastSpeech2Engine, load
from synth.engines.fastspeech2.listening import Heard, heard
from synth.engines.fastspeech2.model import SAMPLE_RATE
from synth.engines.fastspeech2.reference import mood_of
from synth.engines.protocol import Segment, Settings
from tests.synth.audio.voices import tone

pytestmark = pytest.mark.slow

# One sentence says as much of its tones as of a mood; three say more of the mood.
SAID = ("请在下午三点半之前，把文件送到银行。", "我们下个星期去南方旅行。", "他昨天给我讲了一个很有意思的故事。")
SENTENCE = "老师说，考试的时间改到了星期五。"


@pytest.fixture(scope="module")
def engine(lite_snapshot: Path) -> FastSpeech2Engine:
    return load(lite_snapshot)


@pytest.fixture(scope="module")
def clips(engine: FastSpeech2Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The same sentences in some emotions, by label."""
    folder = tmp_path_factory.mktemp("clips")
    made: dict[str, list[Path]] = {}
    for label in ("neutral", "happy", "sad", "afraid", "disgusted"):
        weights = tuple(float(name == label) for name in EMOTIONS)
        for number, text in enumerate(SAID):
            clip = folder / f"{label}-{number}.wav"
            soundfile.write(clip, spoken(engine, text, Settings(emotion=weights)), SAMPLE_RATE)
            made.setdefault(label, []).append(clip)
    return made


def spoken(engine: FastSpeech2Engine, text: str, settings: Settings) -> NDArray[np.float32]:
    return np.frombuffer(engine.speak(Segment(text), settings).samples, "<f4")


def listened(samples: NDArray[np.float32]) -> Heard:
    import soxr

    found = heard(soxr.resample(samples, SAMPLE_RATE, 16_000))
    assert found is not None
    return found


def after(engine: FastSpeech2Engine, clip: Path, intensity: float = 1.0) -> NDArray[np.float32]:
    return spoken(engine, SENTENCE, Settings(emotion_voice=str(clip), intensity=intensity))


def in_the_mean(engine: FastSpeech2Engine, clips: list[Path]) -> dict[str, float]:
    """What is heard after each of the clips, and the samples of it."""
    takes = [after(engine, clip) for clip in clips]
    each = [asdict(listened(take)) | {"samples": len(take)} for take in takes]
    return {name: float(np.mean([of[name] for of in each])) for name in each[0]}


def test_sad_clips_make_it_slower_lower_and_darker_than_happy_ones(engine: FastSpeech2Engine, clips: dict[str, list[Path]]) -> None:
    sad, happy = (in_the_mean(engine, clips[label]) for label in ("sad", "happy"))
    assert sad["samples"] > 1.2 * happy["samples"]
    assert sad["pitch"] < happy["pitch"] - 2
    assert sad["tilt"] < happy["tilt"] - 1


def test_frightened_clips_are_heard_as_higher_and_flatter_than_disgusted_ones(
    engine: FastSpeech2Engine, clips: dict[str, list[Path]]
) -> None:
    afraid, disgusted = (in_the_mean(engine, clips[label]) for label in ("afraid", "disgusted"))
    assert afraid["pitch"] > disgusted["pitch"] + 3
    assert afraid["pitch_range"] < disgusted["pitch_range"]
    assert afraid["rate"] > disgusted["rate"]


def test_this_voice_in_neutral_as_a_reference_changes_little(engine: FastSpeech2Engine, clips: dict[str, list[Path]]) -> None:
    plain, after_neutral = spoken(engine, SENTENCE, Settings()), after(engine, clips["neutral"][0])
    assert len(after_neutral) == pytest.approx(len(plain), rel=0.12)
    assert abs(listened(after_neutral).pitch - listened(plain).pitch) < 1.5


def test_no_intensity_is_exactly_neutral_and_half_lies_between(engine: FastSpeech2Engine, clips: dict[str, list[Path]]) -> None:
    plain, half, full = spoken(engine, SENTENCE, Settings()), after(engine, clips["sad"][0], 0.5), after(engine, clips["sad"][0])
    assert np.array_equal(after(engine, clips["sad"][0], 0.0), plain)
    assert len(plain) < len(half) < len(full)


def test_a_deeper_speaker_is_taken_for_a_deeper_speaker_and_not_for_a_sad_one(clips: dict[str, list[Path]], tmp_path: Path) -> None:
    samples, rate = soundfile.read(clips["neutral"][0], dtype="float32")
    soundfile.write(tmp_path / "deeper.wav", samples, round(rate * 0.56))  # ten semitones lower, and slower
    assert abs(mood_of(tmp_path / "deeper.wav").pitch) < 1.5


def test_a_clip_without_a_voice_is_refused_and_so_is_one_that_is_none(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "hiss.wav", np.random.default_rng(0).normal(0, 0.1, 32_000), 16_000)
    (tmp_path / "text.wav").write_bytes(b"not a recording")
    for name in ("hiss.wav", "text.wav"):
        with pytest.raises(UsageError) as refused:
            mood_of(tmp_path / name)
        assert refused.value.code == "E_AUDIO"


@pytest.mark.parametrize("seconds", [1.0, 40.0])
def test_what_is_taken_stays_within_what_the_voice_can_do(tmp_path: Path, seconds: float) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(24_000, seconds), 24_000)
    mood = mood_of(tmp_path / "tone.wav")
    assert 0.7 <= mood.rate <= 1.4
    assert -4 <= mood.pitch <= 5
    assert (mood.loudness, mood.formants, mood.breath) == (0.0, 1.0, 0.0)
