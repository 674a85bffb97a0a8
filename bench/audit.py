"""What the audit log costs: `python bench/audit.py [--events 1000000]`.

append:  events with their sync, on the disk that this checkout is on, when the log already has all the events.
verify:  the stand-alone verifier over all of them, with a checkpoint, in a process of its own: seconds and most memory.
program: `audit verify`'s own reading of the same log.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.audit import AuditLog
from indextts_hub.audit.checkpoints import log_key, sign_checkpoint
from indextts_hub.audit.events import FIRST, AuditEvent, encode_event, line_digest

ROOT = Path(__file__).parents[1]
MEASURE = """
import resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(code, time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def fill(log: AuditLog, events: int) -> None:
    """Write a log as `append` would, without its syncs."""
    at, previous = datetime(2026, 5, 1, tzinfo=UTC), FIRST
    log.folder.mkdir(parents=True, exist_ok=True)
    with log.path.open("wb") as file:
        for seq in range(events):
            details = {"bytes_fetched": seq * 1000, "files": 17, "mirrors": ["hf-mirror", "modelscope"]}
            line = encode_event(AuditEvent(seq, at, "me@here", "pull", f"v23@sha256:{seq:064x}", "done", details, previous))
            file.write(line)
            previous = line_digest(line)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    events = parser.parse_args().events
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT) as name:
        log = AuditLog(Path(name) / "audit")
        fill(log, events)
        key = log_key(log.folder)
        began = time.monotonic()
        sign_checkpoint(log, key)
        own = time.monotonic() - began
        verifier = [sys.executable, str(ROOT / "indextts_hub/audit/verify.py"), str(log.path)]
        verifier += ["--key", str(key.verifier), "--checkpoint", str(log.folder / "checkpoint")]
        done = subprocess.run([sys.executable, "-c", MEASURE, *verifier], capture_output=True, text=True, check=True)
        code, seconds, memory = done.stdout.split()
        appends = []
        for number in range(200):
            began = time.monotonic()
            log.append("pull", f"v{number}")
            appends.append(time.monotonic() - began)
    assert code == "0", code
    print(f"append:  median {statistics.median(appends) * 1e3:.2f} ms, slowest of 200 {max(appends) * 1e3:.1f} ms")
    print(f"verify:  {events:,} events in {float(seconds):.1f} s, {int(memory) / 2**20:.0f} MiB at most")
    print(f"program: {own:.1f} s, {own / float(seconds):.2f} of it")


if __name__ == "__main__":
    main()
