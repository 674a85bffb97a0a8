"""A life of a store, killed or failed at every one of its system calls in turn: see `life.py`.

What is visible afterwards is right, and the next run comes to the end that an undisturbed one comes to.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub.audit import AuditLog
from indextts_hub.store import SnapshotState, check_version, collect, open_store
from indextts_hub.store.blobs import digest_of
from tests.hub.store import life
from tests.hub.store.shelf import manifest_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace injects the faults"),
]

REPOSITORY = Path(__file__).parents[3]
WRITING = ("fsync", "write", "mkdir", "rename", "linkat", "unlink", "rmdir", "chmod", "ftruncate", "flock")
# More than any call is made in one life: a sweep that gets there does not end.
FAR = 300


def run_with(fault: str, root: Path) -> subprocess.CompletedProcess[str]:
    """One life with a fault that strace injects."""
    command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", os.devnull, "-e", f"inject={fault}"]
    return subprocess.run(
        [*command, sys.executable, "-m", "tests.hub.store.life", str(root)],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, timeout=60, check=False, cwd=REPOSITORY,
    )  # fmt: skip


def assert_sound(root: Path) -> None:
    """Nothing that can be seen is wrong, whatever is missing."""
    store = open_store(root)
    for digest, _ in store.blobs:
        with store.blobs.open(digest) as file:
            assert digest_of(file) == digest
    for name, digest in store.snapshots.list():
        state = store.snapshots.state(name, store.manifests.read(digest))
        assert state is SnapshotState.COMPLETE
        assert check_version(store, name, digest).ok
    for alias in store.names.read().aliases.values():
        assert store.snapshots.state("v23", store.manifests.read(alias.target.digest)) is SnapshotState.COMPLETE
    assert AuditLog(store.audit).verify().ok


def assert_lived_to_the_end(root: Path) -> None:
    """A run without faults comes to the same end, and leaves nothing behind."""
    life.live(root)
    assert_sound(root)
    store = open_store(root)
    new = manifest_of(life.NEW)
    assert list(store.snapshots.list()) == [("v23", new.digest)]
    assert sorted(store.blobs) == sorted(new.blobs())
    assert store.names.read().aliases["stable"].target.digest == new.digest
    for path in root.rglob(".*.tmp"):
        os.utime(path, (0, 0))
    collect(store)
    assert list(root.rglob(".*.tmp")) == []
    assert os.listdir(store.partials) == []


@pytest.mark.parametrize("call", WRITING)
def test_a_process_killed_at_any_call_leaves_nothing_wrong_and_the_next_one_goes_on(tmp_path: Path, call: str) -> None:
    """S01."""
    for number in range(1, FAR):
        root = tmp_path / str(number)
        done = run_with(f"{call}:signal=KILL:when={number}", root)
        if done.returncode == 0:
            assert number > 1
            return
        assert done.returncode == -9, done.stdout + done.stderr
        assert_sound(root)
        assert_lived_to_the_end(root)
        shutil.rmtree(root)
    pytest.fail("it never came to the end")


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("write", "ENOSPC"), ("fsync", "ENOSPC"), ("mkdir", "ENOSPC"), ("rename", "ENOSPC"), ("linkat", "ENOSPC"),
        ("write", "EIO"), ("fsync", "EIO"), ("rename", "EIO"), ("unlink", "EIO"), ("chmod", "EPERM"), ("write", "EDQUOT"),
        ("linkat", "EMLINK"), ("linkat", "EXDEV"), ("flock", "ENOLCK"),
    ],
)  # fmt: skip
def test_a_disk_that_fails_at_any_call_is_told_and_leaves_nothing_wrong(tmp_path: Path, call: str, error: str) -> None:
    """S05, S06, S07, S17: exit 6 with a code, or the end is reached another way."""
    # Every third call: the sweep of kills above stops at each.
    for number in range(1, FAR, 3):
        root = tmp_path / str(number)
        done = run_with(f"{call}:error={error}:when={number}", root)
        assert done.returncode in {0, 6}, done.stdout + done.stderr
        assert_sound(root)
        assert_lived_to_the_end(root)
        if done.returncode == 0 and number > _calls_in_a_life(call, tmp_path):
            return
        shutil.rmtree(root)
    pytest.fail("it never came to the end")


def _calls_in_a_life(call: str, tmp_path: Path) -> int:
    counted = tmp_path / f"{call}.count"
    if not counted.exists():
        root = tmp_path / "counted"
        command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", str(tmp_path / "trace"), "-e", f"trace={call}"]
        subprocess.run([*command, sys.executable, "-m", "tests.hub.store.life", str(root)], timeout=60, check=True, cwd=REPOSITORY)
        counted.write_text(str((tmp_path / "trace").read_text().count(f" {call}(")))
    return int(counted.read_text())
