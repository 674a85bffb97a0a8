"""Whether the emotions of `lite` can be told apart, and grow with intensity: an independent measurement by Praat.

    python bench/emotion.py --praat PYTHON [--snapshot FOLDER] [--json]

Praat comes as `praat-parselmouth`, which is GPL and therefore no dependency of this project: PYTHON is the interpreter of an
environment of its own that has it, and nothing of the project is imported there.

    python -m venv /tmp/praat && /tmp/praat/bin/pip install praat-parselmouth numpy

The sentences of `TOLD_APART` were not used for choosing the profiles; those of `TUNED_ON` give each emotion's centre. A sentence is
recognised if the centre nearest to it is its own, in deviations within an emotion (Mahalanobis' distance, one covariance for all):
once against the same sentence in neutral, as one hears a voice that one knows, and once as it stands, neutral among them. Growth is
Spearman's rank correlation of intensity (0, 0.1, … 1) with each quantity's mean over five sentences; quantities that move less than
`AUDIBLE` are not counted. Formants are not heard by Praat but by `formants.py`: how far they lie from those of the same sentence in
neutral, or as it stands, from those of neutral in the mean.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from formants import moved
from numpy.typing import NDArray

TUNED_ON = (
    "今天天气非常好，我们一起去公园散步吧。",
    "他说的这句话让我非常感动。",
    "请在下午三点半之前，把文件送到银行。",
    "你知道吗，我们家的小狗会开门了。",
    "我把钥匙忘在办公室里了。",
    "新来的同事，是从上海调过来的。",
    "这家餐馆的面条做得很地道。",
    "外面下着大雪，路上几乎没有车。",
    "他们两个人从小就认识。",
    "等你有空的时候，给我打个电话。",
    "飞机晚点了，我们在机场等了三个小时。",
    "这本书我已经看完一半了。",
    "妹妹把房间打扫得干干净净。",
    "如果明天不下雨，我们就去爬山。",
    "会议室的灯还亮着。",
    "他买了一辆新的自行车，颜色是蓝的。",
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
TOLD_APART = (
    "我们学校的操场正在重新铺草皮。",
    "昨晚的电影，讲的是一个渔村的故事。",
    "桌子上放着两杯茶和一盘点心。",
    "从这里走到车站，大约要十分钟。",
    "弟弟把作业写完了才去踢球。",
    "那座桥是三十年前修的。",
    "听说你们公司要搬到南边去。",
    "鸡蛋和牛奶都在冰箱里。",
    "他每天早上跑步，晚上看书。",
    "这张照片，是我奶奶年轻的时候拍的。",
    "水开了以后，把面放进锅里。",
    "街角新开了一家花店。",
    "司机说前面堵车，得绕一下路。",
    "她学了五年钢琴，弹得很好。",
    "你把雨伞落在教室里了。",
    "秋天的山上，到处是红色的叶子。",
    "大家都同意这个办法。",
    "隔壁的王叔叔，昨天从国外回来了。",
    "我想买一双结实的鞋。",
    "表上的时间慢了五分钟。",
)
GROWN = 5
STEPS = 11
NEUTRAL = "neutral"

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

Vectors = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Takes:
    """What is heard of takes: Praat's quantities [takes, 9], in the order of `AUDIBLE`, and their envelopes [takes, 1025]."""

    heard: Vectors
    envelopes: Vectors

    def beside(self, neutral: Vectors) -> Vectors:
        """All ten quantities as they stand; the formants against one envelope [1025]."""
        return np.column_stack([self.heard, [moved(one, neutral) for one in self.envelopes]])

    def against(self, same: "Takes") -> Vectors:
        """All ten quantities, [takes, 10], against another take of the same sentence each."""
        shifts = [moved(one, other) for one, other in zip(self.envelopes, same.envelopes, strict=True)]
        return np.column_stack([self.heard - same.heard, shifts])


def speak_all(snapshot: Path, into: Path) -> None:
    """Write every take that is measured."""
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

    for label in (NEUTRAL, *EMOTIONS):
        for part, texts in (("tuned", TUNED_ON), ("told", TOLD_APART)):
            for number, text in enumerate(texts):
                take(f"{part}|{label}|{number}", text, label, 1.0)
    for label in EMOTIONS:
        for number, text in enumerate(TOLD_APART[:GROWN]):
            for step in range(STEPS):
                take(f"grown|{label}|{number}|{step}", text, label, step / (STEPS - 1))
    np.savez(into, **takes)


