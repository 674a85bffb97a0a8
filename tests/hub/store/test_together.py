"""Many processes at once on one store: the work is shared, all succeed, and nothing that is needed goes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub.store import SnapshotState, Store, check_version, collect
from tests.hub.store.shelf import manifest_of

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]
SHARED = {f"shared{number}.bin": b"%d" % number * 100_000 for number in range(3)}

# Each process pulls its own version, which shares most of its bytes with the others', and notes which blobs it had to bring itself.
PULL = """
import sys
from pathlib import Path
from indextts_hub.store import open_store
from tests.hub.store.shelf import manifest_of
from tests.hub.store.test_together import version
store, name = open_store(Path(sys.argv[1])), sys.argv[2]
files = version(name); manifest = manifest_of(files)
with store.claim(name, manifest, act="pull"):
    with store.locks.writing([f.sha256 for f in manifest.files], act=f"pull {name}", wait=60):
        for f in manifest.files:
            if not store.blobs.has(f.sha256, f.size):
                partial = store.partials / f"{f.sha256}.part"
                with partial.open("xb") as file:
                    file.write(files[f.path])
                store.blobs.commit(partial, f.sha256, f.size)
                print(f.sha256, flush=True)
    store.snapshots.commit(name, manifest)
"""


def version(name: str) -> dict[str, bytes]:
    """What the version of that name consists of."""
    return {**SHARED, "own.bin": name.encode() * 50_000}


@pytest.mark.parametrize("names", [["v1"] * 4, [f"v{number}" for number in range(8)]], ids=["one version", "eight versions"])
def test_every_blob_is_brought_once_and_all_succeed(store: Store, names: list[str]) -> None:
    """S10, S11: with a collector at work all the time."""
    pulls = [
        subprocess.Popen([sys.executable, "-c", PULL, str(store.root), name], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        for name in names
    ]
    while any(pull.poll() is None for pull in pulls):
        collect(store)
    brought = [line for pull in pulls for line in pull.communicate(timeout=60)[0].splitlines()]
    assert [pull.returncode for pull in pulls] == [0] * len(pulls)
    assert len(brought) == len(set(brought)) == len(SHARED) + len(set(names))
    for name in set(names):
        assert store.snapshots.state(name, manifest_of(version(name))) is SnapshotState.COMPLETE
        assert check_version(store, name, manifest_of(version(name)).digest).ok


FULL_DISK = """
import subprocess, sys
from pathlib import Path
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(root)], check=True)
from indextts_hub.errors import StorageError
from indextts_hub.store import SnapshotState, collect, open_store
from tests.hub.store.shelf import Shelf, manifest_of
store = open_store(root / "hub")
shelf = Shelf(store)
small = shelf.version("small", {"a": b"a" * 50_000})
codes = []
big = {f"f{n}": b"%d" % n * 100_000 for n in range(10)}
try:
    with store.claim("big", manifest_of(big), act="pull"):
        shelf.version("big", big)
except (StorageError, OSError) as error:
    codes.append(getattr(error, "code", error.errno if isinstance(error, OSError) else None))
try:
    store.names.set_alias("stable", "small", small.digest)
except StorageError as error:
    codes.append(error.code)
assert store.snapshots.state("small", small) is SnapshotState.COMPLETE
for path in store.partials.iterdir():
    path.unlink()
from indextts_hub.store import remove_version
remove_version(store, "big", manifest_of(big).digest)
freed = collect(store).freed_bytes
assert freed > 0
store.names.set_alias("stable", "small", small.digest)
shelf.version("next", {"b": b"b" * 100_000})
print(codes)
"""


@pytest.mark.skipif(shutil.which("unshare") is None or os.name == "nt" or os.getuid() != 0, reason="mounts a small disk of its own")
def test_a_really_full_disk_is_told_and_can_be_freed(tmp_path: Path) -> None:
    """S05: on a file system of 400 KiB, in a mount namespace of its own."""
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] in {"[28]", "['E_NO_SPACE']", "[28, 'E_NO_SPACE']", "['E_NO_SPACE', 'E_NO_SPACE']"}
