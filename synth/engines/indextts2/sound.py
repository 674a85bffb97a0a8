"""Resampling and filter banks as torchaudio has them, for a package that asks for no more of it.

torchaudio's wheels are built for one torch and one kind of graphics card, and no further ones are to come; these three functions of
it are arithmetic. They give torchaudio's numbers, with its defaults and the arguments that IndexTTS 2 uses.

Sources: J. O. Smith, "Digital Audio Resampling" (windowed sinc, Hann window, 6 zero crossings, roll-off 0.99); Kaldi's `fbank`
(25 ms frames every 10 ms, each without its mean, pre-emphasis 0.97, Povey window, mel bins from 20 Hz to the half of the rate);
O'Shaughnessy, "Speech Communication", 1987, for the mel scale.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Resample", "fbank", "hz_to_mel", "mel_to_hz"]

_ZERO_CROSSINGS = 6
_ROLL_OFF = 0.99
_FRAME_SECONDS, _STEP_SECONDS = 0.025, 0.01
_PRE_EMPHASIS = 0.97
_LOWEST_HZ = 20.0


class Resample(torch.nn.Module):
    """From one rate to another, in Hz: float32 [..., n] to [..., m]."""

    def __init__(self, orig_freq: int, new_freq: int) -> None:
        super().__init__()
        divisor = math.gcd(orig_freq, new_freq)
        self._from, self._to = orig_freq // divisor, new_freq // divisor

    def forward(self, samples: Tensor) -> Tensor:
        """Resample the last dimension."""
        if self._from == self._to:
            return samples
        kernel, reach = _sinc(self._from, self._to)
        *others, length = samples.shape
        rows = functional.pad(samples.reshape(-1, length), (reach, reach + self._from))
        spread = functional.conv1d(rows[:, None], kernel.to(samples), stride=self._from)  # [rows, to, steps]
        wanted = math.ceil(self._to * length / self._from)
        return spread.transpose(1, 2).reshape(len(rows), -1)[:, :wanted].reshape(*others, -1)


def _sinc(from_rate: int, to_rate: int) -> tuple[Tensor, int]:
    """A windowed sinc for each of `to_rate` places between samples, [to, 1, taps], and how many samples it reaches to each side."""
    cut_off = min(from_rate, to_rate) * _ROLL_OFF
    reach = math.ceil(_ZERO_CROSSINGS * from_rate / cut_off)
    taps = torch.arange(-reach, reach + from_rate, dtype=torch.float64) / from_rate
    places = -torch.arange(to_rate)[:, None] / to_rate
    at = ((places + taps) * cut_off).clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = torch.cos(at * math.pi / _ZERO_CROSSINGS / 2) ** 2
    return (torch.sinc(at) * window * (cut_off / from_rate))[:, None].to(torch.float32), reach


def fbank(waveform: Tensor, num_mel_bins: int, dither: float, sample_frequency: float) -> Tensor:
    """Logarithms of the energies in mel bins, [frames, bins], of the first row of float32 [1, n].

    Args:
        dither: 0; noise is added by nobody here.
        sample_frequency: in Hz.

    Raises:
        ValueError: for another dither.
    """
    if dither:
        raise ValueError("nothing is dithered here")
    size, step = int(sample_frequency * _FRAME_SECONDS), int(sample_frequency * _STEP_SECONDS)
    frames = waveform[0].unfold(0, size, step)  # [frames, size]
    frames = frames - frames.mean(1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], 1)
    povey = torch.hann_window(size, periodic=False, dtype=waveform.dtype, device=waveform.device) ** 0.85
    padded = 1 << (size - 1).bit_length()
    spectrum = torch.fft.rfft((frames - _PRE_EMPHASIS * before) * povey, padded).abs() ** 2  # [frames, padded // 2 + 1]
    bins = _mel_bins(num_mel_bins, padded, sample_frequency).to(spectrum)
    energies: Tensor = spectrum[:, :-1] @ bins.T
    return energies.clamp(min=torch.finfo(torch.float32).eps).log()


def _mel_bins(count: int, padded: int, rate: float) -> Tensor:
    """Triangles, even on Kaldi's mel scale, over the lines of a spectrum: [count, padded // 2]."""
    lowest, highest = (1127.0 * math.log(1.0 + hz / 700.0) for hz in (_LOWEST_HZ, rate / 2))
    width = (highest - lowest) / (count + 1)
    left = lowest + width * torch.arange(count)[:, None]
    lines = 1127.0 * torch.log(1.0 + rate / padded * torch.arange(padded // 2) / 700.0)
    return torch.minimum((lines - left) / width, (left + 2 * width - lines) / width).clamp(min=0)


def hz_to_mel(hz: float) -> float:
    """A frequency on the mel scale."""
    return 2595.0 * math.log10(1.0 + hz / 700.0)


def mel_to_hz(mels: Tensor) -> Tensor:
    """Frequencies of places on the mel scale."""
    hz: Tensor = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    return hz
