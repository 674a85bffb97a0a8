"""The port speaks as the original runtime does: `tests/data/lite-golden.npz` holds what that computed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from indextts_hub.errors import IntegrityError
from synth.engines.fastspeech2.model import FRAME, FastSpeech2
from synth.engines.fastspeech2.vocoder import Vocoder
from synth.engines.fastspeech2.weights import load_acoustic_model, load_vocoder

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


def ids(golden: Golden, sentence: int) -> torch.Tensor:
    return torch.from_numpy(golden[f"ids{sentence}"]).long()


@pytest.mark.parametrize("sentence", range(5))
def test_durations_are_the_originals_and_f0_energy_and_mel_are_within_its_spread(
    acoustic: FastSpeech2, golden: Golden, sentence: int
) -> None:
    spoken = acoustic.decode(acoustic.predict(ids(golden, sentence)))
    np.testing.assert_array_equal(spoken.durations.numpy(), golden[f"durations{sentence}"])
    np.testing.assert_allclose(spoken.f0.numpy(), golden[f"f0{sentence}"], atol=2e-2)
    np.testing.assert_allclose(spoken.energy.numpy(), golden[f"energy{sentence}"], atol=2e-2)
    near = np.abs(spoken.mel.numpy() - golden[f"mel_mean{sentence}"]) <= 3 * golden[f"mel_std{sentence}"]
    assert near.mean() >= 0.99


@pytest.mark.parametrize(
    ("name", "predicted", "ratio"), [("speed125", "frames", 1.25), ("f0_120", "f0", 1.2), ("energy80", "energy", 0.8)]
)
def test_ratios_bend_it_as_they_bend_the_original(
    acoustic: FastSpeech2, golden: Golden, name: str, predicted: str, ratio: float
) -> None:
    plain = acoustic.predict(ids(golden, 1))
    spoken = acoustic.decode(replace(plain, **{predicted: getattr(plain, predicted) * ratio}))
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


@pytest.mark.parametrize("piece", [1, 7, 32, 64, 200])
def test_the_vocoder_says_the_same_in_pieces_of_any_length(
    lite_snapshot: Path, golden: Golden, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In float32, where kernels for other lengths differ by less than would be heard of a seam.
    monkeypatch.setattr("synth.engines.fastspeech2.vocoder.PRECISION", torch.float32)
    exact = load_vocoder(lite_snapshot / "mb_melgan.tflite")
    mel = torch.from_numpy(golden["voc_mel1"])
    whole = exact.speak(mel, len(mel))
    assert torch.allclose(exact.speak(mel, piece), whole, atol=2e-5)


def test_bfloat16_changes_less_than_what_already_lies_between_the_vocoder_and_the_original(
    vocoder: Vocoder, lite_snapshot: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth.engines.fastspeech2.vocoder.PRECISION", torch.float32)
    exact = load_vocoder(lite_snapshot / "mb_melgan.tflite").speak(torch.from_numpy(golden["voc_mel1"])).numpy()
    monkeypatch.setattr("synth.engines.fastspeech2.vocoder.PRECISION", torch.bfloat16)
    short = load_vocoder(lite_snapshot / "mb_melgan.tflite").speak(torch.from_numpy(golden["voc_mel1"])).numpy()
    assert np.square(short - exact).sum() < np.square(exact - golden["voc_wav1"]).sum()


def test_a_processor_without_products_of_bytes_says_the_same(
    acoustic: FastSpeech2, lite_snapshot: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synth.engines.fastspeech2.model.WHOLE", torch.float32)
    other = load_acoustic_model(lite_snapshot / "fastspeech2_quan.tflite")
    spoken, same = (network.decode(network.predict(ids(golden, 2))) for network in (acoustic, other))
    torch.testing.assert_close(same.mel, spoken.mel, rtol=0, atol=1e-4)
    assert torch.equal(same.durations, spoken.durations)


@pytest.mark.parametrize("frames", [31, 32, 33, 42, 96, 97])
def test_pieces_miss_no_sample_at_their_borders(vocoder: Vocoder, golden: Golden, frames: int) -> None:
    pieces = list(vocoder.stream(torch.from_numpy(golden["voc_mel1"][:frames])))
    assert sum(map(len, pieces)) == frames * FRAME
    assert len(pieces) == 1 + (frames > 32) + (frames > 96)


def test_weights_of_the_other_network_are_refused(lite_snapshot: Path) -> None:
    with pytest.raises(IntegrityError, match="has no tensor"):
        load_vocoder(lite_snapshot / "fastspeech2_quan.tflite")


@pytest.mark.parametrize("body", [b"", b"TFL3", b"\0" * 64, b"\x1c\0\0\0TFL3" + b"\xff" * 200])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "model.tflite").write_bytes(body)
    with pytest.raises(IntegrityError, match="weights"):
        load_acoustic_model(tmp_path / "model.tflite")
