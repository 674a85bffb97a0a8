"""How fast `lite` speaks: `python bench/synth [factor|first|clients]`, all if none is named.

factor:  seconds of work a second of speech, sentence after sentence on one core and all of them on two, against the frozen
         reference (`reference`) on one core; and against the original runtime's vocoder, where `ai-edge-litert` is installed (no
         dependency: TensorFlow Lite can't run the original's other half without TensorFlow).
first:   from a request to the first audio of a long text, over HTTP.
clients: 1, 4 and 16 clients who ask for one sentence after the other over HTTP: sentences a second, seconds of a processor for each
         in the worker, in the service and in the clients here, how busy that keeps the processors, and the most memory that the
         worker takes by then.

Speed drifts where others use the machine: each round measures all of what is compared, and ratios are medians over the rounds.
"""

import asyncio
import importlib.util
import os
import socket
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import torch
from reference import Reference

from indextts_hub import Hub
from synth.engines.fastspeech2.engine import load
from synth.engines.protocol import Engine, Settings
from synth.text.pinyin import to_syllables
from synth.text.segments import to_segments
from synth.worker.doubles import doubles
from synth.worker.memory import held
from synth.worker.speaking import Line

sys.path.append(str(Path(__file__).parents[1]))
from serving import PATIENCE, served

SENTENCES = (
    "欢迎使用语音合成服务。",
    "今天天气非常好，我们一起去公园散步吧。",
    "二零二六年十一月，模型校验通过。",
    "他说的这句话让我非常感动。",
    "请在下午三点半之前把文件送到银行。",
)
LONG = "".join(SENTENCES) * 20
ROUNDS = 7
SECONDS = 15
CLIENTS = (1, 4, 16)


def factor() -> None:
    snapshot = Hub().snapshot("lite").path
    engine, reference = load(snapshot), Reference(snapshot)
    segments = [segment for text in SENTENCES for segment in to_segments(text, engine.capabilities.longest_segment).segments]
    symbols = [torch.tensor(engine.mapper.spell(to_syllables(segment.text)).ids) for segment in segments]

    # Forked while there is one thread; they end with this process.
    doubled = doubles(engine, Line(socket.socket()))[:2]

    def speak(by: Engine) -> float:
        return sum(len(by.speak(segment, Settings()).samples) for segment in segments) / 4 / engine.capabilities.sample_rate

    original = original_vocoder(snapshot, reference, symbols)
    found: dict[str, list[tuple[float, float]]] = {}
    with ThreadPoolExecutor(2) as both:
        rounds: dict[str, Callable[[], float]] = {
            "the reference on one core": lambda: (
                sum(len(reference.speak(ids)) for ids in symbols) / engine.capabilities.sample_rate
            ),
            "lite on one core": lambda: speak(engine),
            "lite on two cores": lambda: sum(both.map(speak, doubled)),
        } | ({} if original is None else {"the original's vocoder alone, on one core": original})
        for work in rounds.values():
            work()
        for _ in range(ROUNDS):
            for name, work in rounds.items():
                began, had = time.perf_counter(), worked(*family(os.getpid()))
                spoken = work()
                took, cost = time.perf_counter() - began, worked(*family(os.getpid())) - had
                found.setdefault(name, []).append((took / spoken, cost / spoken))
    against = found["the reference on one core"]
    for name, figures in found.items():
        ratio, of_cost = (
            statistics.median(mine[which] / theirs[which] for mine, theirs in zip(figures, against, strict=True))
            for which in (0, 1)
        )
        seconds = statistics.median(took for took, _ in figures)
        print(f"{name}: {seconds:.4f} s a second of speech, {ratio:.2f} of the reference; {of_cost:.2f} of its processor's time")


