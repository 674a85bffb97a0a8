"""Whether the emotions of `lite` can be told apart, and grow with intensity: an independent measurement by Praat.

    python bench/emotion.py --praat PYTHON [--snapshot FOLDER] [--sentences N] [--json]

Praat comes as `praat-parselmouth`, which is GPL and therefore no dependency of this project: PYTHON is the interpreter of an
environment of its own that has it and scipy, and nothing of the project is imported there.

    python -m venv /tmp/praat && /tmp/praat/bin/pip install praat-parselmouth scipy

The sentences of `TOLD_APART` were not used for choosing the profiles; those of `TUNED_ON` give each emotion's centre. A sentence is
recognised if the centre nearest to it, in deviations within an emotion, is its own: once against the same sentence in neutral, as
one hears a voice that one knows, and once as it stands. Growth is Spearman's rank correlation of intensity (0, 0.1, … 1) with each
quantity's mean over three sentences; quantities that move less than `AUDIBLE` are not counted.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TUNED_ON = (
    "今天天气非常好，我们一起去公园散步吧。",
    "他说的这句话让我非常感动。",
    "请在下午三点半之前，把文件送到银行。",
    "你知道吗，我们家的小狗会开门了。",
)
TOLD_APART = (
    "图书馆里有很多孩子在看书。",
    "明天早上八点，火车从北京出发。",
    "这个问题需要大家一起来讨论。",
    "她把窗户打开，看着外面的雨。",
    "老师说，考试的时间改到了星期五。",
    "我昨天在路上遇见了一位老朋友。",
    "晚饭已经做好了，快来吃吧。",
    "这条河的水很清，可以看见鱼。",
    "医生让他多喝水，早点休息。",
    "春天来了，花园里的花都开了。",
)
RATE = 24_000

# Runs in the other environment: reads an .npz of samples, `KEY` and `n|KEY` (how many syllables), writes quantities as JSON.
MEASURE = """
import json, sys
import numpy as np, parselmouth

def quantities(samples, syllables):
    sound = parselmouth.Sound(samples.astype(float), 24000)
    pitch = sound.to_pitch_ac(time_step=0.01, pitch_floor=120, pitch_ceiling=600)
    hertz, times = pitch.selected_array["frequency"], pitch.xs()
    intensity = sound.to_intensity(120, 0.01)
    level = np.interp(times, intensity.xs(), intensity.values[0])
    loud = level > level.max() - 30
    start, end = times[loud][0], times[loud][-1]
    voiced = (hertz > 0) & loud
    semitones, at = 12 * np.log2(hertz[voiced] / 100), times[voiced]
    silent = run = 0
    for here in level[(times >= start) & (times <= end)]:
        if here < level.max() - 28:
            run += 1
            continue
        silent += run if run >= 6 else 0
        run = 0
    harmonicity = sound.to_harmonicity_cc(0.01, 120, 0.1, 1.0)
    ratio = harmonicity.values[0]
    ratio = ratio[(ratio > -100) & (np.interp(harmonicity.xs(), times, level) > level.max() - 25)]
    frames = [samples[i : i + 1024] for i in (at * 24000).astype(int) - 512 if 0 <= i <= len(samples) - 1024]
    power = np.mean([np.abs(np.fft.rfft(frame * np.hanning(1024))) ** 2 for frame in frames], 0)
    hz = np.fft.rfftfreq(1024, 1 / 24000)
    band = lambda low, high: 10 * np.log10(power[(hz >= low) & (hz < high)].sum())
    burg = sound.to_formant_burg(0.01, 5, 5500, 0.025, 50)
    formants = [np.nanmedian([np.log(burg.get_value_at_time(k, t)) for t in at[::2]]) for k in (1, 2, 3)]
    inside = samples[int(start * 24000) : int(end * 24000)]
    return {
        "rate": syllables / (end - start - silent * 0.01),
        "pause": silent * 0.01,
        "f0": np.median(semitones),
        "f0_range": np.percentile(semitones, 90) - np.percentile(semitones, 10),
        "f0_final": np.median(semitones[at > at[-1] - 0.25]) - np.median(semitones),
        "loudness": 10 * np.log10(np.mean(inside ** 2)),
        "dynamics": np.std(level[voiced]),
        "tilt": band(1000, 5000) - band(50, 1000),
        "harmonicity": ratio.mean(),
        "formants": 100 * np.mean(formants),
    }

