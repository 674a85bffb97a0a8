"""What is to be fetched, in which chunks, from whom. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indextts_hub.manifest import Digest, FileEntry
from indextts_hub.sources import ByteRange, RemoteFile, Source

__all__ = ["FilePlan", "Plan", "chunks_of", "digest_of_chunk", "ranges_of"]

# Where the manifest has no chunk digests. A broken or doubtful chunk is fetched again: 8 MiB are a second on a fast link, and over
# 9 GB a thousand chunks keep eight connections busy to the end.
CHUNK = 8 << 20


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file and the sources that may have it, each with the file as it knows it; the preferred first."""

    entry: FileEntry
    sources: tuple[tuple[RemoteFile, Source], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to fetch, each content once."""

    files: tuple[FilePlan, ...]

    @property
    def size(self) -> int:
        """The sum of the files' sizes in bytes."""
        return sum(file.entry.size for file in self.files)


def chunks_of(file: FileEntry) -> tuple[ByteRange, ...]:
    """The ranges a file is fetched in: those of its chunk digests, or of 8 MiB; the last may be shorter."""
    size = file.chunks.size if file.chunks else CHUNK
    return tuple(ByteRange(start, min(start + size, file.size)) for start in range(0, file.size, size))


def ranges_of(chunks: Sequence[ByteRange], givers: Mapping[int, str]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Which ranges of a file each mirror gave, those that touch joined: from the first byte to the one after the last.

    Args:
        givers: the mirror of each chunk, by the chunk's number; of some it may not be known.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for number in sorted(givers):
        extent, ranges = chunks[number], found.setdefault(givers[number], [])
        if ranges and ranges[-1][1] == extent.start:
            ranges[-1] = (ranges[-1][0], extent.stop)
        else:
            ranges.append((extent.start, extent.stop))
    return {name: tuple(ranges) for name, ranges in found.items()}


def digest_of_chunk(file: FileEntry, number: int) -> Digest | None:
    """What a chunk must hash to, where the manifest says."""
    return file.chunks.sha256[number] if file.chunks else None
