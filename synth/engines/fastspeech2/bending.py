"""How an expression bends what the network predicts: how long, high and loud each symbol is. Each bend of nothing is exact."""

from dataclasses import replace

import torch
from torch import Tensor

from synth.engines.fastspeech2.model import Prediction
from synth.engines.fastspeech2.profiles import Expression
from synth.engines.fastspeech2.symbols import SILENCE, Spelling

__all__ = ["SEMITONES", "bent"]

SEMITONES = 3.8
"""What a normalised f0 of 1 more is heard as, measured with Praat between -1 and 1 over the mean."""

# The pitch at the end moves over this many syllables: a question's rise in Mandarin is heard in the last one or two.
_LAST = 2


@torch.inference_mode()
def bent(predicted: Prediction, spelling: Spelling, how: Expression, speed: float) -> Prediction:
    """Bend a prediction.

    Args:
        predicted: of T symbols.
        spelling: of the same symbols.
        speed: above 1 is faster, silences and all.
    """
    syllables = torch.tensor(spelling.syllables)  # [T]
    spoken = syllables != SILENCE  # [T]
    return replace(
        predicted,
        frames=predicted.frames * _lengths(spelling, how) / speed,
        f0=_f0(predicted.f0, syllables, spoken, how),
        energy=_wider(predicted.energy, spoken, how.dynamics),
    )


def _lengths(spelling: Spelling, how: Expression) -> Tensor:
    """By what each symbol's length is multiplied: [T]."""
    return torch.tensor([_length(syllable, spelling.ends, how) for syllable in spelling.syllables])


def _length(syllable: int, ends: frozenset[int], how: Expression) -> float:
    if syllable == SILENCE:
        return how.pauses
    return (how.final_lengthening if syllable in ends else 1.0) / how.rate


def _f0(f0: Tensor, syllables: Tensor, spoken: Tensor, how: Expression) -> Tensor:
    if not spoken.any():
        return f0
    # 0 up to the last syllables, 1 in the last one; the closing silence goes with it, for vowels die away in it.
    last = syllables.max()
    ramp = ((syllables - last + _LAST) / _LAST).clamp(0, 1)  # [T]
    closing = torch.arange(len(f0)) > int(spoken.nonzero().max())
    ramp = torch.where(closing, 1.0, torch.where(spoken, ramp, 0.0))
    return _wider(f0, spoken | closing, how.pitch_range) + (how.pitch + how.final_pitch * ramp) / SEMITONES


def _wider(values: Tensor, where: Tensor, factor: float) -> Tensor:
    """Values moved from their mean, or towards it, where `where` holds."""
    if not where.any():
        return values
    return values + (factor - 1.0) * (values - values[where].mean()) * where
