"""What a clip of speech sounds like: pitch, pace, loudness and voice, frame by frame and as a whole. NumPy only.

samples → frames of 10 ms → pitch and level of each → nuclei of syllables → the quantities of the whole
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RATE", "Heard", "Track", "heard", "tracked"]

RATE = 16_000
"""Samples a second of what is listened to."""

_STEP = 160  # 10 ms
_WINDOW = 640  # 40 ms: three periods of a low voice, as Boersma (1993) asks for
_LOWEST, _HIGHEST = 75, 600  # Hz
# How like itself a frame is one period later, if it has a pitch; and what an octave higher must be worth more to be left.
_VOICED = 0.5
_OCTAVE_COST = 0.03
# Below the loudest frame, in dB: no speech.
_SILENT = 30.0
# De Jong and Wempe, "Praat script to detect syllable nuclei and measure speech rate automatically" (2009): a nucleus is a voiced
# peak of the level behind which it falls by 2 dB.
_DIP = 2.0
# A closure of a consonant is no pause; 100 ms are.
_PAUSE = 10
# At the end the pitch is that of its last quarter of a second.
_FINAL = 25

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Track:
    """A clip frame by frame, every 10 ms.

    Attributes:
        hertz: float64 [N], the pitch; 0 where there is none.
        level: float64 [N], dB, in no unit.
        likeness: float64 [N], 0 to 1: how like itself it is one period later; only where there is a pitch.
    """

    hertz: Floats
    level: Floats
    likeness: Floats


@dataclass(frozen=True, slots=True)
class Heard:
    """A clip as a whole.

    Attributes:
        rate: nuclei of syllables a second of speech.
        pauses: seconds of silence for each second of speech between its first sound and its last.
        pitch: semitones over 100 Hz, the median.
        pitch_range: semitones from the tenth to the ninetieth percentile.
        final_pitch: semitones, of its last quarter of a second over the median.
        dynamics: dB, the level's standard deviation over voiced frames.
        tilt: dB, 1 to 5 kHz over what is below, the mean over voiced frames.
        harmonicity: dB, harmonics over noise.
    """

    rate: float
    pauses: float
    pitch: float
    pitch_range: float
    final_pitch: float
    dynamics: float
    tilt: float
    harmonicity: float


def tracked(samples: NDArray[np.float32]) -> Track:
    """Follow a clip.

    Args:
        samples: float32 [n] at 16 kHz, at least 40 ms.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), _WINDOW)[::_STEP]  # [N, window]
    frames = frames - frames.mean(1, keepdims=True)
    window = np.hanning(_WINDOW)
    size = 2 * _WINDOW
    # Boersma, "Accurate short-term analysis of the fundamental frequency" (1993): the autocorrelation, by that of the window.
    powers = np.abs(np.fft.rfft(frames * window, size)) ** 2
    own = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2)
    lags = np.arange(RATE // _HIGHEST, RATE // _LOWEST + 1)
    correlation = np.fft.irfft(powers)[:, : lags[-1] + 2]
    likeness = correlation / np.maximum(correlation[:, :1], 1e-12) * (own[0] / own[: lags[-1] + 2])
    worth = likeness[:, lags] - _OCTAVE_COST * np.log2(lags / lags[0])
    peaks = (likeness[:, lags] >= likeness[:, lags - 1]) & (likeness[:, lags] >= likeness[:, lags + 1])
    best = np.where(peaks, worth, -1.0).argmax(1)
    rows = np.arange(len(frames))
    before, at, behind = (likeness[rows, lags[best] + shift] for shift in (-1, 0, 1))
    curve = np.minimum(before - 2 * at + behind, -1e-12)
    hertz = RATE / (lags[best] + np.clip((before - behind) / (2 * curve), -0.5, 0.5))
    level = 10 * np.log10(np.maximum((frames * window).var(1), 1e-12))
    voiced = (at >= _VOICED) & peaks[rows, best] & (level > level.max() - _SILENT)
    return Track(np.where(voiced, hertz, 0.0), level, np.clip(at, 0.0, 1.0) * voiced)


def heard(samples: NDArray[np.float32]) -> Heard | None:
    """Listen to a clip; None if there is too little voice in it to say anything.

    Args:
        samples: float32 [n] at 16 kHz.
    """
    if len(samples) < 2 * _WINDOW:
        return None
    track = tracked(samples)
    voiced = track.hertz > 0
    if voiced.sum() < 2 * _FINAL:
        return None
    loud = np.flatnonzero(track.level > track.level.max() - _SILENT)
    inside = slice(int(loud[0]), int(loud[-1]) + 1)
    silent = _silent_frames(track.level[inside] < track.level.max() - _SILENT)
    spoken = (inside.stop - inside.start - silent) * _STEP / RATE
    semitones = 12 * np.log2(track.hertz[voiced] / 100)
    ends = np.flatnonzero(voiced) > np.flatnonzero(voiced)[-1] - _FINAL
    likeness = np.clip(track.likeness[voiced], 0.01, 0.999)
    return Heard(
        rate=_nuclei(track.level[inside], voiced[inside]) / spoken,
        pauses=silent * _STEP / RATE / spoken,
        pitch=float(np.median(semitones)),
        pitch_range=float(np.subtract(*np.percentile(semitones, [90, 10]))),
        final_pitch=float(np.median(semitones[ends]) - np.median(semitones)),
        dynamics=float(track.level[voiced].std()),
        tilt=_tilt(samples, voiced),
        harmonicity=float(np.mean(10 * np.log10(likeness / (1 - likeness)))),
    )


def _silent_frames(silent: NDArray[np.bool_]) -> int:
    """Frames that are part of a pause."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    return int(runs[runs >= _PAUSE].sum())


def _nuclei(level: Floats, voiced: NDArray[np.bool_]) -> int:
    even = np.convolve(level, np.hanning(7) / np.hanning(7).sum(), mode="same")
    peaks = np.flatnonzero((even[1:-1] >= even[:-2]) & (even[1:-1] > even[2:])) + 1
    nuclei, lowest_since = 0, np.inf
    last = 0
    for peak in peaks:
        lowest_since = even[last : peak + 1].min()
        if voiced[peak] and (nuclei == 0 or even[peak] - lowest_since >= _DIP):
            nuclei += 1
            last = int(peak)
    return nuclei


def _tilt(samples: NDArray[np.float32], voiced: NDArray[np.bool_]) -> float:
    """Frame by frame where there is a voice: in the mean power, one hiss or one vowel would say more than the mood."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_STEP][voiced] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2  # [voiced, 321]
    hertz = np.fft.rfftfreq(_WINDOW, 1 / RATE)
    high, low = (power[:, (hertz >= a) & (hertz < b)].sum(1) for a, b in ((1000, 5000), (50, 1000)))
    return float(np.mean(10 * np.log10(np.maximum(high, 1e-12) / np.maximum(low, 1e-12))))
