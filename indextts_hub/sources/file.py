"""Mirrors of kind `file`: a folder, on a stick, a network drive or this disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from indextts_hub.errors import Lied, SourceError
from indextts_hub.manifest import ByteCount
from indextts_hub.paths import portable_path
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import Body, ByteRange, Description, EntryOptions, Limits, MirrorOptions, RemoteFile, Source

__all__ = ["Entry", "FolderSource", "Mirror", "connect"]


class Mirror(MirrorOptions):
    """`base`: the folder; `~` is the user's home."""

    kind: Literal["file"]
    base: str


class Entry(EntryOptions):
    """Nothing but the template of the path below the folder."""


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A version in a folder."""

    mirror: str
    limits: Limits
    base: Path
    entry: EntryOptions

    def describe(self, file: RemoteFile) -> Description:
        """Look at the file."""
        with self._opened(file) as opened:
            return Description(ByteCount(os.fstat(opened.fileno()).st_size), ranges=True)

    @contextmanager
    def open(self, file: RemoteFile, extent: ByteRange) -> Iterator[Body]:
        """Open the file at the range's start."""
        with self._opened(file) as opened:
            if (size := os.fstat(opened.fileno()).st_size) != file.size:
                raise Lied(f"{self.mirror} has {size} bytes of {file.path} where {file.size} belong", remedy="use another mirror")
            opened.seek(extent.start)
            yield _Part(self, file, opened, extent.size)

    def address(self, file: RemoteFile) -> str | None:  # noqa: ARG002
        """A folder is this machine's own."""
        return None

    def close(self) -> None:
        """Nothing lies idle."""

    @contextmanager
    def _opened(self, file: RemoteFile) -> Iterator[BinaryIO]:
        path = self.base / portable_path(self.entry.locate(file))
        try:
            with path.open("rb", buffering=0) as opened:
                yield opened
        except OSError as error:
            raise self.trouble(file, error) from None

    def trouble(self, file: RemoteFile, error: OSError) -> SourceError:
        """What the operating system said, as a source's error."""
        missing = isinstance(error, FileNotFoundError)
        return SourceError(
            f"{self.mirror} can't give {file.path}: {error.strerror}",
            remedy=f"look whether {self.base} is there, or use another mirror",
            code="E_NOT_THERE" if missing else "E_SOURCE",
        )


@dataclass(slots=True)
class _Part:
    """What is left of a range in an open file."""

    source: FolderSource
    file: RemoteFile
    opened: BinaryIO
    left: int

    def readinto(self, buffer: memoryview, /) -> int:
        """Read on, not beyond the range."""
        try:
            count = self.opened.readinto(buffer[: self.left])  # type: ignore[attr-defined]
        except OSError as error:
            raise self.source.trouble(self.file, error) from None
        self.left -= count
        return int(count)


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:  # noqa: ARG001 - one signature for all
    """Make the source of a version in a folder."""
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked it against this module's model
    return FolderSource(name, mirror.limits, Path(mirror.base).expanduser(), entry)
