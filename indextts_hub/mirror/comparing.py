"""Whether a mirror has what it should, found out by fetching as little as says so.

Rules:
1. A small file is fetched whole and hashed. Of a large one the size counts, and parts of it at its ends and at random places:
   compared with the blob that is here, or, where none is, whole chunks by the catalogue's chunk digests.
2. Where neither is known, only the size is compared, and the finding says so.
3. What is other than it should be is `stale` if it is what another version of the same name has there, else `wrong`.
"""

import hashlib
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from indextts_hub.errors import HubError, Lied, SourceError
from indextts_hub.manifest import ByteCount, ChunkDigests
from indextts_hub.sources import ByteRange, RemoteFile, Source

__all__ = ["SMALL", "Comparison", "State", "Truth", "compare", "digest_there"]

SMALL = 1 << 20
# Of a file of gigabytes: enough to notice one that was cut, mixed up or replaced; that no single bit has turned, `whole` says.
SAMPLES = 8
SAMPLE = 64 << 10
BLOCK = 1 << 20

State = Literal["right", "missing", "stale", "wrong", "unreachable"]
Means = Literal["bytes", "samples", "chunks", "size"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a file must be.

    Attributes:
        blob: it, open for reading, if it is here.
        chunks: the digests of its chunks, if they are known.
        older: what other versions of the name have under the same path, if it is here.
    """

    blob: BinaryIO | None
    chunks: ChunkDigests | None
    older: Sequence[BinaryIO] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a mirror has.

    Attributes:
        means: what was compared; `size` proves little.
        fetched: bytes.
        error: why it can't be told, or what is wrong.
    """

    state: State
    means: Means
    fetched: int = 0
    error: HubError | None = None


class _Reader:
    """Reads ranges of a file on a mirror and counts what came."""

    def __init__(self, source: Source, file: RemoteFile) -> None:
        self.source = source
        self.file = file
        self.fetched = 0

    def blocks(self, extent: ByteRange) -> Iterator[bytes]:
        """The bytes of a range, a block at a time.

        Raises:
            SourceError: the mirror would not give all of them.
        """
        buffer, got = memoryview(bytearray(BLOCK)), 0
        with self.source.open(self.file, extent) as body:
            while got < extent.size:
                count = body.readinto(buffer[: extent.size - got])
                if not count:
                    raise SourceError(f"{self.source.mirror} sent too little", remedy="try again", code="E_TRUNCATED")
                got, self.fetched = got + count, self.fetched + count
                yield bytes(buffer[:count])

    def digest(self, extent: ByteRange) -> str:
        """SHA-256 of a range."""
        hasher = hashlib.sha256()
        for block in self.blocks(extent):
            hasher.update(block)
        return hasher.hexdigest()


def compare(source: Source, file: RemoteFile, truth: Truth, rng: random.Random, *, whole: bool = False) -> Comparison:
    """Compare what a mirror has under a file's name with what the file must be.

    Args:
        rng: chooses the places of samples.
        whole: fetch and hash all of it, however large.
    """
    reader = _Reader(source, file)
    means: Means = "size"
    try:
        size = source.describe(file).size
        if size is not None and size != file.size:
            raise Lied(f"{source.mirror} has {size} bytes where {file.size} belong", remedy="sync it again", code="E_SIZE_MISMATCH")
        means, right = _compared(reader, truth, rng, whole=whole)
    except Lied as error:
        return Comparison(_stale_or_wrong(source, file, truth, rng), means, reader.fetched, error)
    except SourceError as error:
        if error.code == "E_NO_RANGES":
            return Comparison("right", "size", reader.fetched)
        return Comparison("missing" if error.code == "E_NOT_THERE" else "unreachable", means, reader.fetched, error)
    except HubError as error:
        return Comparison("unreachable", means, reader.fetched, error)
    return Comparison("right" if right else _stale_or_wrong(source, file, truth, rng), means, reader.fetched)


def digest_there(source: Source, file: RemoteFile) -> str:
    """SHA-256 of all that a mirror gives under a file's name.

    Raises:
        SourceError: it would not give all of it.
    """
    return _Reader(source, file).digest(ByteRange(0, file.size))


def _compared(reader: _Reader, truth: Truth, rng: random.Random, *, whole: bool) -> tuple[Means, bool]:
    size = reader.file.size
    if whole or size <= SMALL:
        return "bytes", reader.digest(ByteRange(0, size)) == reader.file.sha256
    if truth.blob is not None:
        return "samples", _same_samples(reader, truth.blob, rng)
    if (chunks := truth.chunks) is not None:
        numbers = {0, len(chunks.sha256) - 1, rng.randrange(len(chunks.sha256))}
        extents = {n: ByteRange(n * chunks.size, min(size, (n + 1) * chunks.size)) for n in sorted(numbers)}
        return "chunks", all(reader.digest(extent) == chunks.sha256[n] for n, extent in extents.items())
    return "size", True


def _same_samples(reader: _Reader, blob: BinaryIO, rng: random.Random) -> bool:
    size = reader.file.size
    inner = (rng.randrange(max(1, size - SAMPLE)) for _ in range(SAMPLES - 2))
    for start in sorted({0, max(0, size - SAMPLE), *inner}):
        extent = ByteRange(start, min(size, start + SAMPLE))
        blob.seek(start)
        if b"".join(reader.blocks(extent)) != _exactly(blob, extent.size):
            return False
    return True


def _stale_or_wrong(source: Source, file: RemoteFile, truth: Truth, rng: random.Random) -> State:
    for blob in truth.older:
        size = os.fstat(blob.fileno()).st_size
        reader = _Reader(source, replace(file, size=ByteCount(size)))
        try:
            if _same_samples(reader, blob, rng):
                return "stale"
        except HubError:
            continue
    return "wrong"


def _exactly(blob: BinaryIO, count: int) -> bytes:
    body = b""
    while len(body) < count and (more := blob.read(count - len(body))):
        body += more
    return body
