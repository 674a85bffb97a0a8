"""How an expression bends what the network predicts: how long each symbol is, and how high. Each bend of nothing is exact."""

from dataclasses import dataclass
from math import tau

import numpy as np
import torch
from torch import Tensor

from synth.engines.fastspeech2.model import FRAME, SAMPLE_RATE, Prediction
from synth.engines.fastspeech2.profiles import Expression
from synth.engines.fastspeech2.symbols import SILENCE, Spelling

__all__ = ["SEMITONES", "Bend", "bent"]

SEMITONES = 3.8
"""Semitones that a normalised f0 of 1 is heard as: Praat's median over f0 between -1 and 1 about the mean."""

# Where in the last syllable the final movement of the pitch is half done, and it begins in the one before it: a question's rise in
# Mandarin is heard in the last one or two.
_HALF_WAY = 0.5
# A frightened voice trembles at about this rate, in Hz.
_TREMOR = 6.5


@dataclass(frozen=True, slots=True)
class Bend:
    """What comes of the lengths and the pitch.

    Attributes:
        frames: int64 [T], how long each symbol is to be made.
        ratios: float32 [F], by what the frequencies of each such frame are to be multiplied afterwards, on the tape.
    """

    frames: Tensor
    ratios: Tensor


@torch.inference_mode()
def bent(predicted: Prediction, spelling: Spelling, how: Expression, speed: float, pitch: float) -> Bend:
    """Bend a prediction.

    Args:
        predicted: of T symbols.
        spelling: of the same symbols.
        speed: above 1 is faster, silences and all.
        pitch: semitones, above 0 is higher, all through.
    """
    heights = _heights(predicted.f0, spelling, how, pitch)  # [S], of each syllable
    lengths = torch.tensor([_length(syllable, spelling.ends, how) / speed for syllable in spelling.syllables])  # [T]
    frames = _rounded(predicted.frames, lengths * _needed(heights, spelling, how))
    return Bend(frames, _ratios(frames, heights, spelling, how))


def _needed(heights: list[float], spelling: Spelling, how: Expression) -> Tensor:
    """By how much more of each symbol is needed, [T], because the tape will run faster there."""
    middles = [*heights[:-1], *(height + _HALF_WAY * how.final_pitch for height in heights[-1:])]
    return torch.tensor([1.0 if s == SILENCE else 2 ** (middles[s] / 12) for s in spelling.syllables])


def _length(syllable: int, ends: frozenset[int], how: Expression) -> float:
    if syllable == SILENCE:
        return how.pauses
    return (how.final_lengthening if syllable in ends else 1.0) / how.rate


def _rounded(frames: Tensor, factors: Tensor) -> Tensor:
    """The lengths [T] times the factors [T], in whole frames; what rounding takes from one symbol it gives to the next.

    What is multiplied by 1 is rounded on its own, as the network was trained.
    """
    added = torch.round((frames.double() * (factors.double() - 1.0)).cumsum(0)).long()
    whole = torch.round(frames).long() + torch.diff(added, prepend=added.new_zeros(1))
    # A symbol that was there stays there: at twice the speed a consonant of a frame would be lost.
    return torch.maximum(whole, torch.round(frames).long().clamp_max(1))


def _heights(f0: Tensor, spelling: Spelling, how: Expression, pitch: float) -> list[float]:
    """How many semitones are added to the pitch of each syllable."""
    own = f0[list(spelling.finals)] if spelling.finals else f0[:0]  # [S]; only vowels have a pitch
    wider = (how.pitch_range - 1.0) * SEMITONES * (own - own.mean())
    return [pitch + how.pitch + height for height in wider.tolist()]


def _ratios(frames: Tensor, heights: list[float], spelling: Spelling, how: Expression) -> Tensor:
    """The ratio of each frame, float32 [F]: from the middle of one vowel straight to the middle of the next, in semitones."""
    count = int(frames.sum())
    if not heights:
        return torch.ones(count)
    ends = frames.cumsum(0)
    starts = ends - frames
    middles = [(int(starts[at]) + int(ends[at])) / 2 for at in spelling.finals]
    last = spelling.finals[-1]
    at = np.arange(count) + 0.5
    semitones = np.interp(at, middles, heights)
    before = middles[-2] if len(middles) > 1 else float(starts[last])
    semitones += np.interp(at, [before, middles[-1], float(ends[last])], [0.0, _HALF_WAY * how.final_pitch, how.final_pitch])
    semitones += how.tremor * np.sin(tau * _TREMOR * at * FRAME / SAMPLE_RATE)
    return torch.from_numpy(np.exp2(semitones / 12)).float() if semitones.any() else torch.ones(count)
