"""How an expression bends the sound's spectrum: loudness, tilt, formants and harmonics in the mel, breath over the samples.

The mel is the decimal logarithm of 80 bands from 80 to 7,600 Hz on Slaney's scale, normalised over the corpus band by band
(TensorFlowTTS). The weights come without the means and deviations; they were found by analysing what the vocoder makes of the
mels of eight sentences: each band's level against its value, correlation 0.97. Each bend of nothing is exact.
"""

import hashlib
from functools import cache
from math import log2, pi

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from synth.engines.fastspeech2.model import FRAME, MELS
from synth.engines.fastspeech2.profiles import Expression

__all__ = ["Breath", "levelled", "shaded"]

DECIBELS = 18.4
"""What a mel of 1 more is in each band: 20 dB x the corpus' deviation of 0.92."""

# The corpus' mean of each band, in decimal logarithms.
_MEAN = (
    -2.14, -1.81, -1.42, -1.21, -1.20, -1.24, -1.31, -1.37, -1.43, -1.47, -1.47, -1.44, -1.48, -1.57, -1.65, -1.74,
    -1.81, -1.84, -1.89, -1.90, -1.89, -1.87, -1.86, -1.87, -1.87, -1.86, -1.85, -1.92, -1.95, -1.99, -2.01, -2.06,
    -2.07, -2.10, -2.14, -2.13, -2.11, -2.10, -2.10, -2.10, -2.09, -2.11, -2.12, -2.10, -2.08, -2.11, -2.11, -2.15,
    -2.08, -2.06, -2.10, -2.07, -2.07, -2.11, -2.16, -2.19, -2.17, -2.12, -2.06, -2.03, -2.09, -2.13, -2.21, -2.24,
    -2.24, -2.21, -2.19, -2.20, -2.23, -2.26, -2.27, -2.32, -2.42, -2.51, -2.49, -2.44, -2.49, -2.64, -2.75, -2.69,
)  # fmt: skip
# Cosines of the mel that make what is moved with the formants. Below about 2 kHz bands are narrower than the step between two
# harmonics: with more cosines those would move too, and the pitch with them. With 12 it is right to half a semitone over two
# octaves; with 24, half of what it is moved by is lost (Praat).
_LOW_FORMANTS, _HIGH_FORMANTS = 12, 40
_RESOLVED = 2000.0
# By how much farther they are moved than they are to be heard, in the logarithm: cosines are too coarse to take a formant along.
# Without it 1.1 is heard as 1.07, and a voice two semitones higher has formants 4 % higher (bench/formants.py).
_TAKEN_ALONG = 1.3
# Cosines that make what harmonics stand out from.
_ENVELOPE = 24
# How far the tilt reaches from 1 kHz, in octaves.
_LOWEST, _HIGHEST = -1.0, 2.5
# Decibels of what `_power` says of speech, the mean over 29 sentences and words; how far below the loudest frame is speech; and how
# much is levelled out at most. Over these the level's deviation in the samples is 1.6 dB without, and 0.5 dB with it.
_LEVEL = 24.5
_SPOKEN = 20.0
_MOST_LEVELLED = 6.0
# What is above a frequency goes over into what is below within half an octave.
_STEEP = 8.0
# Newton's steps: after two it is right to a hundredth of a decibel.
_ROUNDS = 2
# At full breath: how much of the harmonics' relief over the envelope goes, and how loud the noise is beside the upper bands. Its
# amplitude grows with that power of the breath: at 1 it comes so late that a darker voice is clearer first, at 0.5 too early.
_FLATTENED = 0.35
_NOISE = 1.465
_RISING = 0.75
_NOISE_BANDS = 40
# How far from the mean a frame's level still swings, and how far below the loudest is no speech, in mel units (18 dB and 33 dB).
_SWING = 1.0
_SPEECH = 1.8
# Frames over which a level is taken, 60 ms: within a syllable, so that vowels stand out from what is between them.
_SYLLABLE = 5


