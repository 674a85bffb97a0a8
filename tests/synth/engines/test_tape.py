"""The tape: frequencies multiplied moment by moment, nothing else changed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from synth.engines.fastspeech2.model import FRAME, SAMPLE_RATE
from synth.engines.fastspeech2.tape import Tape


def tone(hertz: float, frames: int) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(frames * FRAME, dtype=torch.float64) / SAMPLE_RATE).float()


def loudest(samples: torch.Tensor) -> float:
    spectrum = np.abs(np.fft.rfft(samples.numpy() * np.hanning(len(samples)), 2**18))
    return float(np.argmax(spectrum)) * SAMPLE_RATE / 2**18


def test_a_ratio_of_one_is_the_voice_itself() -> None:
    samples = tone(200, 20)
    assert torch.equal(Tape(torch.ones(20)).push(samples, ends=True), samples)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.26, 2.0])
def test_a_tone_is_heard_at_the_ratio_for_as_much_shorter_a_time(ratio: float) -> None:
    heard = Tape(torch.full((80,), ratio)).push(tone(300, 80), ends=True)
    assert loudest(heard) == pytest.approx(300 * ratio, rel=1e-3)
    assert len(heard) == pytest.approx(80 * FRAME / ratio, abs=2)
    assert float(heard[100:-100].abs().max()) == pytest.approx(1.0, abs=0.01)


def test_what_would_fold_is_not_heard() -> None:
    heard = Tape(torch.full((80,), 1.5)).push(tone(10_000, 80), ends=True)
    assert float(heard[200:-200].abs().max()) < 0.01


def test_a_tape_that_gets_faster_raises_the_end_and_not_the_beginning() -> None:
    heard = Tape(torch.linspace(1.0, 2.0, 160)).push(tone(300, 160), ends=True)
    assert loudest(heard[:3000]) == pytest.approx(300, rel=0.06)
    assert loudest(heard[-3000:]) == pytest.approx(600, rel=0.06)


@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=12), st.lists(st.integers(1, 900), max_size=12))
def test_in_pieces_it_is_the_same_as_at_once(ratios: list[float], cuts: list[int]) -> None:
    samples = torch.randn(len(ratios) * FRAME, generator=torch.Generator().manual_seed(0))
    whole = Tape(torch.tensor(ratios)).push(samples, ends=True)
    tape, pieces, at = Tape(torch.tensor(ratios)), [], 0
    for size in cuts:
        if at + size < len(samples):
            pieces.append(tape.push(samples[at : at + size], ends=False))
            at += size
    pieces.append(tape.push(samples[at:], ends=True))
    assert torch.equal(torch.cat(pieces), whole)


def test_it_says_when_each_sample_is_heard() -> None:
    tape = Tape(torch.tensor([1.0, 1.0, 2.0, 2.0, 2.0, 2.0]))
    assert tape.times[0] == 0
    assert tape.times[-1] - tape.times[-1 - FRAME] == pytest.approx(FRAME / 2)
    assert len(tape.push(torch.zeros(6 * FRAME), ends=True)) == int(tape.times[-1])
