"""What our worker costs over the engine's own package: `python bench/engines.py`, after `indextts-hub engine install indextts25`.

Generated weights of IndexTTS 2.5 (`tests/synth/engines/tiny25.py`), the same clip and sentences, in turn: the package called by a
program of its own, in its environment, and a worker over the wire. Starting includes the interpreter, imports, the gate and the
load; a sentence is a median of twenty.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import soundfile

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from indextts_hub import Hub  # noqa: E402
from synth.engines.protocol import Segment, Settings  # noqa: E402
from synth.environments import environment_of, interpreter_of, launch_for  # noqa: E402
from synth.worker.process import TimeLimits, Worker  # noqa: E402
from tests.synth.audio.voices import tone  # noqa: E402

SENTENCES = 20
TEXT = "你好，世界。"
DIRECT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import torch
from indextts25 import IndexTTS25
tts = IndexTTS25(sys.argv[1], device="cpu")._tts
def say():
    torch.manual_seed(1)
    with torch.inference_mode():
        for piece in tts.infer_generator(spk_audio_prompt=sys.argv[2], text=sys.argv[3], output_path=None, lang="zh",
                text_normalization=False, interval_silence=0, stream_return=True, max_mel_tokens=60):
            piece.reshape(-1).numpy()
say()
print(json.dumps({"ready": time.time()}), flush=True)
took = []
for _ in range(int(sys.argv[4])):
    began = time.monotonic(); say(); took.append(time.monotonic() - began)
print(json.dumps({"sentences": took}))
"""


def direct(python: Path, weights: Path, clip: Path) -> tuple[float, float]:
    """Seconds to the end of the first sentence from the start of the program, and of a sentence."""
    began = time.time()
    command = [str(python), "-c", DIRECT, str(weights), str(clip), TEXT, str(SENTENCES)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout.splitlines()
    return json.loads(lines[-2])["ready"] - began, statistics.median(json.loads(lines[-1])["sentences"])


async def worker(weights: Path, clip: Path, engines: Path) -> tuple[float, float]:
    """The same of a worker, over the wire."""
    settings, segment = Settings(voice=str(clip), seed=1), Segment(TEXT)

    async def say(made: Worker) -> None:
        async for _ in made.speak([segment], settings):
            pass

    began = time.monotonic()
    made = await Worker.start(launch_for("indextts25", weights, engines), TimeLimits(start=120, segment=60))
    await say(made)
    ready, took = time.monotonic() - began, []
    for _ in range(SENTENCES):
        began = time.monotonic()
        await say(made)
        took.append(time.monotonic() - began)
    await made.stop()
    return ready, statistics.median(took)


def main() -> None:
    """Measure and print."""
    engines = Hub().store.engines
    python = interpreter_of(environment_of("indextts25", engines))
    with tempfile.TemporaryDirectory() as name:
        weights, clip = Path(name) / "weights", Path(name) / "clip.wav"
        weights.mkdir()
        subprocess.run([python, ROOT / "tests/synth/engines/tiny25.py", weights], check=True)
        soundfile.write(clip, tone(24_000, 3.0), 24_000)
        direct(python, weights, clip)
        rows = [(direct(python, weights, clip), asyncio.run(worker(weights, clip, engines))) for _ in range(3)]
    for at, what in enumerate(("start and first sentence", "a sentence")):
        alone, ours = (statistics.median(row[which][at] for row in rows) for which in (0, 1))
        print(f"{what}: {alone * 1e3:.0f} ms alone, {ours * 1e3:.0f} ms by a worker: {(ours - alone) * 1e3:.0f} ms more")


if __name__ == "__main__":
    main()