takes = np.load(sys.argv[1])
found = {key: quantities(takes[key], int(takes["n|" + key])) for key in takes.files if not key.startswith("n|")}
json.dump({key: {name: float(value) for name, value in of.items()} for key, of in found.items()}, sys.stdout)
"""

# What one hears, roughly: syllables a second, seconds, semitones, semitones, semitones, dB, dB, dB, dB, per cent.
AUDIBLE = {
    "rate": 0.2,
    "pause": 0.05,
    "f0": 0.5,
    "f0_range": 1.0,
    "f0_final": 1.0,
    "loudness": 1.0,
    "dynamics": 0.3,
    "tilt": 1.0,
    "harmonicity": 1.0,
    "formants": 2.0,
}


def speak_all(snapshot: Path, sentences: int, into: Path) -> None:
    """Write every take that is measured."""
    import numpy as np

    from synth.emotion import EMOTIONS
    from synth.engines.fastspeech2.engine import load
    from synth.engines.protocol import Segment, Settings
    from synth.text.pinyin import Syllable, to_syllables

    engine = load(snapshot)
    takes = {}

    def take(key: str, text: str, label: str, intensity: float) -> None:
        settings = Settings(emotion=tuple(intensity if name == label else 0.0 for name in EMOTIONS))
        takes[key] = np.frombuffer(engine.speak(Segment(text), settings).samples, "<f4")
        takes[f"n|{key}"] = np.array(sum(isinstance(sound, Syllable) for sound in to_syllables(text)))

    for label in ("neutral", *EMOTIONS):
        for part, texts in (("tuned", TUNED_ON), ("told", TOLD_APART[:sentences])):
            for number, text in enumerate(texts):
                take(f"{part}|{label}|{number}", text, label, 1.0)
        for step in range(11 if label != "neutral" else 0):
            for number, text in enumerate(TOLD_APART[:3]):
                take(f"grown|{label}|{step}|{number}", text, label, step / 10)
    np.savez(into, **takes)


def judge(measured: dict[str, dict[str, float]]) -> dict[str, object]:
    """Hold the measured quantities against what emotions should do."""
    import numpy as np

    names = list(AUDIBLE)
    parts: dict[str, dict[str, dict[str, list]]] = {}
    for key, of in measured.items():
        part, label, number, *_ = key.split("|")
        parts.setdefault(part, {}).setdefault(label, {}).setdefault(number, []).append([of[name] for name in names])

    def told_apart(against_neutral: bool) -> tuple[int, int]:
        def differences(part: str) -> dict[str, np.ndarray]:
            takes = {label: np.array([take[0] for take in of.values()]) for label, of in parts[part].items()}
            if against_neutral:
                takes = {label: of - takes["neutral"] for label, of in takes.items() if label != "neutral"}
            return takes

        tuned, told = differences("tuned"), differences("told")
        centres = {label: of.mean(0) for label, of in tuned.items()}
        deviation = np.sqrt(np.mean([of.var(0) for of in tuned.values()], 0))
        right = [
            label == min(centres, key=lambda name: np.sum(((take - centres[name]) / deviation) ** 2))
            for label, of in told.items()
            for take in of
        ]
        return sum(right), len(right)

    growth = {}
    for label, steps in parts["grown"].items():
        means = np.array([np.mean(steps[str(step)], 0) for step in range(len(steps))])
        for column, name in enumerate(names):
            if abs(means[-1, column] - means[0, column]) >= AUDIBLE[name]:
                ranks = means[:, column].argsort().argsort()
                growth[f"{label} {name}"] = abs(float(np.corrcoef(ranks, np.arange(len(means)))[0, 1]))
    return {
        "recognised_against_neutral": told_apart(True),
        "recognised_as_it_stands": told_apart(False),
        "growing": sum(value > 0.9 for value in growth.values()),
        "audible_quantities": len(growth),
        "not_growing": {name: round(value, 2) for name, value in growth.items() if value <= 0.9},
        "full_minus_neutral": {
            label: {
                name: round(float(np.mean([np.subtract(of[k][0], parts["tuned"]["neutral"][k][0]) for k in of], 0)[column]), 2)
                for column, name in enumerate(names)
            }
            for label, of in parts["tuned"].items()
        },
    }


def main() -> None:
    """Speak, have Praat measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--praat", required=True, help="an interpreter with praat-parselmouth and numpy")
    parser.add_argument("--snapshot", type=Path, help="folder of lite; pulled if it is not given")
    parser.add_argument("--sentences", type=int, default=len(TOLD_APART))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.snapshot is None:
        from indextts_hub import Hub

        chosen.snapshot = Hub().pull("lite").path
    with tempfile.TemporaryDirectory() as folder:
        takes = Path(folder) / "takes.npz"
        speak_all(chosen.snapshot, chosen.sentences, takes)
        command = [chosen.praat, "-c", MEASURE, str(takes)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=900, cwd=folder)
    found = judge(json.loads(done.stdout))
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    for name, (right, of) in ((name, found[f"recognised_{name}"]) for name in ("against_neutral", "as_it_stands")):
        print(f"recognised {name.replace('_', ' ')}: {right} of {of}")
    print(
        f"grows with intensity: {found['growing']} of {found['audible_quantities']} audible quantities; not: {found['not_growing']}"
    )
    width = max(map(len, AUDIBLE))
    print("at full intensity against neutral:", *(f"{name:>{width}}" for name in AUDIBLE))
    for label, of in found["full_minus_neutral"].items():
        print(f"{label:>33}", *(f"{value:+{width}.2f}" for value in of.values()))


if __name__ == "__main__":
    sys.exit(main())
