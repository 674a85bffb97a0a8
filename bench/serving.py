"""What serving costs and stands: `python bench/serving.py [overhead|first|load]`, all if none is named.

overhead: a request over HTTP against the same text spoken by the engine's worker alone, in one run.
first:    when the first audio of ten sentences is there, against one of them alone.
load:     64 clients for 60 s against a queue of 16, all on loopback, with a process of its own asking for /healthz meanwhile.
"""

import asyncio
import multiprocessing
import multiprocessing.synchronize
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from indextts_hub import Hub
from synth.engines.protocol import Settings
from synth.environments import launch_for
from synth.text.segments import to_segments
from synth.worker.memory import resident
from synth.worker.supervisor import Supervisor

ROOT = Path(__file__).parents[1]
SENTENCES = (
    "今天天气真好。", "我们去公园吧。", "他说他不来了。", "会议改到下午三点。", "请把门关上。",
    "这本书很有意思。", "火车就要开了。", "孩子们在院子里玩。", "明天见。", "谢谢你的帮助。",
)  # fmt: skip
CLIENTS, SECONDS, QUEUE = 64, 60, 16
# Loopback only, and never longer than this.
PATIENCE = httpx2.Timeout(60)


@contextmanager
def served(*options: str) -> Iterator[tuple[str, int]]:
    """The service with `lite`, its audit log and its database on a real disk: its address and process."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT) as name:
        folder = Path(name)
        source = Hub().snapshot("lite").path
        environment = {**os.environ, "INDEXTTS_HUB_CACHE": str(folder / "cache_hub")}
        command = [sys.executable, "-m", "cli.main"]
        subprocess.run([*command, "adopt", "lite", source], env=environment, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        with subprocess.Popen(
            [*command, "serve", "--port", "0", *options], env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().split()[-1], process.pid
            finally:
                process.terminate()


def overhead() -> None:
    text = SENTENCES[0]
    engine = asyncio.run(engine_seconds(text))
    with served() as (address, _), httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        asked = {"json": {"text": text, "format": "wav"}, "headers": {"Accept": "audio/wav"}}
        for _ in range(5):
            client.post("/synthesize", **asked)
        over_http = [seconds(lambda: client.post("/synthesize", **asked).raise_for_status()) for _ in range(60)]
    engine_median, http_median = statistics.median(engine), statistics.median(over_http)
    more = http_median - engine_median
    figures = f"engine {engine_median * 1e3:.1f} ms, over HTTP {http_median * 1e3:.1f} ms: {more * 1e3:.1f} ms more"
    print(f"overhead: {figures} (medians of 60; ratio {http_median / engine_median:.2f})")


async def engine_seconds(text: str) -> list[float]:
    supervisor = Supervisor(launch_for("fastspeech2", Hub().snapshot("lite").path))
    supervisor.start()
    can = await supervisor.ready()
    segments = to_segments(text, can.longest_segment).segments
    found = []
    for number in range(65):
        began = time.perf_counter()
        async for _ in supervisor.speak(segments, Settings()):
            pass
        if number >= 5:
            found.append(time.perf_counter() - began)
    await supervisor.stop()
    return found


def first() -> None:
    with served() as (address, _), httpx2.Client(base_url=address, timeout=PATIENCE) as client:

        def first_audio(text: str) -> tuple[float, float]:
            asked = {"model": "lite", "voice": "alloy", "input": text, "response_format": "pcm"}
            began = time.perf_counter()
            with client.stream("POST", "/v1/audio/speech", json=asked) as stream:
                parts = stream.iter_raw()
                next(parts)
                at = time.perf_counter() - began
                for _ in parts:
                    pass
            return at, time.perf_counter() - began

        first_audio(SENTENCES[0])
        ten = [first_audio("".join(SENTENCES)) for _ in range(10)]
        one = [first_audio(SENTENCES[0]) for _ in range(10)]
    at, whole = statistics.median(a for a, _ in ten), statistics.median(b for _, b in ten)
    alone = statistics.median(b for _, b in one)
    print(f"first audio of ten sentences after {at * 1e3:.0f} ms of {whole * 1e3:.0f} ms")
    print(f"one sentence alone takes {alone * 1e3:.0f} ms (ratio {at / alone:.2f})")


def load() -> None:
    with served("--queue", str(QUEUE)) as (address, pid):
        httpx2.post(f"{address}/synthesize", json={"text": "你好"}, timeout=PATIENCE).raise_for_status()
        stop = multiprocessing.Event()
        probes: multiprocessing.Queue[list[float]] = multiprocessing.Queue()
        prober = multiprocessing.Process(target=probe, args=(address, stop, probes))
        prober.start()
        memory: list[int] = []
        answers, wrong = asyncio.run(clients(address, pid, memory))
        stop.set()
        health = sorted(probes.get(timeout=30))
        prober.join()
    fifth = max(1, len(memory) // 5)
    early, late = statistics.median(memory[fifth : 2 * fifth]), statistics.median(memory[-fifth:])
    p50, p95 = health[len(health) // 2], health[int(len(health) * 0.95)]
    print(f"load: {CLIENTS} clients, {SECONDS} s, a queue of {QUEUE}: {dict(sorted(answers.items()))}; wrong answers: {wrong}")
    print(f"/healthz p50 {p50 * 1e3:.1f} ms, p95 {p95 * 1e3:.1f} ms of {len(health)}")
    print(f"memory of the service {early / 2**20:.0f} MiB early, {late / 2**20:.0f} MiB at the end (ratio {late / early:.2f})")


async def clients(address: str, pid: int, memory: list[int]) -> tuple[Counter[int], int]:
    answers: Counter[int] = Counter()
    wrong = 0
    end = time.monotonic() + SECONDS

    async def ask(number: int) -> None:
        nonlocal wrong
        async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client:
            while time.monotonic() < end:
                answer = await client.post("/synthesize", json={"text": SENTENCES[number % len(SENTENCES)]})
                answers[answer.status_code] += 1
                if answer.status_code == 429:
                    wrong += not 0 < int(answer.headers.get("retry-after", "0")) <= 120
                    # Less patient than was asked for: a crowd.
                    await asyncio.sleep(0.25)
                else:
                    wrong += answer.status_code >= 500

    async def watch() -> None:
        while time.monotonic() < end:
            memory.append(resident(pid) or 0)
            await asyncio.sleep(1)

    await asyncio.gather(watch(), *(ask(number) for number in range(CLIENTS)))
    return answers, wrong


def probe(address: str, stop: "multiprocessing.synchronize.Event", found: "multiprocessing.Queue[list[float]]") -> None:
    with httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        took = []
        while not stop.is_set():
            took.append(seconds(lambda: client.get("/healthz").raise_for_status()))
            time.sleep(0.05)
    found.put(took)


def seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("overhead", "first", "load"):
        {"overhead": overhead, "first": first, "load": load}[chosen]()
