"""Who may write what, now: file locks that the operating system drops when their holder dies.

Nothing is ever 'stale': a lock is held by an open file, not by a file's presence, and a process that was killed holds none.
Each lock's file carries a note of who took it, so that whoever waits can be told; the note decides nothing.

Three kinds:

    lease(digest)      'this version is in use here': any number at once; `gc` leaves alone what is under one. `Store.claim`
                       takes it, before anyone looks which blobs are present
    writing(digests)   one writer a blob; taken sorted, so that two pulls can't wait for each other
    roots()            what may be collected is looked at or changed: names, leases, `gc`. Held for moments, and nobody who
                       holds it waits for another lock
"""

import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.errors import Busy
from indextts_hub.manifest import Digest
from indextts_hub.store.trouble import storage_errors

__all__ = ["Locks", "exclusive", "who"]

# `roots` is held while a small file is written or names are unlinked: after a minute something is badly wrong.
ROOTS_WAIT_SECONDS = 60.0
# What is held for moments is had within moments; whoever waits longer asks less often, and costs nothing.
FIRST_POLL_SECONDS = 0.001
LONGEST_POLL_SECONDS = 0.05
# Windows locks the first byte against reading too: the note stands behind it.
_NOTE_OFFSET = 1
_LONGEST_NOTE = 1000


def who() -> str:
    """`user@host`: who acts here, for notes, names and events."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user id in the system's list, as in many containers
        user = f"uid{os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks of one store, in `folder`."""

    folder: Path

    @contextmanager
    def lease(self, digest: Digest, *, act: str) -> Iterator[None]:
        """Mark a version as in use until the end, of the process at the latest. Enter within `roots`; leave whenever.

        Raises:
            StorageError: as `storage_errors`.
        """
        with self._passing(f"lease-{digest}-{secrets.token_hex(6)}", act, 0.0):
            yield

    @contextmanager
    def writing(self, digests: Iterable[Digest], *, act: str, wait: float) -> Iterator[None]:
        """Be the one writer of these blobs.

        Args:
            digests: all that may be written; each counts once.
            act: what is being done, for those who wait: `pull v23`.
            wait: seconds to wait for all of them together.

        Raises:
            Busy: E_BUSY, naming the holder, if one of them is held for longer.
            StorageError: as `storage_errors`; E_READ_ONLY or E_PERMISSION in a store that can't be written.
        """
        deadline = time.monotonic() + wait
        with ExitStack() as held:
            for digest in sorted(set(digests)):
                left = max(0.0, deadline - time.monotonic())
                held.enter_context(self._passing(f"blob-{digest}", act, left))
            yield

    @contextmanager
    def roots(self, *, act: str, wait: float = ROOTS_WAIT_SECONDS) -> Iterator[None]:
        """Be the only one who looks at, or changes, what decides which blobs are needed.

        Raises:
            Busy: E_BUSY, naming the holder.
            StorageError: as `storage_errors`.
        """
        with exclusive(self._path("roots"), act=act, wait=wait):
            yield

    def leased(self) -> frozenset[str]:
        """The digests of versions that a living process has a lease on. Call within `roots`.

        Raises:
            StorageError: as `storage_errors`.
        """
        return frozenset(name.split("-")[1] for name in self._held("lease-"))

    def being_written(self) -> frozenset[str]:
        """The digests of blobs that a living process may be writing. Call within `roots`.

        Raises:
            StorageError: as `storage_errors`.
        """
        return frozenset(name.removeprefix("blob-") for name in self._held("blob-"))

    def _held(self, prefix: str) -> Iterator[str]:
        with storage_errors(self.folder):
            names = sorted(name.removesuffix(".lock") for name in os.listdir(self.folder) if name.startswith(prefix))
        for name in names:
            try:
                # What the dead left is taken for a moment, and goes away with it.
                with self._passing(name, "look", 0.0):
                    pass
            except Busy:
                yield name

    @contextmanager
    def _passing(self, name: str, act: str, wait: float) -> Iterator[None]:
        # The file goes while its lock is held: whoever waited on it finds no file, or another, under the name and tries again.
        with exclusive(self._path(name), act=act, wait=wait):
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes no open file; the next holder takes it over
                    self._path(name).unlink()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"


@contextmanager
def exclusive(path: Path, *, act: str, wait: float) -> Iterator[None]:
    """Hold the lock whose file is `path`; the file stays.

    Args:
        act: what is being done, for those who wait.
        wait: seconds.

    Raises:
        Busy: E_BUSY, naming the holder.
        StorageError: as `storage_errors`.
    """
    deadline = time.monotonic() + wait
    pause = FIRST_POLL_SECONDS
    with storage_errors(path):
        descriptor = _try(path)
        while descriptor is None:
            if time.monotonic() >= deadline:
                raise _busy(path)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SECONDS)
            descriptor = _try(path)
    try:
        _leave_note(descriptor, act)
        yield
    finally:
        os.close(descriptor)


def _try(path: Path) -> int | None:
    from filelock import lock_descriptor  # 35 ms that commands which only read do not spend

    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, 0o644)
    try:
        if lock_descriptor(descriptor, blocking=False) and _is_still(path, descriptor):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _leave_note(descriptor: int, act: str) -> None:
    note = {"pid": os.getpid(), "who": who(), "act": act, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    with suppress(OSError):  # a full disk must not keep `gc` from freeing it
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, _NOTE_OFFSET, os.SEEK_SET)
        os.write(descriptor, json.dumps(note).encode())


def _busy(path: Path) -> Busy:
    try:
        with path.open("rb") as file:
            file.seek(_NOTE_OFFSET)
            note = json.loads(file.read(_LONGEST_NOTE))
        holder = f"{note['who']}, process {note['pid']} ({note['act']}, since {note['since']})"
    except (OSError, ValueError, LookupError, TypeError):
        holder = "another process"
    return Busy(
        f"{path.stem[:40]} is held by {holder}",
        remedy="wait for it to end, or give it longer with --wait SECONDS",
    )
