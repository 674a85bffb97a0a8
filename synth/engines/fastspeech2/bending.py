"""How an expression bends what the network predicts: how long each symbol is, how high and how loud. A bend of nothing is exact."""

from dataclasses import dataclass
from math import tau

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.engines.fastspeech2.emphasis import Stress, stresses
from synth.engines.fastspeech2.model import FRAME, SAMPLE_RATE, Prediction
from synth.engines.fastspeech2.pace import heard
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
        ends: float64 [T], where each ends, in frames, when the mel is at the speed that was asked for; the last of them is F.
        ratios: float32 [F], by what the frequencies of each such frame are to be multiplied afterwards, on the tape.
        loudness: float32 [F], decibels to be added to each.
    """

    frames: Tensor
    ends: Tensor
    ratios: Tensor
    loudness: Tensor


@torch.inference_mode()
def bent(predicted: Prediction, spelling: Spelling, how: Expression, speed: float, pitch: float) -> Bend:
    """Bend a prediction.

    Args:
        predicted: of T symbols.
        spelling: of the same symbols.
        speed: above 1 is faster, silences and all. It is not made by the network, but of its mel (`pace`).
        pitch: semitones, above 0 is higher, all through.
    """
    stress = stresses(spelling)
    heights = _heights(predicted.f0, spelling, how, pitch, stress)  # [S], of each syllable
    lengths = torch.tensor([_length(at, spelling, how, stress) for at in range(len(spelling.ids))])  # [T]
    frames = _rounded(predicted.frames, lengths * _needed(heights, spelling, how))
    ends = heard(frames, spelling, speed)
    loudness = _over_frames([each.loudness for each in stress], ends, spelling)
    return Bend(frames, ends, _ratios(ends, heights, spelling, how), torch.from_numpy(loudness).float())


def _needed(heights: list[float], spelling: Spelling, how: Expression) -> Tensor:
    """By how much more of each symbol is needed, [T], because the tape will run faster there."""
    middles = [*heights[:-1], *(height + _HALF_WAY * how.final_pitch for height in heights[-1:])]
    return torch.tensor([1.0 if s == SILENCE else 2 ** (middles[s] / 12) for s in spelling.syllables])


def _length(at: int, spelling: Spelling, how: Expression, stress: tuple[Stress, ...]) -> float:
    syllable = spelling.syllables[at]
    if syllable == SILENCE:
        return how.pauses
    # Wightman et al., "Segmental durations in the vicinity of prosodic phrase boundaries" (JASA 91, 1992): the vowel is what is
    # drawn out before a silence; a closure as much longer would be heard as a pause.
    drawn_out = syllable in spelling.ends and at >= spelling.finals[syllable]
    return stress[syllable].length * (how.final_lengthening if drawn_out else 1.0) / how.rate


def _rounded(frames: Tensor, factors: Tensor) -> Tensor:
    """The lengths [T] times the factors [T], in whole frames; what rounding takes from one symbol it gives to the next.

    What is multiplied by 1 is rounded on its own, as the network was trained.
    """
    added = torch.round((frames.double() * (factors.double() - 1.0)).cumsum(0)).long()
    whole = torch.round(frames).long() + torch.diff(added, prepend=added.new_zeros(1))
    # A symbol that was there stays there: in haste a consonant of a frame would be lost.
    return torch.maximum(whole, torch.round(frames).long().clamp_max(1))


def _heights(f0: Tensor, spelling: Spelling, how: Expression, pitch: float, stress: tuple[Stress, ...]) -> list[float]:
    """How many semitones are added to the pitch of each syllable."""
    own = f0[list(spelling.finals)]  # [S]; only vowels have a pitch
    from_mean = ((own - own.mean()) * SEMITONES).tolist()
    return [
        pitch + how.pitch + each.pitch + (how.pitch_range * each.pitch_range - 1.0) * height
        for height, each in zip(from_mean, stress, strict=True)
    ]


def _ratios(ends: Tensor, heights: list[float], spelling: Spelling, how: Expression) -> Tensor:
    """The ratio of each frame, float32 [F]."""
    semitones = _over_frames(heights, ends, spelling)
    if spelling.finals:
        *before, middle = _middles(ends, spelling)[-2:]
        last = float(ends[spelling.finals[-1]])
        start = before[0] if before else 2 * middle - last
        moves = [0.0, _HALF_WAY * how.final_pitch, how.final_pitch]
        semitones += np.interp(np.arange(len(semitones)) + 0.5, [start, middle, last], moves)
    semitones += how.tremor * np.sin(tau * _TREMOR * FRAME / SAMPLE_RATE * np.arange(len(semitones)))
    return torch.from_numpy(np.exp2(semitones / 12)).float()


def _over_frames(values: list[float], ends: Tensor, spelling: Spelling) -> NDArray[np.float64]:
    """A value of each syllable in each frame, [F]: from the middle of one vowel straight to the middle of the next."""
    count = round(float(ends[-1]))
    if not any(values):
        return np.zeros(count)
    each: NDArray[np.float64] = np.interp(np.arange(count) + 0.5, _middles(ends, spelling), values)
    return each


def _middles(ends: Tensor, spelling: Spelling) -> list[float]:
    middles = ends - ends.diff(prepend=ends.new_zeros(1)) / 2  # [T]
    each: list[float] = middles[list(spelling.finals)].tolist()
    return each
