"""What our worker costs over the engines' own packages: `python bench/engines.py [ENGINES]`, after `engine install` of one or both.

Generated weights (`tests/synth/engines/tiny25.py`, `tiny2.py`), the same clip and sentence, in turn: the package called by a
program of its own, in the same environment, and a worker over the wire. Starting includes the interpreter, imports, the gate and
the load, up to the end of the first sentence. Medians, and the least of each: other programs may be running.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import soundfile

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from indextts_hub import Hub  # noqa: E402
from synth.engines.protocol import Segment, Settings  # noqa: E402
from synth.environments import environment_of, interpreter_of, is_installed, launch_for  # noqa: E402
from synth.worker.process import TimeLimits, Worker  # noqa: E402
from tests.synth.audio.voices import tone  # noqa: E402

RUNS = 5
SENTENCES = 20
TEXT = "你好，世界。"
SAY = """
def say():
    torch.manual_seed(1)
    with torch.inference_mode():
        for piece in tts.infer_generator(spk_audio_prompt=sys.argv[2], text=sys.argv[3], output_path=None, interval_silence=0,
                stream_return=True, max_mel_tokens=60, **more):
            if isinstance(piece, torch.Tensor):
                piece.reshape(-1).numpy()
say()
print(json.dumps({"ready": time.time()}), flush=True)
took = []
for _ in range(int(sys.argv[4])):
    began = time.perf_counter(); say(); took.append(time.perf_counter() - began)
print(json.dumps({"sentences": took}))
"""
DIRECT = {
    "indextts25": """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import torch
from indextts25 import IndexTTS25
tts, more = IndexTTS25(sys.argv[1], device="cpu")._tts, {"lang": "zh", "text_normalization": False}
"""
    + SAY,
    # As it is, the package can't be imported here: it gets the same stand-ins, and the same cache.
    "indextts2": """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import torch
from synth.engines.indextts2 import engine, package
with engine._cache(Path(sys.argv[1])):
    tts, more = package.infer.IndexTTS2(sys.argv[1], device="cpu"), {}
"""
    + SAY,
}
TINY = {"indextts25": "tiny25.py", "indextts2": "tiny2.py"}


@dataclass(frozen=True)
class Took:
    """Seconds: to the end of the first sentence, and of each further one."""

    ready: float
    sentences: list[float]


def direct(engine: str, python: Path, weights: Path, clip: Path) -> Took:
    """A program of its own that calls the package."""
    began = time.time()
    command = [str(python), "-c", DIRECT[engine], str(weights), str(clip), TEXT, str(SENTENCES)]
    # As the worker has it: threads that wait for each other do not keep a core busy.
    calm = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600, cwd=ROOT, env=calm)
    lines = done.stdout.splitlines()
    return Took(json.loads(lines[-2])["ready"] - began, json.loads(lines[-1])["sentences"])


async def worker(engine: str, weights: Path, clip: Path, engines: Path) -> Took:
    """The same of a worker, over the wire."""
    settings, segment = Settings(voice=str(clip), seed=1), Segment(TEXT)

    async def say(made: Worker) -> None:
        async for _ in made.speak([segment], settings):
            pass

    began = time.monotonic()
    made = await Worker.start(launch_for(engine, weights, engines), TimeLimits(start=300, segment=120))
    await say(made)
    ready, took = time.monotonic() - began, []
    for _ in range(SENTENCES):
        began = time.perf_counter()
        await say(made)
        took.append(time.perf_counter() - began)
    await made.stop()
    return Took(ready, took)


def measure(engine: str, engines: Path, folder: Path) -> None:
    """Measure one engine, and print."""
    python = interpreter_of(environment_of(engine, engines))
    weights, clip = folder / engine, folder / "clip.wav"
    subprocess.run([python, ROOT / "tests/synth/engines" / TINY[engine], weights], check=True, capture_output=True)
    soundfile.write(clip, tone(24_000, 3.0), 24_000)
    direct(engine, python, weights, clip)
    rows = [(direct(engine, python, weights, clip), asyncio.run(worker(engine, weights, clip, engines))) for _ in range(RUNS)]
    for what, of in (("start and first sentence", lambda took: [took.ready]), ("a sentence", lambda took: took.sentences)):
        alone, ours = ([value for row in rows for value in of(row[which])] for which in (0, 1))
        for name, chosen in (("median", statistics.median), ("least", min)):
            more = chosen(ours) - chosen(alone)
            said = f"{chosen(alone) * 1e3:.0f} ms alone, {chosen(ours) * 1e3:.0f} ms by a worker: {more * 1e3:+.0f} ms"
            print(f"{engine}, {what}, {name}: {said}", flush=True)


def main() -> None:
    """Measure those that are installed."""
    engines = Path(sys.argv[1]) if len(sys.argv) > 1 else Hub().store.engines
    with tempfile.TemporaryDirectory() as name:
        for engine in TINY:
            if is_installed(engine, engines):
                measure(engine, engines, Path(name))


if __name__ == "__main__":
    main()
