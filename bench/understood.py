"""How well `lite` is understood: a recogniser reads back what was spoken, and syllables that it heard wrong are counted.

    python bench/understood.py --whisper PYTHON MODEL [--snapshot FOLDER] [--speed FACTOR …] [--json]

Whisper comes as `faster-whisper`: PYTHON is the interpreter of an environment of its own that has it, MODEL a folder of weights or
a name that it downloads, and nothing of the project is imported there.

    python -m venv /tmp/whisper && /tmp/whisper/bin/pip install faster-whisper opencc-python-reimplemented

Errors are Levenshtein's distance between syllables without their tones, by those that were to be said: what a recogniser knows
of words helps it little there, and homophones are no errors. Numbers are written out in both.

ours:      in neutral, in every emotion at full intensity, and in neutral at each speed that is named.
reference: the frozen first port (`bench/synth/reference`), which is held to what the original runtime computes.
original:  the original runtime's vocoder with the reference's mels, where `ai-edge-litert` is installed beside this project; its
           other half does not run without TensorFlow.

Neutral, reference and original say all sentences of `bench/emotion.py`, the rest those that its profiles were not tuned on. The
difference to neutral is paired, sentence by sentence, with its standard error.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from emotion import NEUTRAL, TOLD_APART, TUNED_ON
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).with_name("synth")))

ALL = TOLD_APART + TUNED_ON
Samples = NDArray[np.float32]


def spoken(snapshot: Path, speeds: Sequence[float]) -> Iterator[tuple[str, Samples]]:
    """Every take by its key, `WHO|NUMBER`, at 24 kHz."""
    from reference import Reference

    from synth.emotion import EMOTIONS
    from synth.engines.fastspeech2.engine import load
    from synth.engines.protocol import Segment, Settings
    from synth.text.pinyin import to_syllables

    engine, reference = load(snapshot), Reference(snapshot)
    vocode = original_vocoder(snapshot)

    def ours(text: str, settings: Settings) -> Samples:
        return np.frombuffer(engine.speak(Segment(text), settings).samples, "<f4")

    for number, text in enumerate(ALL):
        yield f"{NEUTRAL}|{number}", ours(text, Settings())
        acoustic = reference.acoustic
        mel = acoustic.decode(acoustic.predict(torch.tensor(engine.mapper.spell(to_syllables(text)).ids))).mel
        yield f"reference|{number}", reference.vocoder.speak(mel).numpy()
        if vocode is not None:
            yield f"original|{number}", vocode(mel.numpy())
    for number, text in enumerate(TOLD_APART):
        for label in EMOTIONS:
            yield f"{label}|{number}", ours(text, Settings(emotion=tuple(float(name == label) for name in EMOTIONS)))
        for speed in speeds:
            yield f"neutral at {speed:g}|{number}", ours(text, Settings(speed=speed))


def original_vocoder(snapshot: Path) -> Callable[[Samples], Samples] | None:
    """TensorFlow Lite, from a mel [F, 80] to samples; None where it is not installed."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        return None
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(str(snapshot / "mb_melgan.tflite"), num_threads=1)
    place, result = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

    def vocode(mel: Samples) -> Samples:
        network.resize_tensor_input(place, (1, *mel.shape))
        network.allocate_tensors()
        network.set_tensor(place, mel[None])
        network.invoke()
        samples: Samples = network.get_tensor(result).reshape(-1)
        return samples

    return vocode


def syllables(text: str) -> list[str]:
    """Toneless pinyin of what is Chinese in a text, numbers written out."""
    from pypinyin import lazy_pinyin

    from synth.text.normalise import written_out

    return [syllable for syllable in lazy_pinyin(written_out(text).text, errors="ignore") if syllable]


def distance(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's: the fewest syllables to replace, leave out and put in."""
    row = list(range(len(heard) + 1))
    for i, one in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def judge(heard: dict[str, str]) -> dict[str, dict[str, float]]:
    """Of each voice: per cent of syllables wrong, and points above neutral for the same sentences, with the standard error."""
    wrong: dict[str, dict[int, int]] = {}
    said = [syllables(text) for text in ALL]
    for key, text in heard.items():
        who, number = key.split("|")
        wrong.setdefault(who, {})[int(number)] = distance(said[int(number)], syllables(text))
    found = {}
    for who, errors in wrong.items():
        count = sum(len(said[number]) for number in errors)
        more = np.array([errors[number] - wrong[NEUTRAL][number] for number in errors])
        found[who] = {
            "sentences": len(errors),
            "wrong": round(100 * sum(errors.values()) / count, 2),
            "above_neutral": round(100 * float(more.sum()) / count, 2),
            "standard_error": round(100 * float(more.std(ddof=1)) * len(more) ** 0.5 / count, 2),
        }
    return found


def main() -> None:
    """Speak, have Whisper listen, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whisper", nargs=2, required=True, metavar=("PYTHON", "MODEL"))
    parser.add_argument("--snapshot", type=Path, help="folder of lite; pulled if it is not given")
    parser.add_argument("--speed", type=float, nargs="*", default=[], help="further speeds, in neutral")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.snapshot is None:
        from indextts_hub import Hub

        chosen.snapshot = Hub().pull("lite").path
    interpreter, model = chosen.whisper
    with tempfile.TemporaryDirectory() as folder:
        takes = Path(folder) / "takes.npz"
        np.savez(takes, **dict(spoken(chosen.snapshot, chosen.speed)))
        command = [interpreter, str(Path(__file__).with_name("recognise.py")), model, str(takes)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=7200, cwd=folder)
    found = judge(json.loads(done.stdout))
    if chosen.json:
        print(json.dumps(found, indent=2))
        return
    for who, of in found.items():
        difference = "" if who == NEUTRAL else f", {of['above_neutral']:+.1f} ± {of['standard_error']:.1f} against neutral"
        print(f"{who}: {of['wrong']:.1f} % of syllables wrong in {of['sentences']} sentences{difference}")


if __name__ == "__main__":
    sys.exit(main())
