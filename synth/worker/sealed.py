"""Bytes that are hashed once and then stay what they were: what an engine loads is what the digest is of.

Two ways, and what each leaves open:

- sealed (Linux): the file is copied into memory while it is hashed, from one buffer, and the copy is sealed: the kernel refuses
  every write to it and every change of its length, from anybody, for as long as it lives. Whatever happens to the file afterwards
  changes nothing. It takes as much memory as the file is long, until the engine has loaded it.
- watched (elsewhere, or where nobody wants the copy): the file itself is hashed, and must still have the same length and the same
  times of change when it has been loaded; the kernel sets them at every write and every new name, and only it can set the last of
  them (Windows keeps no such time). Later, while it may still be mapped, a write is an alarm, and a new name or mode alone (which a
  pull of another version with the same file gives it) has it hashed again. That leaves open: whoever may set the machine's clock or
  write to the disk below the file system; a disk that gives other bytes the second time; a program that had the file mapped for
  writing before; and, while it is served, whoever writes, writes back and sets the time, all between two segments.

Standard library only: it runs in every engine's environment.
"""

import hashlib
import os
import sys
from dataclasses import dataclass
from typing import BinaryIO

from indextts_hub.errors import IntegrityError

__all__ = ["CAN_SEAL", "Held", "hold"]

CAN_SEAL = sys.platform == "linux" and hasattr(os, "memfd_create")

_BUFFER = 1 << 20


@dataclass(slots=True)
class Held:
    """A file's bytes, hashed.

    Attributes:
        file: to read them from, at its beginning; the holder closes it.
        sha256: of them.
        sealed: whether they can't change any more; else `assert_unchanged` says afterwards whether they did.
        marks: the file's, from before it was hashed.
    """

    file: BinaryIO
    sha256: str
    sealed: bool
    marks: "_Marks"

    def assert_loaded(self, name: str) -> None:
        """After loading: see that nobody touched the file meanwhile; of sealed ones that is known.

        Raises:
            IntegrityError: E_INTEGRITY; perhaps it only got another name, and a second try will do.
        """
        if not self.sealed and _Marks.of(self.file) != self.marks:
            raise _written_to(name)

    def assert_unchanged(self, name: str) -> None:
        """Later: see that nobody wrote to the file; a microsecond, unless it got another name or mode and is hashed again.

        Raises:
            IntegrityError: E_INTEGRITY.
        """
        if self.sealed or (now := _Marks.of(self.file)) == self.marks:
            return
        if now.written != self.marks.written:
            raise _written_to(name)
        self.file.seek(0)
        if _hashed(self.file, None) != self.sha256:
            raise _written_to(name)
        self.marks = now


@dataclass(frozen=True, slots=True)
class _Marks:
    """What tells that a file was touched.

    Attributes:
        written: which file it is, its length in bytes and when it was written to, as far as nobody set that time.
        touched: when it was written to or got another name, mode or time: only the kernel sets it.
    """

    written: tuple[int, ...]
    touched: int

    @classmethod
    def of(cls, file: BinaryIO) -> "_Marks":
        found = os.fstat(file.fileno())
        return cls((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns), found.st_ctime_ns)


def hold(source: BinaryIO, *, seal: bool) -> Held:
    """Hash what an open file holds, from its first byte on, and hold it.

    Args:
        source: a regular file; with `seal` it may be closed afterwards, without it is what is held.
        seal: copy it into memory and seal the copy, where the system can.

    Raises:
        OSError: it can't be read, or there is no memory for the copy.
    """
    marks = _Marks.of(source)
    source.seek(0)
    if not (seal and CAN_SEAL):
        sha256 = _hashed(source, None)
        source.seek(0)
        return Held(source, sha256, sealed=False, marks=marks)
    copy = _memory()
    try:
        sha256 = _hashed(source, copy)
        _seal(copy)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return Held(copy, sha256, sealed=True, marks=marks)


def _hashed(source: BinaryIO, copy: BinaryIO | None) -> str:
    """Hash what is left of `source`; what goes into the copy is what was hashed, byte for byte."""
    hasher, buffer = hashlib.sha256(), bytearray(_BUFFER)
    view = memoryview(buffer)
    while count := source.readinto(view):  # type: ignore[attr-defined]
        hasher.update(view[:count])
        written = 0
        while copy is not None and written < count:
            written += copy.write(view[written:count])
    return hasher.hexdigest()


def _memory() -> BinaryIO:
    if sys.platform != "linux":
        raise OSError("no sealed memory here")
    return os.fdopen(os.memfd_create("weights", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b", buffering=0)


def _seal(copy: BinaryIO) -> None:
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(copy, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)


def _written_to(name: str) -> IntegrityError:
    return IntegrityError(
        f"{name} was written to after it was hashed", remedy="find out who writes to it, then run `indextts-hub verify --repair`"
    )
