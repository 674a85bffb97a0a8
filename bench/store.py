"""How fast the store answers when it is large, and how fast it hashes: `python bench/store.py [--versions N]`.

It fills a store in a temporary folder with N versions of 20 files each (syncs left out, to be done in a moment), and then takes the
median of five of each question. Hashing is measured against bare hashlib on the same bytes with as many threads in the same run, so
that the ratio says something on any machine. Only the standard library and the project are used.
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from indextts_hub.manifest import ByteCount, Digest, FileEntry, License, Manifest
from indextts_hub.paths import portable_path
from indextts_hub.store import Store, check_version, open_store, plan_collection
from indextts_hub.store.check import processors

FILES = 20
# Large enough that starting threads is unseen, small enough to stay in memory: the disk is not what is measured.
HASHED = 64 * 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=1000)
    versions = parser.parse_args().versions
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "hub")
        fill(store, versions)
        print(f"{versions} versions, {versions * FILES} blobs, {processors()} processors")
        print(f"states of all versions    {median(lambda: states(store)):8.3f} s")
        print(f"list, a whole process     {median(lambda: listed(store)):8.3f} s")
        print(f"gc --dry-run              {median(lambda: plan_collection(store)):8.3f} s")
        print(f"gc --dry-run --keep 3     {median(lambda: plan_collection(store, keep=3)):8.3f} s")
        digests = list(store.manifests)
        moves = iter(digests * 5)
        print(f"an alias move             {median(lambda: store.names.set_alias('stable', 'v0', next(moves))):8.4f} s")
        ratio, rate = hashing(store)
        print(f"verify                    {rate / 2**30:8.2f} GiB/s, {ratio:.2f} of bare hashlib on {processors()} threads")


def listed(store: Store) -> None:
    """`indextts-hub list`, from its start to its end."""
    program = str(Path(sys.executable).with_name("indextts-hub"))
    subprocess.run([program, "list", "--json", "--cache-dir", str(store.root)], check=True, stdout=subprocess.DEVNULL)


def fill(store: Store, versions: int) -> None:
    sync, os.fsync = os.fsync, lambda _: None
    try:
        for number in range(versions):
            entries = [bring(store, f"{number}-{part}".encode(), f"checkpoints/part-{part:02}.bin") for part in range(FILES)]
            store.snapshots.commit(f"v{number % 50}", Manifest("indextts2", License("MIT"), tuple(entries)))
    finally:
        os.fsync = sync


def bring(store: Store, body: bytes, path: str) -> FileEntry:
    digest = Digest(hashlib.sha256(body).hexdigest())
    partial = store.partials / f"{digest}.part"
    partial.write_bytes(body)
    store.blobs.commit(partial, digest, len(body))
    return FileEntry(portable_path(path), ByteCount(len(body)), digest)


def states(store: Store) -> int:
    return sum(1 for name, digest in store.snapshots.list() if store.snapshots.state(name, store.manifests.read(digest)))


def hashing(store: Store) -> tuple[float, float]:
    entries = [bring(store, bytes([number]) * HASHED, f"large-{number}.bin") for number in range(2 * processors())]
    manifest = Manifest("indextts2", License("MIT"), tuple(entries))
    store.snapshots.commit("large", manifest)
    bodies = [store.blobs.path(entry.sha256).read_bytes() for entry in entries]

    def bare() -> None:
        with ThreadPoolExecutor(processors()) as pool:
            list(pool.map(lambda body: hashlib.sha256(body).hexdigest(), bodies))

    # In turns, so that whatever else the machine does meets both.
    pairs = [(seconds(lambda: check_version(store, "large", manifest.digest)), seconds(bare)) for _ in range(7)]
    return statistics.median(bare_s / ours for ours, bare_s in pairs), manifest.size / statistics.median(ours for ours, _ in pairs)


def median(work: Callable[[], object]) -> float:
    return statistics.median(seconds(work) for _ in range(5))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
