"""What our worker costs over the engines' own packages: `python bench/engines.py [ENGINES]`, after `engine install` of one or both.

Generated weights (`tests/synth/engines/tiny25.py`, `tiny2.py`), the same clip, sentence, seed and number of codes. What is compared
is a user's plain program that calls the package in the same environment, timed within it, and a worker as its client sees it over
the wire; what they say is asserted to be the same, sample by sample. Starting includes the interpreter, imports, the gate and the
load, and is given up to the loaded engine and up to the end of the first sentence.

Other programs' load drifts by more than what is looked for, so everything is paired: both are alive at once and take turns, each
pair in the other order than the one before, and what counts is the median of the pairs' differences. Processor time is the
process's own, of all its threads. Where other programs keep the cores busy, the direct program's threads turn in circles (decision
98): with `OMP_NUM_THREADS=1` neither has any, and what is left is the worker itself.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from indextts_hub import Hub  # noqa: E402
from synth.engines.protocol import Sampling, Segment, Settings  # noqa: E402
from synth.environments import environment_of, interpreter_of, is_installed, launch_for  # noqa: E402
from synth.worker.process import Launch, TimeLimits, Worker  # noqa: E402
from tests.synth.audio.voices import tone  # noqa: E402

STARTS = 10
SENTENCES = 60
CODES = 60
T = TypeVar("T")
TEXT = "你好，世界。"
LIMITS = TimeLimits(start=300, segment=120)
# argv: weights, clip, text, codes, where the samples go. A line of input is a sentence, a line of output a time.
SAY = """
def say():
    torch.manual_seed(1); random.seed(1)
    with torch.inference_mode():
        return [piece.reshape(-1).to(torch.float32).numpy() for piece in tts.infer_generator(
            spk_audio_prompt=sys.argv[2], text=sys.argv[3], output_path=None, interval_silence=0, stream_return=True,
            max_mel_tokens=int(sys.argv[4]), **more) if isinstance(piece, torch.Tensor)]
print("loaded", flush=True)
say()
print("said", flush=True)
# IndexTTS 2 also draws when it hears a clip, which it does once.
numpy.save(sys.argv[5], numpy.concatenate(say()))
print("kept", flush=True)
for _ in sys.stdin:
    began = time.perf_counter(); say(); print(time.perf_counter() - began, flush=True)
"""
DIRECT = {
    "indextts25": """
import random, sys, time
import numpy, torch
from indextts25 import IndexTTS25
tts, more = IndexTTS25(sys.argv[1], device="cpu")._tts, {"lang": "zh", "text_normalization": False}
"""
    + SAY,
    # As it is, the package can't be imported here: it gets the same stand-ins, and the same cache.
    "indextts2": """
import random, sys, time
from pathlib import Path
import numpy, torch
from synth.engines.indextts2 import engine, package
with engine._cache(Path(sys.argv[1])):
    tts, more = package.infer.IndexTTS2(sys.argv[1], device="cpu"), {}
