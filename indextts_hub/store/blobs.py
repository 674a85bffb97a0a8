"""Every byte once: read-only files named by the SHA-256 of what they hold, `blobs/sha256/ab/abcd…`.

1.  A blob's name appears only when all its bytes are on the disk; it is never written in place afterwards.
2.  What comes in was hashed by whoever brought it; what lies here is hashed again by `check`, and only that finding counts.
3.  Only regular files are blobs. A link, pipe, folder or device under a blob's name is refused, never followed or waited for.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from indextts_hub.errors import IntegrityError, NotFound, StorageError
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, check_digest
from indextts_hub.store.durable import adopt_file, make_folder, remove_file, sync_folder
from indextts_hub.store.trouble import storage_errors

__all__ = ["BlobFinding", "Blobs", "digest_of"]

READ_ONLY = 0o444


@dataclass(frozen=True, slots=True)
class BlobFinding:
    """What hashing a blob again found.

    Attributes:
        digest: what it should hash to.
        actual: what it hashes to; None where it could not be read.
        problem: None if all is well, else in one line what is wrong.
    """

    digest: Digest
    actual: Digest | None
    problem: str | None

    @property
    def ok(self) -> bool:
        """Whether the bytes are the digest's."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Blobs:
    """The blobs of one store.

    Attributes:
        folder: `blobs/sha256` of the store.
        quarantine: where bad ones are kept out of use, on the same file system.
    """

    folder: Path
    quarantine: Path

    def path(self, digest: Digest) -> Path:
        """Where the blob is, or would be."""
        return self.folder / digest[:2] / digest

    def has(self, digest: Digest, size: int) -> bool:
        """Whether a regular file of `size` bytes stands under the digest; `check` says whether its bytes are right."""
        try:
            found = self.path(digest).lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size

    def size(self, digest: Digest) -> ByteCount:
        """The blob's size in bytes.

        Raises:
            NotFound: E_NO_BLOB.
            StorageError: E_NOT_A_FILE, if something else stands there.
        """
        with self.open(digest) as file:
            return ByteCount(os.fstat(file.fileno()).st_size)

    def open(self, digest: Digest) -> BinaryIO:
        """Open the blob for reading; the caller closes it.

        Raises:
            NotFound: E_NO_BLOB.
            StorageError: E_NOT_A_FILE, if a link, pipe, folder or device stands there.
        """
        return open_regular(self.path(digest))

    def commit(self, partial: Path, digest: Digest, size: int) -> Path:
        """Move a whole, verified file into the store, durably; return the blob's path.

        A blob that is already there stays, and `partial` is removed. What stands there and is no blob of that size is moved to
        the quarantine first.

        Args:
            partial: on the store's file system, already hashed by the transfer.
            size: bytes, by the manifest.

        Raises:
            IntegrityError: E_SIZE_MISMATCH, if `partial` is not `size` bytes long.
            StorageError: the disk would not take it; `partial` is kept unless its bytes could not be synced.
        """
        with open_regular(partial) as file, storage_errors(partial):
            found = os.fstat(file.fileno()).st_size
            if found != size:
                raise IntegrityError(
                    f"{partial.name} has {found} bytes where {size} belong",
                    remedy="run the same command again",
                    code="E_SIZE_MISMATCH",
                )
        final = self.path(digest)
        if self.has(digest, size):
            remove_file(partial)
            return final
        if os.path.lexists(final):
            self.put_aside(digest)
        make_folder(final.parent)
        adopt_file(partial, final, mode=READ_ONLY)
        return final

    def check(self, digest: Digest, size: int) -> BlobFinding:
        """Hash the blob again. What can't be read is a finding, not an error."""
        try:
            with self.open(digest) as file:
                found = os.fstat(file.fileno()).st_size
                actual = digest_of(file)
        except NotFound:
            return BlobFinding(digest, None, "the blob is missing")
        except StorageError as error:
            return BlobFinding(digest, None, error.message)
        except OSError as error:
            return BlobFinding(digest, None, f"it can't be read: {error.strerror}")
        if found != size:
            return BlobFinding(digest, actual, f"it has {found} bytes where {size} belong")
        if actual != digest:
            return BlobFinding(digest, actual, "its bytes have changed")
        return BlobFinding(digest, actual, None)

    def chunk_digests(self, digest: Digest, size: ByteCount) -> ChunkDigests:
        """The digests of the blob's chunks of `size` bytes; the blob is hashed as a whole in the same reading.

        Raises:
            IntegrityError: E_INTEGRITY, if its bytes have changed.
            NotFound: E_NO_BLOB.
            StorageError: the disk would not give them.
        """
        whole, chunks = hashlib.sha256(), []
        with self.open(digest) as file, storage_errors(self.path(digest)):
            while chunk := file.read(size):
                while len(chunk) < size and (more := file.read(size - len(chunk))):
                    chunk += more
                whole.update(chunk)
                chunks.append(Digest(hashlib.sha256(chunk).hexdigest()))
        if whole.hexdigest() != digest:
            raise IntegrityError(
                f"the bytes of the blob {digest[:12]} have changed", remedy="mend it with `indextts-hub verify --repair`"
            )
        return ChunkDigests(size, tuple(chunks))

    def put_aside(self, digest: Digest) -> Path:
        """Move what stands under the digest into the quarantine, durably; return its path there.

        Raises:
            NotFound: E_NO_BLOB.
            StorageError: as `storage_errors`.
        """
        make_folder(self.quarantine)
        number = 0
        while os.path.lexists(target := self.quarantine / f"{digest}.{number}"):
            number += 1
        source = self.path(digest)
        with storage_errors(source):
            try:
                source.rename(target)
            except FileNotFoundError:
                raise _no_blob(source) from None
        sync_folder(self.quarantine)
        sync_folder(source.parent)
        return target

    def remove(self, digest: Digest) -> ByteCount:
        """Remove the blob; return the bytes its name held, 0 if it was not there. Snapshots that link to it keep theirs.

        Raises:
            StorageError: as `storage_errors`.
        """
        try:
            size = self.path(digest).lstat().st_size
        except FileNotFoundError:
            return ByteCount(0)
        remove_file(self.path(digest))
        return ByteCount(size)

    def __iter__(self) -> Iterator[tuple[Digest, ByteCount]]:
        """Every blob's digest and size in bytes, by digest; names that are no digests are passed over."""
        with storage_errors(self.folder):
            shelves = sorted(os.listdir(self.folder)) if self.folder.is_dir() else []
        for shelf in shelves:
            with storage_errors(self.folder / shelf), os.scandir(self.folder / shelf) as entries:
                found = sorted((e.name, e.stat(follow_symlinks=False).st_size) for e in entries if _is_digest(e.name, shelf))
            yield from ((Digest(name), ByteCount(size)) for name, size in found)


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; never follows a link, never waits for a pipe. The caller closes it.

    Raises:
        NotFound: E_NO_BLOB.
        StorageError: E_NOT_A_FILE if it is no regular file, else as `storage_errors`.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with storage_errors(path):
        if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
            raise OSError(errno.ELOOP, "a symbolic link", str(path))
        try:
            descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
        except FileNotFoundError:
            raise _no_blob(path) from None
        except OSError as error:
            # A socket says ENXIO, a device of no driver ENODEV: both stand where a file should.
            if error.errno in {errno.ENXIO, errno.ENODEV}:
                raise _not_a_file(path) from error
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise _not_a_file(path)
    return os.fdopen(descriptor, "rb", buffering=0)


def digest_of(file: BinaryIO) -> Digest:
    """SHA-256 of what is left to read of `file`; hashing gives other threads the processor."""
    # 1 MiB a read: large enough that Python's part is unseen, small enough to stay in the processor's cache.
    hasher, buffer = hashlib.sha256(), memoryview(bytearray(2**20))
    while count := file.readinto(buffer):  # type: ignore[attr-defined]
        hasher.update(buffer[:count])
    return Digest(hasher.hexdigest())


def _is_digest(name: str, shelf: str) -> bool:
    try:
        return check_digest(name).startswith(shelf)
    except IntegrityError:
        return False


def _no_blob(path: Path) -> NotFound:
    return NotFound(f"{path} is not there", remedy="pull the version again: only what is missing is fetched", code="E_NO_BLOB")


def _not_a_file(path: Path) -> StorageError:
    return StorageError(
        f"{path} is no regular file", remedy="move it away by hand, then pull the version again", code="E_NOT_A_FILE"
    )
