"""What Praat hears in samples. Runs in an environment of its own (see `bench/emotion.py`), which has nothing of this project.

    PYTHON bench/praat.py TAKES.npz

The archive holds float32 samples at 24 kHz by key, and under `n|KEY` how many syllables they have. JSON on standard output: the
quantities of each key, in the units of `AUDIBLE` in `bench/emotion.py`, and its mean envelope in dB (`bench/formants.py`).
"""

import json
import sys
from multiprocessing import Pool

import numpy as np
import parselmouth
from formants import RATE, envelope

# Steps of 10 ms that are a pause: the closure of a stop, and what is weak of a consonant, last up to 90 ms.
SHORTEST = 10
# Decibels below the median of what is voiced: below the loudest frame it would depend on how far the loudness moves.
SILENT = 22


def quantities(samples, syllables):
    sound = parselmouth.Sound(samples.astype(float), RATE)
    pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=90, pitch_ceiling=600)
    hertz, times = pitch.selected_array["frequency"], pitch.xs()
    intensity = sound.to_intensity(120, 0.01)
    level = np.interp(times, intensity.xs(), intensity.values[0])
    loud = level > level.max() - 30
    start, end = times[loud][0], times[loud][-1]
    voiced = (hertz > 0) & loud
    semitones, at = 12 * np.log2(hertz[voiced] / 100), times[voiced]
    threshold = np.median(level[voiced]) - SILENT
    silent = run = 0
    for here in level[(times >= start) & (times <= end)]:
        if here < threshold:
            run += 1
            continue
        silent += run if run >= SHORTEST else 0
        run = 0
    harmonicity = sound.to_harmonicity_cc(0.01, 120, 0.1, 1.0)
    ratio = harmonicity.values[0]
    ratio = ratio[(ratio > -100) & (np.interp(harmonicity.xs(), times, level) > level.max() - 25)]
    frames = [samples[i : i + 1024] for i in (at * RATE).astype(int) - 512 if 0 <= i <= len(samples) - 1024]
    power = np.mean([np.abs(np.fft.rfft(frame * np.hanning(1024))) ** 2 for frame in frames], 0)
    hz = np.fft.rfftfreq(1024, 1 / RATE)

    def band(low: float, high: float) -> float:
        return 10 * np.log10(power[(hz >= low) & (hz < high)].sum())

    inside = samples[int(start * RATE) : int(end * RATE)]
    return {
        "rate": syllables / (end - start - silent * 0.01),
        "pause": silent * 0.01,
        "f0": np.median(semitones),
        "f0_range": np.percentile(semitones, 90) - np.percentile(semitones, 10),
        "f0_final": np.median(semitones[at > at[-1] - 0.25]) - np.median(semitones),
        "loudness": 10 * np.log10(np.mean(inside**2)),
        "dynamics": np.std(level[voiced]),
        "tilt": band(1000, 5000) - band(50, 1000),
        "harmonicity": ratio.mean(),
        "envelope": envelope(samples, at[::2], hertz[voiced][::2]).round(2).tolist(),
    }


def main() -> None:
    """Measure every take."""
    takes = np.load(sys.argv[1])
    keys = [key for key in takes.files if not key.startswith("n|")]
    with Pool(2) as pool:
        found = pool.starmap(quantities, [(takes[key], int(takes[f"n|{key}"])) for key in keys], chunksize=8)
    json.dump(dict(zip(keys, found, strict=True)), sys.stdout, default=float)


if __name__ == "__main__":
    main()
