"""One writer a blob, and a lock that ends with its holder."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from indextts_hub.errors import Busy
from indextts_hub.manifest import Digest
from indextts_hub.store import Store
from tests.hub.store.shelf import Shelf

A, B = Digest("a" * 64), Digest("b" * 64)


@contextmanager
def another_process(store: Store, held: str) -> Iterator[subprocess.Popen[str]]:
    """A process that enters `held` (an expression over `store`), and then waits to be told to end, or killed."""
    body = (
        "import sys; from pathlib import Path; from indextts_hub.store import open_store\n"
        f"store = open_store(Path({str(store.root)!r}))\nwith {held}:\n print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    with process:
        yield process


def test_a_second_writer_is_told_who_is_at_work(store: Store) -> None:
    with another_process(store, f"store.locks.writing(['{A}'], act='pull v23', wait=0)") as process:
        with pytest.raises(Busy) as busy, store.locks.writing([B, A], act="pull v25", wait=0.2):
            pass
        assert f"process {process.pid} (pull v23" in busy.value.message
        assert busy.value.exit_code == 7
        with store.locks.writing([B], act="pull v25", wait=0):
            pass


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_holder_holds_nothing(store: Store) -> None:
    """S16: no lock is left for a person to delete, and no living holder is robbed."""
    with another_process(store, f"store.locks.writing(['{A}'], act='pull v23', wait=0)") as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        with store.locks.writing([A], act="pull v23", wait=1):
            pass
    assert "blob" not in str(os.listdir(store.locks.folder))


def test_a_note_of_a_dead_holder_decides_nothing(store: Store) -> None:
    """S16: the note's process number may long be someone else's."""
    (store.locks.folder / f"blob-{A}.lock").write_text(f' {{"pid": {os.getpid()}}}')
    with store.locks.writing([A], act="pull", wait=0):
        pass


def test_whoever_waits_goes_on_when_the_holder_is_done(store: Store) -> None:
    entered = threading.Event()

    def second() -> None:
        with store.locks.writing([A], act="second", wait=10):
            entered.set()

    waiting = threading.Thread(target=second)
    with store.locks.writing([A], act="first", wait=0):
        waiting.start()
        assert not entered.wait(0.2)
    waiting.join(10)
    assert entered.is_set()


def test_many_threads_take_turns(store: Store) -> None:
    """The file of a lock comes and goes; never are there two holders."""
    inside, most, done = [], [0], []

    def work() -> None:
        for _ in range(10):
            with store.locks.writing([A], act="turn", wait=30):
                inside.append(1)
                most[0] = max(most[0], len(inside))
                inside.pop()
                done.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 40
    assert most == [1]


def test_a_claim_is_seen_while_its_process_lives(store: Store, shelf: Shelf) -> None:
    """S11: what is being pulled or served is never collected."""
    first, second = shelf.version("v23", {"a": b"1"}), shelf.version("v25", {"a": b"2"})
    held = f"store.claim('v23', store.manifests.read('{first.digest}'), act='serve')"
    with another_process(store, held) as process:
        with store.claim("v25", second, act="pull"), store.locks.roots(act="gc"):
            assert store.locks.leased() == {first.digest, second.digest}
        process.kill()
        process.wait(10)
        with store.locks.roots(act="gc"):
            assert store.locks.leased() == frozenset()
    assert os.listdir(store.locks.folder) == ["roots.lock"]


def test_blobs_being_written_are_seen(store: Store) -> None:
    with store.locks.writing([A], act="pull", wait=0):
        assert store.locks.being_written() == {A}
    assert store.locks.being_written() == frozenset()


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
def test_a_lock_file_that_is_a_link_is_not_followed(store: Store) -> None:
    """S18."""
    victim = store.root / "README"
    before = victim.read_bytes()
    (store.locks.folder / "roots.lock").unlink(missing_ok=True)
    (store.locks.folder / "roots.lock").symlink_to(victim)
    with pytest.raises(Exception, match="symbolic link"), store.locks.roots(act="gc"):
        pass
    assert victim.read_bytes() == before
