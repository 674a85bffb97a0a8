"""The port speaks as the original runtime does: `tests/data/lite-golden.npz` holds what that computed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from indextts_hub.errors import IntegrityError
from synth.engines.fastspeech2.engine import FastSpeech2Engine, load
from synth.engines.fastspeech2.model import FRAME, FastSpeech2, Prosody
from synth.engines.fastspeech2.vocoder import Vocoder
from synth.engines.fastspeech2.weights import load_acoustic_model, load_vocoder
from synth.engines.protocol import Segment, Settings

Golden = Mapping[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def golden() -> Golden:
    return dict(np.load(Path(__file__).parents[2] / "data" / "lite-golden.npz"))


@pytest.fixture(scope="module")
def acoustic(lite_snapshot: Path) -> FastSpeech2:
    return load_acoustic_model(lite_snapshot / "fastspeech2_quan.tflite")


@pytest.fixture(scope="module")
def vocoder(lite_snapshot: Path) -> Vocoder:
    return load_vocoder(lite_snapshot / "mb_melgan.tflite")


@pytest.fixture(scope="module")
def engine(lite_snapshot: Path) -> FastSpeech2Engine:
    return load(lite_snapshot)


def ids(golden: Golden, sentence: int) -> torch.Tensor:
    return torch.from_numpy(golden[f"ids{sentence}"]).long()


@pytest.mark.parametrize("sentence", range(5))
def test_durations_are_the_originals_and_f0_energy_and_mel_are_within_its_spread(
    acoustic: FastSpeech2, golden: Golden, sentence: int
) -> None:
    spoken = acoustic.speak(ids(golden, sentence))
    np.testing.assert_array_equal(spoken.durations.numpy(), golden[f"durations{sentence}"])
    np.testing.assert_allclose(spoken.f0.numpy(), golden[f"f0{sentence}"], atol=2e-2)
    np.testing.assert_allclose(spoken.energy.numpy(), golden[f"energy{sentence}"], atol=2e-2)
    near = np.abs(spoken.mel.numpy() - golden[f"mel_mean{sentence}"]) <= 3 * golden[f"mel_std{sentence}"]
    assert near.mean() >= 0.99


@pytest.mark.parametrize(
    ("name", "prosody"),
    [("speed125", Prosody(duration=1.25)), ("f0_120", Prosody(f0_gain=1.2)), ("energy80", Prosody(energy_gain=0.8))],
)
def test_ratios_bend_it_as_they_bend_the_original(acoustic: FastSpeech2, golden: Golden, name: str, prosody: Prosody) -> None:
    spoken = acoustic.speak(ids(golden, 1), prosody)
    np.testing.assert_array_equal(spoken.durations.numpy(), golden[f"{name}_durations"])
    np.testing.assert_allclose(spoken.f0.numpy(), golden[f"{name}_f0"], atol=2e-2)
    np.testing.assert_allclose(spoken.energy.numpy(), golden[f"{name}_energy"], atol=2e-2)


@pytest.mark.parametrize("sentence", [0, 1])
def test_the_vocoders_waveform_is_the_originals(vocoder: Vocoder, golden: Golden, sentence: int) -> None:
    samples = vocoder.speak(torch.from_numpy(golden[f"voc_mel{sentence}"])).numpy()
    assert samples.shape == golden[f"voc_wav{sentence}"].shape
    assert np.corrcoef(samples, golden[f"voc_wav{sentence}"])[0, 1] > 0.99


@pytest.mark.parametrize("frames", [1, 2, 9, 10, 11])
def test_even_a_single_frame_can_be_heard(vocoder: Vocoder, golden: Golden, frames: int) -> None:
    samples = vocoder.speak(torch.from_numpy(golden["voc_mel0"][:frames]))
    assert samples.shape == (frames * FRAME,)
    assert torch.isfinite(samples).all()


def speak(engine: FastSpeech2Engine, text: str, settings: Settings | None = None, pause: float = 0.0) -> NDArray[np.float32]:
    return np.frombuffer(engine.speak(Segment(text, pause), settings or Settings()).samples, "<f4")


def emotion(name: str, intensity: float) -> Settings:
    weights = [0.0] * 8
    weights[("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm").index(name)] = intensity
    return Settings(emotion=tuple(weights))


def test_the_same_segment_gives_the_same_samples(engine: FastSpeech2Engine) -> None:
    assert np.array_equal(speak(engine, "今天天气很好"), speak(engine, "今天天气很好", Settings(seed=7)))


def test_speech_is_finite_and_does_not_clip_and_its_pause_is_silent(engine: FastSpeech2Engine) -> None:
    samples = speak(engine, "你好", pause=0.25)
    assert np.isfinite(samples).all()
    assert 0.05 < np.abs(samples).max() <= 1.0
    assert not samples[-6000:].any()


def test_faster_is_shorter_and_slower_is_longer(engine: FastSpeech2Engine) -> None:
    half, plain, double = (len(speak(engine, "今天天气很好", Settings(speed=speed))) for speed in (0.5, 1.0, 2.0))
    assert 1.7 < half / plain < 2.3
    assert 0.4 < double / plain < 0.6


@pytest.mark.parametrize("name", ["happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm"])
def test_an_emotion_changes_the_speech_and_at_intensity_zero_it_does_not(engine: FastSpeech2Engine, name: str) -> None:
    plain = speak(engine, "今天天气很好")
    assert np.array_equal(speak(engine, "今天天气很好", emotion(name, 0.0)), plain)
    assert not np.array_equal(speak(engine, "今天天气很好", emotion(name, 1.0)), plain)


@pytest.mark.parametrize("sound", ["sad", "happy"])
def test_more_intensity_is_more_of_the_same(engine: FastSpeech2Engine, sound: str) -> None:
    lengths = [len(speak(engine, "今天天气很好我们一起去公园散步吧", emotion(sound, step / 4))) for step in range(5)]
    assert lengths == sorted(lengths, reverse=sound == "happy")
    assert lengths[0] != lengths[-1]


@pytest.mark.parametrize("body", [b"", b"TFL3", b"\0" * 64, b"\x1c\0\0\0TFL3" + b"\xff" * 200])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "model.tflite").write_bytes(body)
    with pytest.raises(IntegrityError, match="weights"):
        load_acoustic_model(tmp_path / "model.tflite")


def test_weights_of_the_other_network_are_refused(lite_snapshot: Path) -> None:
    with pytest.raises(IntegrityError, match="has no tensor"):
        load_vocoder(lite_snapshot / "fastspeech2_quan.tflite")
