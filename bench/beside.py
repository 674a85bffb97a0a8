"""What fifty downloads do to a synthesis beside them, and to each other: `python bench/beside.py [--rate 2300K] [--seconds 30]`.

The whole service with `lite` in one process. First the time to the first audio of a sentence is taken with nothing else under
way, then while fifty curls fetch the largest file of `lite` over and over; they have the lowest priority, since clients
are on other machines. With `--rate` each of them takes so many bytes a second: fifty times 2300K is a network of one gigabit.
`fair` is what the client that got least has against the one that got most; memory is the service's own, without its worker.
"""

import argparse
import os
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2
from serving import PATIENCE, SENTENCES, served

from indextts_hub import Hub
from synth.worker.memory import resident

CLIENTS = 50
PAUSE = 0.2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", default="")
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    largest = max(Hub().snapshot("lite").files, key=lambda file: file.size)
    with served() as (address, pid), httpx2.Client(base_url=address, timeout=PATIENCE) as client, ExitStack() as stack:
        first_audio(client, 3)
        alone, before = first_audio(client, options.seconds), resident(pid) or 0
        url = f"{address}/hub/blobs/sha256/{largest.sha256}"
        command = ["nice", "-n", "19", "curl", "-s", "--noproxy", "*"] + (["--limit-rate", options.rate] if options.rate else [])
        # More than can be fetched; each is stopped.
        command += [word for _ in range(2_000) for word in ("-o", os.devnull, url)]
        curls = [stack.enter_context(subprocess.Popen(command)) for _ in range(CLIENTS)]
        time.sleep(2)
        earlier, at = [written(curl.pid) for curl in curls], time.monotonic()
        beside = first_audio(client, options.seconds)
        got, took = [written(curl.pid) - begun for curl, begun in zip(curls, earlier, strict=True)], time.monotonic() - at
        most = resident(pid) or 0
        for curl in curls:
            curl.terminate()
        after = first_audio(client, 3)
    quiet, loaded = statistics.median(alone), statistics.median(beside)
    print(f"first audio: {quiet * 1e3:.0f} ms alone, {loaded * 1e3:.0f} ms beside {CLIENTS} downloads, ratio {loaded / quiet:.2f}")
    print(f"             of {len(alone)} and {len(beside)} sentences; {statistics.median(after) * 1e3:.0f} ms when they have ended")
    print(f"downloads:   {sum(got) / 2**20 / took:.0f} MiB/s in all, fair {min(got) / max(got):.2f}")
    print(f"memory:      {before / 2**20:.0f} MiB before, {most / 2**20:.0f} MiB beside")


def first_audio(client: httpx2.Client, seconds: float) -> list[float]:
    """Seconds to the first audio of a sentence, again and again for so long."""
    found: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        asked = {"model": "lite", "voice": "alloy", "input": SENTENCES[len(found) % len(SENTENCES)], "response_format": "pcm"}
        with client.stream("POST", "/v1/audio/speech", json=asked) as answer:
            answer.raise_for_status()
            next(answer.iter_raw())
            found.append(time.monotonic() - began)
        time.sleep(PAUSE)
    return found


def written(pid: int) -> int:
    """How many bytes a process has written so far: what curl throws away it writes."""
    return int(Path(f"/proc/{pid}/io").read_text().partition("wchar: ")[2].split()[0])


if __name__ == "__main__":
    main()