"""
    + SAY,
}
TINY = {"indextts25": "tiny25.py", "indextts2": "tiny2.py"}
# IndexTTS 2.5 gives numbers as of 16 bits.
FULL = {"indextts25": 32767, "indextts2": 1}


@dataclass(frozen=True)
class Took:
    """Seconds on the clock, and of a processor."""

    clock: float
    processor: float


class Direct:
    """A program of its own that calls the package, in the environment that a user's program has."""

    def __init__(self, launch: Launch, engine: str, clip: Path, samples: Path) -> None:
        began = time.perf_counter()
        arguments = [str(launch.snapshot), str(clip), TEXT, str(CODES), str(samples)]
        self._process = subprocess.Popen(
            [launch.python, "-c", DIRECT[engine], *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        )  # fmt: skip
        self._read("loaded")
        self.loaded = Took(time.perf_counter() - began, processor_time(self._process.pid))
        self._read("said")
        self.said = Took(time.perf_counter() - began, processor_time(self._process.pid))
        self._read("kept")

    async def say(self) -> Took:
        """Speak once, timed within."""
        assert self._process.stdin is not None
        before = processor_time(self._process.pid)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Took(float(self._read("")), processor_time(self._process.pid) - before)

    def stop(self) -> None:
        """End it."""
        self._process.communicate()

    def _read(self, wanted: str) -> str:
        assert self._process.stdout is not None
        # What the package prints stands between.
        while line := self._process.stdout.readline():
            if line.strip() == wanted or (not wanted and line[:1].isdigit()):
                return line
        raise SystemExit("the direct program has ended")


class Served:
    """A worker, as its client sees it."""

    worker: Worker
    loaded: Took
    said: Took
    samples: bytes

    @classmethod
    async def start(cls, launch: Launch, clip: Path) -> "Served":
        """Start it, and have it speak once."""
        made = cls()
        made._settings = Settings(voice=str(clip), seed=1, sampling=Sampling(max_mel_tokens=CODES))
        began = time.perf_counter()
        made.worker = await Worker.start(launch, LIMITS)
        made.loaded = Took(time.perf_counter() - began, processor_time(made.worker.pid))
        await made.say()
        made.said = Took(time.perf_counter() - began, processor_time(made.worker.pid))
        return made

    async def say(self) -> Took:
        """Speak once."""
        before, began = processor_time(self.worker.pid), time.perf_counter()
        self.samples = b"".join([speech.samples async for speech in self.worker.speak([Segment(TEXT)], self._settings)])
        return Took(time.perf_counter() - began, processor_time(self.worker.pid) - before)

    _settings: Settings


def processor_time(pid: int) -> float:
    """Seconds of a processor that a process has had: its clock, as clock_getcpuclockid(3) makes it."""
    return time.clock_gettime((~pid << 3) | 2)


def prepared(engine: str, engines: Path, folder: Path) -> Launch:
    """How a worker is started for small weights, which are made, in a folder that has a clip as well."""
    weights, python = folder / engine, interpreter_of(environment_of(engine, engines))
    subprocess.run([python, ROOT / "tests/synth/engines" / TINY[engine], weights], check=True, capture_output=True)
    soundfile.write(folder / "clip.wav", tone(24_000, 3.0), 24_000)
    return launch_for(engine, weights, engines)


async def measure(engine: str, launch: Launch, folder: Path) -> None:
    """Measure one engine, and print."""
    clip, samples = folder / "clip.wav", folder / "samples.npy"

    direct, served = Direct(launch, engine, clip, samples), await Served.start(launch, clip)
    await served.say()
    alone, ours = np.load(samples) / FULL[engine], np.frombuffer(served.samples, "<f4")
    assert len(alone) == len(ours), (len(alone), len(ours))
    assert np.abs(alone.clip(-1, 1) - ours).max() < 1e-6
    turns = await in_turns(direct.say, served.say, SENTENCES)
    direct.stop()
    await served.worker.stop()
    report(f"{engine}, a sentence of {len(ours) / 22_050:.2f} s", turns)

    async def start_direct() -> tuple[Took, Took]:
        made = Direct(launch, engine, clip, samples)
        made.stop()
        return made.loaded, made.said

    async def start_served() -> tuple[Took, Took]:
        made = await Served.start(launch, clip)
        await made.worker.stop()
        return made.loaded, made.said

    starts = await in_turns(start_direct, start_served, STARTS)
    for which, what in enumerate(("until it is loaded", "start and first sentence")):
        report(f"{engine}, {what}", [(alone[which], ours[which]) for alone, ours in starts])


async def in_turns(one: Callable[[], Awaitable[T]], other: Callable[[], Awaitable[T]], pairs: int) -> list[tuple[T, T]]:
    """Do both, as often, each pair in the other order than the one before."""
    done = []
    for number in range(pairs):
        if number % 2:
            second = await other()
            done.append((await one(), second))
        else:
            first = await one()
            done.append((first, await other()))
    return done


def report(what: str, pairs: Sequence[tuple[Took, Took]]) -> None:
    """Print medians of both, and the median and the quartiles of the differences, in milliseconds."""
    said = []
    for name in ("clock", "processor"):
        alone, ours = ([getattr(pair[which], name) * 1e3 for pair in pairs] for which in (0, 1))
        more = [b - a for a, b in zip(alone, ours, strict=True)]
        low, median, high = statistics.quantiles(more, n=4)
        both = f"{statistics.median(alone):.0f} ms alone, {statistics.median(ours):.0f} ms by a worker"
        said.append(f"{name} {both}, {median:+.1f} ms ({low:+.1f} to {high:+.1f})")
    print(f"{what}, {len(pairs)} pairs, load {os.getloadavg()[0]:.1f}: {'; '.join(said)}", flush=True)


def main() -> None:
    """Measure those that are installed."""
    engines = Path(sys.argv[1]) if len(sys.argv) > 1 else Hub().store.engines
    with tempfile.TemporaryDirectory() as name:
        for engine in TINY:
            if is_installed(engine, engines):
                asyncio.run(measure(engine, prepared(engine, engines, Path(name)), Path(name)))


if __name__ == "__main__":
    main()