def original_vocoder(snapshot: Path, reference: Reference, symbols: list[torch.Tensor]) -> Callable[[], float] | None:
    """Speaks the same mels with TensorFlow Lite on one thread; None where it is not installed."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        return None
    from ai_edge_litert.interpreter import Interpreter

    mels = [reference.acoustic.decode(reference.acoustic.predict(ids)).mel[None].numpy() for ids in symbols]
    network = Interpreter(str(snapshot / "mb_melgan.tflite"), num_threads=1)
    place = network.get_input_details()[0]["index"]

    def speak() -> float:
        for mel in mels:
            network.resize_tensor_input(place, mel.shape)
            network.allocate_tensors()
            network.set_tensor(place, mel)
            network.invoke()
        return sum(mel.shape[1] for mel in mels) / 80

    return speak


def first() -> None:
    with served() as (address, _), httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        asked = {"model": "lite", "voice": "alloy", "input": LONG, "response_format": "pcm"}
        found = []
        for _ in range(2 + 3 * ROUNDS):
            began = time.perf_counter()
            with client.stream("POST", "/v1/audio/speech", json=asked) as stream:
                next(stream.iter_raw())
                found.append(time.perf_counter() - began)
            time.sleep(0.3)  # until the rest, which nobody wants any more, is left
    found = sorted(found[2:])
    least, middle, most = (1e3 * seconds for seconds in (found[0], statistics.median(found), found[-1]))
    print(f"first audio of {len(LONG)} characters: {middle:.0f} ms, from {least:.0f} to {most:.0f}")


def clients() -> None:
    rates: dict[int, list[float]] = {count: [] for count in CLIENTS}
    costs: dict[int, list[tuple[float, float, float]]] = {count: [] for count in CLIENTS}
    peak = 0
    with served("--queue", "64") as (address, service):
        httpx2.post(f"{address}/synthesize", json={"text": "你好"}, timeout=PATIENCE).raise_for_status()
        worker = worker_of(service)
        for _ in range(3):
            for count in CLIENTS:
                before = worked(*family(worker)), worked(service), time.process_time()
                spoken, seconds, most = asyncio.run(ask_again_and_again(address, count, worker))
                now = worked(*family(worker)), worked(service), time.process_time()
                peak = max(peak, most)
                rates[count].append(spoken / seconds)
                costs[count].append(tuple((after - had) / spoken for after, had in zip(now, before, strict=True)))
    for count in CLIENTS:
        ratio = statistics.median(many / one for many, one in zip(rates[count], rates[1], strict=True))
        in_worker, in_service, here = (statistics.median(cost) * 1e3 for cost in zip(*costs[count], strict=True))
        busy = statistics.median(
            rate * sum(cost) / (os.cpu_count() or 1) for rate, cost in zip(rates[count], costs[count], strict=True)
        )
        print(
            f"{count} clients: {statistics.median(rates[count]):.1f} sentences a second, {ratio:.2f} of one client's; each"
            f" {in_worker:.0f} ms of a processor in the worker, {in_service:.0f} in the service, {here:.0f} here: {busy:.0%} busy"
        )
    print(f"most memory of the worker: {peak / 2**20:.0f} MiB")


async def ask_again_and_again(address: str, count: int, worker: int) -> tuple[int, float, int]:
    """How many sentences so many clients heard, in how many seconds, and the most bytes the worker held, looked at every second."""
    spoken = 0
    end = time.monotonic() + SECONDS

    async def ask(number: int) -> None:
        nonlocal spoken
        async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client:
            while time.monotonic() < end:
                answer = await client.post("/synthesize", json={"text": SENTENCES[(number + spoken) % len(SENTENCES)]})
                answer.raise_for_status()
                spoken += 1

    async def look() -> int:
        most = 0
        while time.monotonic() < end:
            most = max(most, held(worker) or 0)
            await asyncio.sleep(1.0)
        return most

    began = time.monotonic()
    most, *_ = await asyncio.gather(look(), *(ask(number) for number in range(count)))
    return spoken, time.monotonic() - began, most


def worker_of(service: int) -> int:
    """The process that the service has started to speak."""
    for status in Path("/proc").glob("[0-9]*/status"):
        if f"PPid:\t{service}\n" in status.read_text() and b"synth.worker.main" in (status.parent / "cmdline").read_bytes():
            return int(status.parent.name)
    raise RuntimeError("the service has no worker")


def family(pid: int) -> list[int]:
    """A process and those it has forked."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def worked(*pids: int) -> float:
    """Seconds of a processor that processes have had."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(of[11]) + int(of[12]) for of in fields) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for chosen in sys.argv[1:] or ("factor", "first", "clients"):
        {"factor": factor, "first": first, "clients": clients}[chosen]()
