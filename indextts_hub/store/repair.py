"""Mending: which ranges of a bad blob are bad, what is still good of it, and laying good blobs out again where bad ones lay."""

import hashlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, FileEntry
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import sync_file, temporary_beside, unlink
from indextts_hub.store.opening import Store
from indextts_hub.store.snapshots import DIGEST_IN_PATH
from indextts_hub.store.trouble import storage_errors

__all__ = ["BadRange", "bad_ranges", "lay_out_again", "seed_partial"]


@dataclass(frozen=True, slots=True)
class BadRange:
    """Bytes `start` to `stop` of a file, the latter not included, that are not what they should be."""

    start: ByteCount
    stop: ByteCount


def bad_ranges(path: Path, file: FileEntry) -> tuple[BadRange, ...]:
    """Say which chunks of the bytes at `path` are not those of `file`; the whole file where its chunks have no digests.

    Raises:
        StorageError, NotFound: it can't be read.
    """
    if file.chunks is None:
        return (BadRange(ByteCount(0), file.size),)
    with open_regular(path) as opened, storage_errors(path):
        return tuple(_bad_chunks(opened.fileno(), file.size, file.chunks))


def seed_partial(store: Store, put_aside: Path, file: FileEntry) -> Path | None:
    """Begin the partial of `file` with a copy of what was put aside, so that a transfer fetches only the chunks that are bad.

    The transfer checks every chunk of it before it counts. Call under the blob's `writing` lock.

    Returns:
        The partial; None where that would be of no use: the chunks have no digests, or a partial is there already.

    Raises:
        StorageError: as `storage_errors`.
    """
    partial = store.partials / f"{file.sha256}.part"
    if file.chunks is None or os.path.lexists(partial):
        return None
    building = temporary_beside(partial)
    try:
        with open_regular(put_aside) as source, storage_errors(partial), building.open("xb") as target:
            left = file.size
            while left and (body := source.read(min(left, 2**20))):
                target.write(body)
                left = ByteCount(left - len(body))
        sync_file(building)
        with storage_errors(partial):
            building.rename(partial)
    except BaseException:
        unlink(building)
        raise
    return partial


def lay_out_again(store: Store, digests: Collection[Digest]) -> list[tuple[str, Digest]]:
    """Replace the files of these blobs in every version that has them, where they are not the blobs themselves.

    Returns:
        The versions that were mended, by name and digest.

    Raises:
        NotFound: E_NO_BLOB, if one of the blobs is not in the store.
        StorageError: the disk would not take it; each file is as it was or as it should be.
    """
    mended = []
    for name, digest in store.snapshots.list():
        path = store.snapshots.path(name, digest)
        files = [file for file in store.manifests.read(digest).files if file.sha256 in digests]
        stale = [file for file in files if os.path.lexists(path / file.path) and not _is_blob(store, path, file)]
        for file in stale:
            store.snapshots.replace_file(path, file)
        if stale:
            store.layouts.remove(name, digest[:DIGEST_IN_PATH])
            mended.append((name, digest))
    return mended


def _bad_chunks(descriptor: int, size: ByteCount, chunks: ChunkDigests) -> Iterator[BadRange]:
    for number, expected in enumerate(chunks.sha256):
        start = number * chunks.size
        stop = min(start + chunks.size, size)
        if _digest_of_range(descriptor, start, stop) != expected:
            yield BadRange(ByteCount(start), ByteCount(stop))
    if os.fstat(descriptor).st_size > size:
        yield BadRange(size, ByteCount(os.fstat(descriptor).st_size))


def _digest_of_range(descriptor: int, start: int, stop: int) -> str:
    os.lseek(descriptor, start, os.SEEK_SET)
    hasher, left = hashlib.sha256(), stop - start
    while left and (body := os.read(descriptor, min(left, 2**20))):
        hasher.update(body)
        left -= len(body)
    return hasher.hexdigest()


def _is_blob(store: Store, path: Path, file: FileEntry) -> bool:
    try:
        return (path / file.path).samefile(store.blobs.path(file.sha256))
    except OSError:
        return False
