"""How far the formants of a voice are moved, heard by its spectral envelope as a whole. NumPy only.

Single formants, as linear prediction finds them, jump to the nearest harmonic of a high voice, and change their numbers where one
is missed: of a synthetic voice (`tests/bench/test_formants.py`) whose formants were 10 % higher, Praat's medians were 1 to 7 %
lower, and 13 % higher where only the tilt had changed by 3 dB an octave. So the envelope is taken instead, and by how much all its
frequencies are to be multiplied until it lies on another's, as recognisers do to make up for the length of a speaker's vocal tract
(Lee and Rose, "A frequency warping approach to speaker normalization", IEEE Trans. Speech and Audio Processing 6, 1998). No
harmonics are left in it (Morise, "CheapTrick, a spectral envelope estimator for high-quality speech synthesis", Speech
Communication 67, 2015).
"""

import numpy as np

__all__ = ["RATE", "envelope", "moved"]

RATE = 24_000
SIZE = 2048
HERTZ = np.arange(SIZE // 2 + 1) * RATE / SIZE

# Where the first four formants of a woman are; and how far people's tracts differ, by which recognisers look, and a little more.
LOWEST, HIGHEST = 300.0, 5500.0
FARTHEST = 0.16
STEP = 0.005
# How evenly what is compared is laid out over the octaves.
POINTS = np.geomspace(LOWEST, HIGHEST, 200)


def envelope(samples, times, hertz):
    """The mean envelope of a voice, dB [1025] up to half the rate.

    Args:
        samples: float [n] at 24 kHz.
        times: float [N], seconds, of moments that have a pitch.
        hertz: float [N], the pitch there.
    """
    return np.mean([_envelope(samples, at, pitch) for at, pitch in zip(times, hertz, strict=True)], 0)


def moved(of, other):
    """By how many per cent (of the logarithm) the formants lie higher in one envelope [1025] than in the other, -16 to 16.

    Loudness and tilt say nothing.
    """
    # A level and a slope over the octaves are taken out of both.
    line = np.vander(np.log(POINTS / LOWEST), 2)
    line = line @ np.linalg.pinv(line)
    shifts = np.arange(-FARTHEST, FARTHEST + STEP / 2, STEP)
    there = np.interp(POINTS, HERTZ, other)
    here = np.interp(POINTS * np.exp(shifts[:, None]), HERTZ, of)  # [shifts, points]
    there, here = there - line @ there, here - here @ line
    likeness = here @ there / (np.linalg.norm(here, axis=1) * np.linalg.norm(there))
    best = int(np.clip(likeness.argmax(), 1, len(shifts) - 2))
    before, at, behind = likeness[best - 1 : best + 2]
    curve = before - 2 * at + behind
    return 100 * (shifts[best] + (STEP * np.clip((before - behind) / (2 * curve), -1, 1) if curve < 0 else 0.0))


def _envelope(samples, at, pitch):
    """Morise's three steps: a window of three periods, power evened over two thirds of the pitch, a logarithm without harmonics."""
    half = round(1.5 * RATE / pitch)
    offsets = np.arange(-half, half + 1)
    window = 0.5 + 0.5 * np.cos(np.pi * offsets / half)
    piece = samples[np.clip(round(at * RATE) + offsets, 0, len(samples) - 1)] * window
    piece = piece - window * piece.sum() / window.sum()
    power = np.abs(np.fft.rfft(piece, SIZE)) ** 2
    # What lies below the pitch is what lies as far below the mirror in it: the window took it away with the mean.
    low = pitch > HERTZ
    power[low] += np.interp(pitch - HERTZ[low], HERTZ, power)
    mirrored = np.concatenate([power[:0:-1], power, power[-2::-1]])
    edges = (np.arange(len(mirrored) + 1) - SIZE // 2 - 0.5) * RATE / SIZE
    summed = np.concatenate([[0.0], np.cumsum(mirrored)])
    even = np.interp(HERTZ + pitch / 3, edges, summed) - np.interp(HERTZ - pitch / 3, edges, summed)
    delays = np.minimum(np.arange(SIZE), SIZE - np.arange(SIZE)) / RATE
    lifter = np.sinc(pitch * delays) * (1.18 - 0.18 * np.cos(2 * np.pi * pitch * delays))
    return 10 / np.log(10) * np.fft.rfft(np.fft.irfft(np.log(np.maximum(even, 1e-20))) * lifter).real