@torch.inference_mode()
def levelled(mel: Tensor) -> Tensor:
    """The mel [F, 80] as loud as every other: the network speaks some sentences 3 dB louder than others, short ones 6 dB softer."""
    power = _power(mel)  # [F]
    spoken = power[power > power.max() * 10 ** (-_SPOKEN / 10)].mean()
    missing = (_LEVEL - 10 * torch.log10(spoken)).clamp(-_MOST_LEVELLED, _MOST_LEVELLED)
    return mel + missing / DECIBELS


@torch.inference_mode()
def shaded(mel: Tensor, how: Expression, ratios: Tensor, loudness: Tensor) -> Tensor:
    """Bend a mel spectrogram.

    Args:
        mel: float32 [F, 80].
        ratios: float32 [F], by what the frequencies will be multiplied on the tape: the formants are moved the other way.
        loudness: float32 [F], decibels that are added to each frame.
    """
    if _shades_nothing(how) and bool((ratios == 1.0).all()) and not bool(loudness.any()):
        return mel
    formants = _formants(mel * (DECIBELS / 20) + torch.tensor(_MEAN))  # [F, 80]
    shifted = (_moved(formants, (how.formants / ratios) ** _TAKEN_ALONG) - formants) * (20 / DECIBELS)  # [F, 80]
    tilt = _octaves().clamp(_LOWEST, _HIGHEST) * (how.tilt / DECIBELS)  # [80]
    relief = mel - mel @ _envelope(_ENVELOPE)  # [F, 80]: harmonics over the envelope
    bent = mel + shifted - relief * (_FLATTENED * how.breath) + tilt + _swing(mel, how.dynamics)
    # None of these is meant to change how bright the whole is, nor how loud: that is said by `tilt` and `loudness` alone.
    bent = _brightened(bent, ratios, _brightness(mel + tilt, torch.ones_like(ratios)))
    lost = 10 * torch.log10(_power(mel).sum() / _power(bent).sum())
    return bent + (lost + how.loudness + loudness[:, None]) / DECIBELS


def _shades_nothing(how: Expression) -> bool:
    return (how.loudness, how.dynamics, how.tilt, how.breath, how.formants) == (0.0, 1.0, 0.0, 0.0, 1.0)


class Breath:
    """Noise that follows the voice's upper bands: what is heard of breath between and within the harmonics."""

    def __init__(self, mel: Tensor, breath: float) -> None:
        """Take the shaded mel, float32 [F, 80], and how breathy the voice is; 0 and less is silence."""
        self._loudness: Tensor | None = None
        if breath <= 0:
            return
        level = mel[:, _NOISE_BANDS:].mean(-1) * (DECIBELS / 20) + sum(_MEAN[_NOISE_BANDS:]) / (MELS - _NOISE_BANDS)
        # At each frame's middle it is as loud as the frame says, and between two it goes straight from one to the other.
        loudness = (breath**_RISING * _NOISE * 10**level)[None, None]
        self._loudness = functional.interpolate(loudness, scale_factor=FRAME, mode="linear")[0, 0]

    def over(self, start: int, end: int) -> Tensor:
        """The noise of these samples: the same wherever the pieces begin."""
        if self._loudness is None:
            return torch.zeros(end - start)
        hiss = _hiss()
        noise: Tensor = self._loudness[start:end] * hiss[torch.arange(start, end) % len(hiss)]
        return noise


def _swing(mel: Tensor, dynamics: float) -> Tensor:
    """Louder syllables louder and softer ones softer, [F, 1]; silences are left as they are."""
    level = torch.log10(_power(mel)) * (10 / DECIBELS)  # [F], in mel units
    spoken = torch.sigmoid(8 * (level - level.max() + _SPEECH))  # [F]: 1 in speech, 0 in silence, nothing abrupt between
    mean = (level * spoken).sum() / spoken.sum()
    margin = _SYLLABLE // 2
    evened = functional.avg_pool1d(functional.pad(level[None], (margin, margin), mode="replicate"), _SYLLABLE, stride=1)[0]
    return ((dynamics - 1.0) * (evened - mean).clamp(-_SWING, _SWING) * spoken)[:, None]


