"""A database killed at every system call that writes is whole: a pull is in it with all its transfers, or not at all."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub.db import open_database, pulls_of, sqlite_url
from indextts_hub.db.session import HEAD, current_revision
from tests.hub.db import life

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace injects the faults"),
]

# More than any call is made in one life: a sweep that gets there does not end.
FAR = 400


@pytest.mark.parametrize(("call", "step"), [("fsync,fdatasync", 1), ("pwrite64", 13), ("unlink", 1), ("ftruncate", 1)])
def test_a_process_killed_at_any_call_leaves_a_whole_database(tmp_path: Path, call: str, step: int) -> None:
    """S01: the SQLite steps."""
    for number in range(1, FAR, step):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", os.devnull, "-e", f"inject={call}:signal=KILL:when={number}"]
        done = subprocess.run(
            [*command, sys.executable, "-m", "tests.hub.db.life", str(folder / "hub.sqlite3"), "first"],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, timeout=60, check=False, cwd=Path(__file__).parents[3],
        )  # fmt: skip
        life.live(folder / "hub.sqlite3", "second")
        database = open_database(sqlite_url(folder / "hub.sqlite3"))
        assert current_revision(database) == HEAD
        pulls = pulls_of(database, life.DIGEST)
        database.close()
        assert [pull.version for pull in pulls] in (["second"], ["second", "first"])
        assert all(len(pull.transfers) == 2 for pull in pulls)
        with sqlite3.connect(folder / "hub.sqlite3") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        if done.returncode == 0:
            assert len(pulls) == 2
            return
    pytest.fail("it never came to the end")
