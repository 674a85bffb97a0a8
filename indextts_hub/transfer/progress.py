"""What a transfer tells whoever watches it, as it happens. Called from several threads, one call at a time."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from indextts_hub.paths import PortablePath

__all__ = ["ChunkBad", "ChunkDone", "FileDone", "FileStarted", "MirrorLeft", "Moved", "Progress", "ProgressEvent", "Silent"]


@dataclass(frozen=True, slots=True)
class FileStarted:
    """A file is under way; `present` of its `size` bytes were found in a partial."""

    path: PortablePath
    size: int
    present: int


@dataclass(frozen=True, slots=True)
class Moved:
    """`bytes` arrived from a mirror; negative if they turn out useless."""

    path: PortablePath
    mirror: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ChunkBad:
    """A chunk's bytes were not what they should be."""

    path: PortablePath
    mirror: str
    number: int


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """A chunk stands in its place in the partial; its digest is right, where the manifest's chunk digests say which that is."""

    path: PortablePath
    number: int


@dataclass(frozen=True, slots=True)
class MirrorLeft:
    """A mirror is asked no more: for this file, or, after a lie or a refusal, in this pull."""

    path: PortablePath
    mirror: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileDone:
    """A file is whole and its digest is right."""

    path: PortablePath


ProgressEvent: TypeAlias = FileStarted | Moved | ChunkBad | ChunkDone | MirrorLeft | FileDone


class Progress(Protocol):
    """Whoever watches."""

    def __call__(self, event: ProgressEvent, /) -> None:
        """Take note of an event; must not wait."""
        ...


class Silent:
    """Nobody watches."""

    def __call__(self, event: ProgressEvent, /) -> None:
        """Take no note."""