def sorted_out(measured: dict[str, dict[str, float | list[float]]]) -> dict[str, dict[str, Takes]]:
    """The takes by part and label; of the growing ones sentence after sentence, each step by step."""
    rows: dict[str, dict[str, list[dict[str, float | list[float]]]]] = defaultdict(lambda: defaultdict(list))
    for key, of in measured.items():
        part, label, *_ = key.split("|")
        rows[part][label].append(of)
    return {part: {label: together(of) for label, of in labels.items()} for part, labels in rows.items()}


def together(takes: list[dict[str, float | list[float]]]) -> Takes:
    names = [name for name in AUDIBLE if name != "formants"]
    return Takes(np.array([[of[name] for name in names] for of in takes]), np.array([of["envelope"] for of in takes]))


def told_apart(tuned: dict[str, Vectors], told: dict[str, Vectors]) -> tuple[int, int]:
    """How many takes are nearest to the centre of their own label, and of how many."""
    centres = {label: of.mean(0) for label, of in tuned.items()}
    within = np.concatenate([of - centres[label] for label, of in tuned.items()])
    apart = np.linalg.inv(within.T @ within / (len(within) - len(centres)))

    def nearest(take: Vectors) -> str:
        return min(centres, key=lambda label: float((take - centres[label]) @ apart @ (take - centres[label])))

    right = [nearest(take) == label for label, of in told.items() for take in of]
    return sum(right), len(right)


def against_neutral(takes: dict[str, Takes]) -> dict[str, Vectors]:
    """What each emotion changes of the same sentence."""
    return {label: of.against(takes[NEUTRAL]) for label, of in takes.items() if label != NEUTRAL}


def growth(grown: dict[str, Takes]) -> dict[str, float]:
    """Spearman's rank correlation with intensity of every quantity that moves audibly."""
    found = {}
    for label, of in grown.items():
        none = np.repeat(np.arange(0, len(of.heard), STEPS), STEPS)
        means = of.against(Takes(of.heard[none], of.envelopes[none])).reshape(-1, STEPS, len(AUDIBLE)).mean(0)
        for column, (name, audible) in enumerate(AUDIBLE.items()):
            if abs(means[-1, column]) >= audible:
                ranks = means[:, column].argsort().argsort()
                found[f"{label} {name}"] = abs(float(np.corrcoef(ranks, np.arange(STEPS))[0, 1]))
    return found


def judge(measured: dict[str, dict[str, float | list[float]]]) -> dict[str, object]:
    """Hold the measured quantities against what emotions should do."""
    parts = sorted_out(measured)
    tuned, told = parts["tuned"], parts["told"]
    usual = tuned[NEUTRAL].envelopes.mean(0)
    alone = [{label: of.beside(usual) for label, of in part.items()} for part in (tuned, told)]
    grows = growth(parts["grown"])
    return {
        "recognised_against_neutral": told_apart(against_neutral(tuned), against_neutral(told)),
        "recognised_as_it_stands": told_apart(*alone),
        "growing": sum(value > 0.9 for value in grows.values()),
        "audible_quantities": len(grows),
        "not_growing": {name: round(value, 2) for name, value in grows.items() if value <= 0.9},
        "full_minus_neutral": {
            label: dict(zip(AUDIBLE, of.mean(0).round(2).tolist(), strict=True)) for label, of in against_neutral(tuned).items()
        },
    }


def main() -> None:
    """Speak, have Praat measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--praat", required=True, help="an interpreter with praat-parselmouth and numpy")
    parser.add_argument("--snapshot", type=Path, help="folder of lite; pulled if it is not given")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.snapshot is None:
        from indextts_hub import Hub

        chosen.snapshot = Hub().pull("lite").path
    with tempfile.TemporaryDirectory() as folder:
        takes = Path(folder) / "takes.npz"
        speak_all(chosen.snapshot, takes)
        command = [chosen.praat, str(Path(__file__).with_name("praat.py")), str(takes)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=1800, cwd=folder)
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
