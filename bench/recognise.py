"""What Whisper reads back from samples. Runs in an environment of its own (see `bench/understood.py`), without this project.

    PYTHON bench/recognise.py MODEL TAKES.npz

The archive holds float32 samples at 24 kHz by key. JSON on standard output: the text of each key.
"""

import io
import json
import sys
import wave

import numpy as np
from faster_whisper import WhisperModel, decode_audio
from opencc import OpenCC

RATE = 24_000


def clip(samples: np.ndarray) -> io.BytesIO:
    """The samples as a file, to be resampled by the recogniser's own reader."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, RATE, 0, "NONE", ""))
        written.writeframes((samples.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
    file.seek(0)
    return file


def main() -> None:
    """Recognise every take: the likeliest text, nothing drawn. In simplified characters: some others are read otherwise."""
    simplified = OpenCC("t2s")
    model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8")
    takes = np.load(sys.argv[2])
    found = {}
    for key in takes.files:
        heard, _ = model.transcribe(decode_audio(clip(takes[key])), language="zh", temperature=0.0)
        found[key] = simplified.convert("".join(piece.text for piece in heard))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
