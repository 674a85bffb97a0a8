"""How fast a bundle is written and read, against hashing and copying the same bytes, and how much memory it takes.

    python bench/bundle.py [--mib 4096] [--json]

The version is one file of random bytes. `sha256 + copy` is Python's hashlib over the file and then `cp FILE` with a sync, which is
the least that an import does. Everything is on one disk; rounds alternate, medians are given.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
MIB = 1 << 20


def timed(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak MiB of one process."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def made_version(folder: Path, mib: int) -> Path:
    """A folder with one large file, and a catalogue that names it."""
    (folder / "files").mkdir()
    body, block, hasher = folder / "files" / "model.bin", os.urandom(MIB), hashlib.sha256()
    with body.open("wb") as file:
        for number in range(mib):
            piece = number.to_bytes(8, "big") + block[8:]
            hasher.update(piece)
            file.write(piece)
    place = folder / "mirrors.yaml"
    place.write_text(
        f"schema: 1\nmirrors:\n  here: {{kind: file, base: {folder / 'files'}}}\nversions:\n  big:\n    title: bench\n"
        f"    engine: fastspeech2\n    license: {{name: MIT}}\n    sources: [{{mirror: here}}]\n"
        f"    files: [{{path: model.bin, size: {mib * MIB}, sha256: {hasher.hexdigest()}}}]\n"
    )
    return place


def hashed_and_copied(body: Path, target: Path) -> float:
    """A digest, then a copy that is on the disk."""
    started = time.perf_counter()
    with body.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    subprocess.run(["cp", "--reflink=never", str(body), str(target)], check=True)
    subprocess.run(["sync", str(target)], check=True)
    seconds = time.perf_counter() - started
    target.unlink()
    return seconds


def main() -> None:
    """Run all of it and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=4096)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    program = str(Path(sys.executable).with_name("indextts-hub"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place, here, bundle = made_version(folder, chosen.mib), folder / "here", folder / "big.tar"
        subprocess.run([program, "pull", "big", "-q", "--catalog", str(place), "--cache-dir", str(here)], check=True)
        written, taken, plain = [], [], []
        for _ in range(ROUNDS):
            written.append(timed([program, "export", "big", "-q", "-o", str(bundle), "--cache-dir", str(here)]))
            plain.append(hashed_and_copied(bundle, folder / "copy"))
            taken.append(timed([program, "import", str(bundle), "-q", "--cache-dir", str(folder / "there")]))
            shutil.rmtree(folder / "there")
            bundle.unlink()
    report = {
        "mib": chosen.mib,
        "export seconds": round(statistics.median(each[0] for each in written), 2),
        "import seconds": round(statistics.median(each[0] for each in taken), 2),
        "sha256 + copy seconds": round(statistics.median(plain), 2),
        "import speed / sha256 + copy": round(statistics.median(p / t[0] for p, t in zip(plain, taken, strict=True)), 2),
        "peak MiB of export": round(max(each[1] for each in written)),
        "peak MiB of import": round(max(each[1] for each in taken)),
    }
    print(json.dumps(report, indent=2) if chosen.json else "\n".join(f"{what}: {figure}" for what, figure in report.items()))


if __name__ == "__main__":
    main()
