"""A file under way: `partial/SHA256.part` with the bytes, `partial/SHA256.map` with what is known of them.

The map is JSON: the file's digest and size, the chunks' size, and of each chunk that arrived the SHA-256 and who gave it. It is a
hint: every chunk it names is hashed again when a transfer resumes, so a map that is torn, foreign, of another version or from the
future costs time and never a wrong byte; and nothing needs to be synced while bytes arrive.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from indextts_hub.manifest import Digest, FileEntry
from indextts_hub.sources import ByteRange
from indextts_hub.store.trouble import storage_errors
from indextts_hub.transfer.plan import chunks_of, digest_of_chunk

__all__ = ["Partial", "open_partial", "partial_path"]

SCHEMA = 1
BLOCK = 1 << 20


@dataclass(slots=True)
class Partial:
    """The bytes of one file as they arrive. Safe to use from several threads, each at its own place.

    Attributes:
        done: the digest of each chunk that arrived.
        givers: the mirror that gave each of them, as far as it is known.
    """

    entry: FileEntry
    path: Path
    map_path: Path
    chunks: tuple[ByteRange, ...]
    descriptor: int
    done: dict[int, Digest] = field(default_factory=dict)
    givers: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, offset: int, body: memoryview) -> None:
        """Put bytes in their place.

        Raises:
            StorageError: the disk would not take them.
        """
        with storage_errors(self.path):
            while body:
                with self._placed(offset) as place:
                    count = os.write(self.descriptor, body) if place else os.pwrite(self.descriptor, body, offset)
                body, offset = body[count:], offset + count

    def read(self, extent: ByteRange) -> Iterator[bytes]:
        """The bytes of a range, a block at a time; fewer if the file is shorter.

        Raises:
            StorageError: the disk would not give them.
        """
        for start in range(extent.start, extent.stop, BLOCK):
            with storage_errors(self.path), self._placed(start) as place:
                count = min(BLOCK, extent.stop - start)
                block = os.read(self.descriptor, count) if place else os.pread(self.descriptor, count, start)
            if not block:
                return
            yield block

    def chunk_digest(self, number: int) -> Digest:
        """SHA-256 of what stands in a chunk's place."""
        hasher = hashlib.sha256()
        for block in self.read(self.chunks[number]):
            hasher.update(block)
        return Digest(hasher.hexdigest())

    def mark(self, number: int, digest: Digest, giver: str) -> None:
        """Note that a chunk arrived, what it hashes to, and which mirror gave it."""
        with self._lock:
            self.done[number] = digest
            self.givers[number] = giver
            self._write_map()

    def unmark(self, number: int) -> None:
        """Forget a chunk: it must arrive again."""
        with self._lock:
            self.done.pop(number, None)
            self.givers.pop(number, None)
            self._write_map()

    def close(self) -> None:
        """Close the file; what arrived stays for the next time."""
        os.close(self.descriptor)

    def forget(self) -> None:
        """Remove the map: the file is whole and goes into the store."""
        with suppress(FileNotFoundError):
            self.map_path.unlink()

    @contextmanager
    def _placed(self, offset: int) -> Iterator[bool]:
        # Windows has no pread and pwrite: there the file's one position is moved under a lock.
        if hasattr(os, "pwrite"):
            yield False
            return
        with self._lock:
            os.lseek(self.descriptor, offset, os.SEEK_SET)
            yield True

    def _write_map(self) -> None:
        document = {
            "schema": SCHEMA,
            "sha256": self.entry.sha256,
            "size": self.entry.size,
            "chunk": self.chunks[0].size,
            "done": {str(number): digest for number, digest in self.done.items()},
            "by": {str(number): giver for number, giver in self.givers.items()},
        }
        beside = self.map_path.with_suffix(".map.tmp")
        with storage_errors(self.map_path):
            beside.write_text(json.dumps(document), "ascii")
            beside.replace(self.map_path)


def partial_path(folder: Path, digest: Digest) -> Path:
    """Where the bytes of a file are while it is under way."""
    return folder / f"{digest}.part"


def open_partial(folder: Path, entry: FileEntry) -> Partial:
    """Open the partial of a file, or begin one; every chunk that an earlier transfer left is hashed before it counts.

    Raises:
        StorageError: the disk would not take it, or something that is no file stands in its place.
    """
    path, map_path = partial_path(folder, entry.sha256), folder / f"{entry.sha256}.map"
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with storage_errors(path):
        descriptor = os.open(path, flags, 0o644)
    partial = Partial(entry, path, map_path, chunks_of(entry), descriptor)
    try:
        with storage_errors(path):
            if os.fstat(descriptor).st_size > entry.size:
                os.ftruncate(descriptor, entry.size)
        believed, givers = _believed(map_path, entry, partial.chunks)
        if entry.chunks is not None and os.fstat(descriptor).st_size:
            believed = dict(enumerate(entry.chunks.sha256))  # the manifest knows better than any map
        for number, digest in believed.items():
            wanted = digest_of_chunk(entry, number) or digest
            if partial.chunk_digest(number) == wanted:
                partial.done[number] = wanted
                if number in givers:
                    partial.givers[number] = givers[number]
    except BaseException:
        partial.close()
        raise
    return partial


def _believed(map_path: Path, entry: FileEntry, chunks: tuple[ByteRange, ...]) -> tuple[dict[int, Digest], dict[int, str]]:
    try:
        document = json.loads(map_path.read_bytes())
        about = (document["schema"], document["sha256"], document["size"], document["chunk"])
        if about != (SCHEMA, entry.sha256, entry.size, chunks[0].size):
            return {}, {}
        done = {int(number): Digest(str(digest)) for number, digest in document["done"].items() if 0 <= int(number) < len(chunks)}
        return done, {int(number): str(giver)[:255] for number, giver in document.get("by", {}).items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, {}
