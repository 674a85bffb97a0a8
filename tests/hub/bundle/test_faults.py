"""An import that is killed or fails at each of its system calls: no version is seen before it is whole; the next one ends it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub.store import SnapshotState, check_version, open_store
from tests.hub.bundle.carrier import Carrier, laid_out

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace injects the faults"),
]

ROOT = Path(__file__).parents[3]
FILES = {"a.bin": b"a" * 5000, "sub/b.bin": b"b" * 3000}
# More than any call is made in one import: a sweep that gets there does not end.
FAR = 200


@pytest.fixture
def bundle(carrier: Carrier) -> Path:
    carrier.write([carrier.version("v23", FILES)])
    return carrier.bundle


def run_with(fault: str, store: Path, bundle: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", os.devnull, "-e", f"inject={fault}", *more]
    return subprocess.run(
        [*command, sys.executable, "-m", "tests.hub.bundle.life", str(store), str(bundle)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip


def assert_sound_and_ends(root: Path, bundle: Path) -> None:
    """What can be seen is whole and right; an undisturbed import then comes to its end."""
    store = open_store(root)
    for digest, size in store.blobs:
        assert store.blobs.check(digest, size).ok
    for name, digest in store.snapshots.list():
        state = store.snapshots.state(name, store.manifests.read(digest))
        assert state in {SnapshotState.COMPLETE, SnapshotState.ABSENT}
    subprocess.run([sys.executable, "-m", "tests.hub.bundle.life", str(root), str(bundle)], check=True, timeout=60, cwd=ROOT)
    ((name, digest),) = list(store.snapshots.list())
    assert check_version(store, name, digest).ok
    assert laid_out(store, name, store.manifests.read(digest)) == FILES
    assert os.listdir(store.partials) == []


def sweep(folder: Path, bundle: Path, fault: str, code: int, *more: str) -> None:
    """Import with a fault at the first such call, at the second, and so on, until none is left; each time the store is sound."""
    for number in range(1, FAR):
        root = folder / f"store{number}"
        done = run_with(f"{fault}:when={number}", root, bundle, *more)
        if done.returncode == 0:
            assert number > 1
            return
        assert done.returncode == code, done.stdout + done.stderr
        assert_sound_and_ends(root, bundle)
        shutil.rmtree(root)
    pytest.fail("it never came to the end")


@pytest.mark.parametrize("call", ["fsync", "write", "rename", "linkat", "mkdir"])
def test_an_import_that_is_killed_at_any_call_leaves_nothing_wrong(tmp_path: Path, bundle: Path, call: str) -> None:
    """S01, B10."""
    sweep(tmp_path, bundle, f"{call}:signal=KILL", -9)


@pytest.mark.parametrize(("call", "error"), [("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "ENOSPC")])
def test_a_disk_that_fails_at_any_call_is_told(tmp_path: Path, bundle: Path, call: str, error: str) -> None:
    """S05, S07: exit 6 with a code, nothing seen, and the next import ends it."""
    sweep(tmp_path, bundle, f"{call}:error={error}", 6)


def test_a_stick_that_fails_while_it_is_read_is_told(tmp_path: Path, bundle: Path) -> None:
    """B10: at each read of the bundle."""
    sweep(tmp_path, bundle, "read:error=EIO", 6, "-P", str(bundle))
