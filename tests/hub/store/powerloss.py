"""A disk as it may look after the power went: rebuilt from the system calls of a process, without what was not synced.

    disk = Disk.recorded([python, "-m", "tests.hub.store.life", str(root)], root)
    for moment in disk.moments():           # before each sync, and at the end
        moment.lay_out(elsewhere, names=Kept.SYNCED, bytes_=Kept.SYNCED)

A file system may keep a new name and lose the bytes behind it, or keep the bytes and lose the name: each is kept or lost apart.
Names in a folder are safe once the folder was synced, bytes once the file was. Nothing else is promised to anyone.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Union

CALLS = "openat,write,ftruncate,fsync,mkdir,rename,link,linkat,unlink,unlinkat,rmdir"

_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (\d+)", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_DESCRIPTOR = re.compile(r"^(\d+|AT_FDCWD)<((?:[^<>])*)>")


class Kept(Enum):
    """What of the names, or of the bytes, outlives the power."""

    SYNCED = "only what was synced"
    ALL = "all that was written"


@dataclass(eq=False)
class File:
    """The bytes written to a file, and those of them that are safe."""

    written: bytes = b""
    synced: bytes = b""


@dataclass(eq=False)
class Folder:
    """The names in a folder, and those that are safe."""

    written: dict[str, Union[File, "Folder"]] = field(default_factory=dict)
    synced: dict[str, Union[File, "Folder"]] = field(default_factory=dict)


class Disk:
    """Plays recorded calls, those below `root` only; `locks/` holds nothing that matters after a power loss."""

    def __init__(self, root: Path, trace: str) -> None:
        self.root = root
        self.top = Folder()
        self.trace = trace

    @classmethod
    def recorded(cls, command: list[str], root: Path) -> "Disk":
        """Run a process to its end and keep its calls."""
        trace = root.with_name("trace")
        strace = ["strace", "-f", "-y", "-qq", "-xx", "-s", "1000000", "--seccomp-bpf", "-o", str(trace), "-e", f"trace={CALLS}"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([*strace, *command], check=True, timeout=120, env=environment, cwd=Path(__file__).parents[3])
        return cls(root, trace.read_text())

    def moments(self) -> Iterator["Disk"]:
        """The disk before each sync, and at the end."""
        for line in self.trace.splitlines():
            if (found := _CALL.match(line)) is None:
                continue
            call, arguments = found[1], found[2]
            if call == "fsync":
                yield self
            getattr(self, f"_{call}")(arguments)
        yield self

    def lay_out(self, target: Path, *, names: Kept, bytes_: Kept) -> None:
        """Write the disk as it would be found into the folder `target`."""
        self._lay_out(self.top, target, names, bytes_, {})

    def _lay_out(self, folder: Folder, target: Path, names: Kept, bytes_: Kept, seen: dict[File, Path]) -> None:
        target.mkdir()
        for name, inode in (folder.written if names is Kept.ALL else folder.synced).items():
            if isinstance(inode, Folder):
                self._lay_out(inode, target / name, names, bytes_, seen)
            elif inode in seen:
                (target / name).hardlink_to(seen[inode])
            else:
                (target / name).write_bytes(inode.written if bytes_ is Kept.ALL else inode.synced)
                (target / name).chmod(0o444)
                seen[inode] = target / name

    def _openat(self, arguments: str) -> None:
        path = _paths(arguments)[0]
        if "O_CREAT" in arguments or "O_TRUNC" in arguments:
            if (found := self._find(path)) is None:
                self._put(path, File())
            elif isinstance(found, File) and "O_TRUNC" in arguments:
                found.written = b""

    def _write(self, arguments: str) -> None:
        # Everything but lock files is written from its end on.
        if isinstance(found := self._find(_descriptor(arguments)), File):
            found.written += _text(arguments)

    def _ftruncate(self, arguments: str) -> None:
        if isinstance(found := self._find(_descriptor(arguments)), File):
            found.written = found.written[: int(arguments.rpartition(",")[2])]

    def _fsync(self, arguments: str) -> None:
        match self._find(_descriptor(arguments)):
            case File() as file:
                file.synced = file.written
            case Folder() as folder:
                folder.synced = dict(folder.written)

    def _mkdir(self, arguments: str) -> None:
        self._put(_paths(arguments)[0], Folder())

    def _rename(self, arguments: str) -> None:
        old, new = _paths(arguments)
        self._put(new, self._take(old))

    def _link(self, arguments: str) -> None:
        old, new = _paths(arguments)
        self._put(new, self._find(old))

    _linkat = _link

    def _unlink(self, arguments: str) -> None:
        self._take(_paths(arguments)[0])

    _rmdir = _unlink

    def _unlinkat(self, arguments: str) -> None:
        self._take(f"{_descriptor(arguments)}/{_text(arguments).decode()}")

    def _find(self, path: str) -> File | Folder | None:
        inode: File | Folder | None = self.top
        for part in self._parts(path) or ():
            inode = inode.written.get(part) if isinstance(inode, Folder) else None
        return inode if self._parts(path) is not None else None

    def _put(self, path: str, inode: File | Folder | None) -> None:
        if (parts := self._parts(path)) and inode is not None:
            folder = self._find(str(Path(path).parent))
            assert isinstance(folder, Folder), path
            folder.written[parts[-1]] = inode

    def _take(self, path: str) -> File | Folder | None:
        if parts := self._parts(path):
            folder = self._find(str(Path(path).parent))
            assert isinstance(folder, Folder), path
            return folder.written.pop(parts[-1], None)
        return None

    def _parts(self, path: str) -> tuple[str, ...] | None:
        if not path.startswith(str(self.root)):
            return None
        parts = Path(path).relative_to(self.root).parts
        return None if parts[:1] == ("locks",) and len(parts) > 1 else parts


def _text(arguments: str) -> bytes:
    found = _TEXT.search(arguments)
    return bytes.fromhex(found[1].replace("\\x", "")) if found else b""


def _paths(arguments: str) -> list[str]:
    return [bytes.fromhex(text.replace("\\x", "")).decode() for text in _TEXT.findall(arguments)]


def _descriptor(arguments: str) -> str:
    found = _DESCRIPTOR.match(arguments)
    assert found is not None, arguments
    name = found[2]
    return bytes.fromhex(name.replace("\\x", "")).decode() if name.startswith("\\x") else name
