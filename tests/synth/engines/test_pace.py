"""Speed is made of the mel: longer or shorter in time, and nothing else."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from synth.engines.fastspeech2.pace import heard, paced
from synth.engines.fastspeech2.symbols import SILENCE, Spelling

# Silence, a consonant and a vowel, a joint, another two, a silence.
SPELLING = Spelling(tuple(range(7)), (SILENCE, 0, 0, 0, 1, 1, SILENCE), (2, 5))
FRAMES = torch.tensor([10, 6, 12, 8, 7, 20, 15])

lengths = st.lists(st.integers(0, 30), min_size=7, max_size=7).filter(any).map(torch.tensor)


def drawn(frames: int) -> torch.Tensor:
    return torch.randn(frames, 80, generator=torch.Generator().manual_seed(0))


@given(lengths)
def test_at_its_own_speed_it_is_the_mel_itself(frames: torch.Tensor) -> None:
    mel = drawn(int(frames.sum()))
    ends = heard(frames, SPELLING, 1.0)
    assert torch.equal(ends, frames.cumsum(0).double())
    assert torch.equal(paced(mel, frames, ends), mel)


@given(lengths, st.floats(0.5, 2.0))
def test_at_any_speed_there_are_as_many_frames_as_it_says_each_between_two_of_the_mel(frames: torch.Tensor, speed: float) -> None:
    mel, ends = drawn(int(frames.sum())), heard(frames, SPELLING, speed)
    found = paced(mel, frames, ends)
    assert len(found) == max(1, round(len(mel) / speed)) == round(float(ends[-1]))
    assert (ends.diff() >= 0).all()
    assert (found >= mel.amin(0) - 1e-5).all()
    assert (found <= mel.amax(0) + 1e-5).all()


def test_what_is_within_a_symbol_stays_within_it() -> None:
    marked = torch.repeat_interleave(torch.arange(7.0), FRAMES)[:, None].expand(-1, 80)
    ends = heard(FRAMES, SPELLING, 1.7)
    found = paced(marked, FRAMES, ends)[:, 0]
    edges = [0.0, *ends.tolist()]
    for symbol in range(7):
        middle = round((edges[symbol] + edges[symbol + 1]) / 2 - 0.5)
        assert abs(float(found[middle]) - symbol) <= 0.5


def test_in_haste_pauses_are_shortened_most_and_consonants_least() -> None:
    silence, consonant, vowel, *_ = heard(FRAMES, SPELLING, 2.0).diff(prepend=torch.zeros(1, dtype=torch.float64)) / FRAMES
    assert silence < vowel < consonant < 1
