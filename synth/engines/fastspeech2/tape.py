"""Pitch bent like a tape that runs faster and slower: each moment of the voice is heard at its own ratio of frequencies.

The network's own pitch answers evenly only within some three semitones of its mean. So what is added to the pitch is added here, to
the semitone: the utterance is made as much longer, and its formants as much lower, as the tape will make it shorter and them higher
again (`bending`, `spectrum`). In the end only the harmonics have moved.

Resampling is by a windowed sinc, after Smith, "Digital Audio Resampling Home Page" (CCRMA, 1984 to 2020).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from synth.engines.fastspeech2.model import FRAME

__all__ = ["Tape"]

# Samples to each side that one sample is made of: up to 10 kHz nothing is changed; of what would fold, the last kilohertz before
# the cut is 24 dB down, and all beyond it 80.
_REACH = 16
# Positions between two samples, to the nearest of which one is read: an error of -70 dB at 4 kHz.
_PHASES = 1024
_KAISER = 8.0


class Tape:
    """One utterance on its way over the tape."""

    def __init__(self, ratios: Tensor) -> None:
        """Take by what the frequencies are multiplied in each frame, float32 [F]; all 1 is exactly the voice as it was."""
        self._heard = torch.zeros(_REACH)
        self._before = -_REACH  # the number of the first sample in `_heard`
        self._said = 0
        if bool((ratios == 1.0).all()):
            self.times = np.arange(len(ratios) * FRAME + 1, dtype=np.float64)
            self._positions: Tensor | None = None
            return
        each = functional.interpolate(ratios[None, None].double(), scale_factor=FRAME, mode="linear")[0, 0].numpy()
        self.times = np.concatenate([[0.0], np.cumsum(1 / each)])
        """When each sample of the voice is heard, in samples; float64 [300 F + 1]."""
        self._positions = torch.from_numpy(np.interp(np.arange(int(self.times[-1])), self.times, np.arange(len(self.times))))
        self._kernels = _kernels(max(1.0, float(each.max())))

    def push(self, samples: Tensor, *, ends: bool) -> Tensor:
        """Take samples [n], the last of all where it `ends`, and give out those that are final, whatever comes."""
        if self._positions is None:
            return samples
        self._heard = torch.cat([self._heard, samples, torch.zeros(_REACH + 1 if ends else 0)])
        known = self._before + len(self._heard) - _REACH  # positions below can be read
        until = len(self._positions) if ends else int(torch.searchsorted(self._positions, float(known - 1)))
        positions = self._positions[self._said : until]
        self._said = until
        read = self._read(positions)
        first = int(self._positions[until]) if until < len(self._positions) else known
        forget = max(0, first - _REACH - self._before)
        self._heard, self._before = self._heard[forget:], self._before + forget
        return read

    def _read(self, positions: Tensor) -> Tensor:
        """The voice at these positions between its samples, float64 [n] → float32 [n]."""
        if not len(positions):
            return torch.zeros(0)
        whole = positions.floor()
        phases = ((positions - whole) * _PHASES).round().long()
        starts = whole.long() - self._before - _REACH + 1
        windows = self._heard.unfold(0, 2 * _REACH, 1)[starts]  # [n, 2 reach]
        return (windows * self._kernels[phases]).sum(-1)


def _kernels(fastest: float) -> Tensor:
    """What each sample counts at each phase, float32 [phases + 1, 2 reach]; nothing passes that the fastest moment would fold."""
    cutoff = 1 / fastest
    offsets = np.arange(_PHASES + 1)[:, None] / _PHASES - np.arange(-_REACH + 1, _REACH + 1)[None]
    window = np.i0(_KAISER * np.sqrt(np.clip(1 - (offsets / _REACH) ** 2, 0, None))) / np.i0(_KAISER)
    kernels = cutoff * np.sinc(cutoff * offsets) * window
    # A constant stays the same at every phase: else a hum of the phases would be heard.
    return torch.from_numpy((kernels / kernels.sum(1, keepdims=True)).astype(np.float32))