def _brightened(mel: Tensor, ratios: Tensor, brightness: Tensor) -> Tensor:
    """The mel [F, 80] tilted until it is as bright as that when it is heard; itself if it is."""
    slope = _octaves().clamp(_LOWEST, _HIGHEST) / DECIBELS  # [80]: a decibel an octave
    for _ in range(_ROUNDS):
        now = _brightness(mel, ratios)
        gained = _brightness(mel + slope, ratios) - now
        mel = mel + slope * ((brightness - now) / gained)
    return mel


def _brightness(mel: Tensor, ratios: Tensor) -> Tensor:
    """Decibels of what is heard above 1 kHz over what is below, in all frames; `ratios` [F] are the tape's."""
    above = torch.sigmoid(_STEEP * (_octaves() + ratios[:, None].log2()))  # [F, 80]
    power = _powers(mel)
    return 10 * torch.log10((power * above).sum() / (power * (1 - above)).sum())


def _power(mel: Tensor) -> Tensor:
    """The power of each frame, [F], in no unit."""
    return _powers(mel).sum(-1)


def _powers(mel: Tensor) -> Tensor:
    """The power in each band, [F, 80], in no unit: squared levels by the bands' widths."""
    return 10 ** (mel * (2 * DECIBELS / 20) + 2 * torch.tensor(_MEAN)) * torch.gradient(_hertz())[0]


@cache
def _hertz() -> Tensor:
    """The bands' centres: linear up to 1 kHz, then logarithmic (Slaney, Auditory Toolbox, 1998)."""
    top = 15 + np.log(7.6) / (np.log(6.4) / 27)
    scale = np.linspace(80 / (200 / 3), top, MELS + 2)[1:-1]
    return torch.from_numpy(np.where(scale >= 15, 1000 * np.exp(np.log(6.4) / 27 * (scale - 15)), scale * 200 / 3)).float()


@cache
def _octaves() -> Tensor:
    return (_hertz() / 1000).log2()


@cache
def _envelope(count: int) -> Tensor:
    """The projection on the first cosines: float32 [80, 80]."""
    bands = torch.arange(MELS)
    cosines = torch.cos(pi * (bands[:, None] + 0.5) * bands[None, :count] / MELS)
    cosines = cosines / cosines.norm(dim=0)
    projection: Tensor = cosines @ cosines.T
    return projection


def _formants(levels: Tensor) -> Tensor:
    """What is moved of the levels [F, 80]: coarse where single harmonics stand out, finer above."""
    above = torch.sigmoid(_STEEP * (_octaves() - log2(_RESOLVED / 1000)))  # [80]
    return levels @ (_envelope(_LOW_FORMANTS) * (1 - above) + _envelope(_HIGH_FORMANTS) * above)


def _moved(levels: Tensor, factors: Tensor) -> Tensor:
    """The levels [F, 80] with what is at each frequency moved to `factors` [F] times it; itself where the factor is 1."""
    if bool((factors == 1.0).all()):
        return levels
    hertz = _hertz().numpy()
    source = torch.from_numpy(np.interp(hertz / factors.numpy()[:, None], hertz, np.arange(MELS))).float()  # [F, 80], in bands
    low = source.floor().long().clamp_max(MELS - 2)
    part = source - low
    return levels.gather(1, low) * (1 - part) + levels.gather(1, low + 1) * part


@cache
def _hiss() -> Tensor:
    """Two seconds of hissing noise, the same on every machine: float32 [48000]."""
    drawn = np.frombuffer(hashlib.shake_256(b"breath").digest(2 * (160 * FRAME + 1)), "<u2").astype(np.float32)
    white = drawn / 32768 - 1
    return torch.from_numpy(np.diff(white))
