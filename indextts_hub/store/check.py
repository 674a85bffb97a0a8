"""Hashing versions again: which of their files are what the manifest says, on all processors at once."""

import os
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from indextts_hub.errors import NotFound, StorageError
from indextts_hub.manifest import ByteCount, Digest, FileEntry
from indextts_hub.store.blobs import BlobFinding, digest_of, open_regular
from indextts_hub.store.opening import Store
from indextts_hub.store.trouble import storage_errors
from indextts_hub.surroundings import processors

__all__ = [
    "FileFinding",
    "VersionFinding",
    "check_blobs",
    "check_version",
    "look_at_version",
    "put_aside_bad",
]

Work = TypeVar("Work")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What checking one file of a version found.

    Attributes:
        actual: what it hashes to; None where that is not known.
        problem: None if all is well, else in one line what is wrong.
    """

    path: str
    expected: Digest
    actual: Digest | None
    problem: str | None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class VersionFinding:
    """What checking a version found, file by file, sorted by path."""

    version: str
    digest: Digest
    files: tuple[FileFinding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with any file."""
        return all(file.ok for file in self.files)


def check_version(store: Store, name: str, digest: Digest, hashed: Callable[[int], None] = lambda _: None) -> VersionFinding:
    """Hash every file of a version that was pulled, its blob and, where it is a copy, the copy.

    Args:
        hashed: told the bytes of each file that is done, from several threads.

    Raises:
        NotFound: E_NO_SNAPSHOT, if nothing of the version is laid out.
        IntegrityError: its manifest is damaged.
        StorageError: as `storage_errors`.
    """
    snapshot_path, there = _laid_out(store, name, digest)

    def check(file: FileEntry) -> FileFinding:
        finding = _check_file(store, snapshot_path, file)
        hashed(file.size)
        return finding

    # The largest first: else one processor may be left alone with it at the end.
    findings = _in_parallel(check, sorted(there, key=lambda file: file.size, reverse=True))
    return VersionFinding(name, digest, tuple(sorted(findings, key=lambda finding: finding.path)))


def look_at_version(store: Store, name: str, digest: Digest) -> VersionFinding:
    """Look at names, kinds and sizes only, as fast as the disk lists them.

    Raises:
        NotFound, IntegrityError, StorageError: as `check_version`.
    """
    snapshot_path, there = _laid_out(store, name, digest)
    whole = {file.path for file in store.snapshots.get(name, digest).files}
    return VersionFinding(
        name,
        digest,
        tuple(
            FileFinding(file.path, file.sha256, None, None if file.path in whole else _why_not(store, snapshot_path, file))
            for file in there
        ),
    )


def check_blobs(store: Store, blobs: Iterable[tuple[Digest, ByteCount]]) -> Generator[BlobFinding]:
    """Hash blobs on all processors; findings come in the blobs' order. Close the iterator to stop early."""
    return _in_parallel(lambda blob: store.blobs.check(*blob), blobs)


def put_aside_bad(store: Store, findings: Iterable[BlobFinding | FileFinding]) -> dict[Digest, Path]:
    """Move the blobs that findings call bad into the quarantine: their versions are then degraded, and no longer served.

    Each is looked at once more, alone; one that is right by now stays.

    Returns:
        Where each is now, by its digest.

    Raises:
        Busy: E_BUSY, if one is being written for longer than a minute.
        StorageError: the store can't be written.
    """
    put_aside = {}
    for digest in {f.digest if isinstance(f, BlobFinding) else f.expected for f in findings if not f.ok}:
        with store.locks.writing([digest], act="put a bad blob aside", wait=60.0), suppress(NotFound):
            if not _is_right(store, digest):
                put_aside[digest] = store.blobs.put_aside(digest)
    return put_aside


def _laid_out(store: Store, name: str, digest: Digest) -> tuple[Path, list[FileEntry]]:
    path = store.snapshots.get(name, digest).path
    manifest = store.manifests.read(digest)
    return path, [file for file in manifest.files if os.path.lexists(path / file.path)]


def _check_file(store: Store, snapshot_path: Path, file: FileEntry) -> FileFinding:
    blob = store.blobs.check(file.sha256, file.size)
    if not blob.ok:
        return FileFinding(file.path, file.sha256, blob.actual, blob.problem)
    target = snapshot_path / file.path
    try:
        with open_regular(target) as opened:
            if os.path.samestat(os.fstat(opened.fileno()), store.blobs.path(file.sha256).lstat()):
                return FileFinding(file.path, file.sha256, blob.actual, None)
            actual = digest_of(opened)
    except (NotFound, StorageError, OSError) as error:
        return FileFinding(file.path, file.sha256, None, f"the version's file can't be read: {error}")
    problem = None if actual == file.sha256 else "the version's own copy has changed"
    return FileFinding(file.path, file.sha256, actual, problem)


def _why_not(store: Store, snapshot_path: Path, file: FileEntry) -> str:
    if not store.blobs.has(file.sha256, file.size):
        return "the blob is missing, or not as long as it should be"
    if not (snapshot_path / file.path).is_file():
        return "it is no regular file"
    return "it is not the blob that the manifest names"


def _is_right(store: Store, digest: Digest) -> bool:
    try:
        with store.blobs.open(digest) as file, storage_errors(store.blobs.path(digest)):
            return digest_of(file) == digest
    except StorageError:
        return False


def _in_parallel(check: Callable[[Work], Found], work: Iterable[Work]) -> Generator[Found]:
    from concurrent.futures import ThreadPoolExecutor  # 10 ms that `list` does not spend

    # Closing the iterator cancels what has not begun; hashing gives the interpreter to the other threads.
    with ThreadPoolExecutor(processors(), "check") as pool:
        yield from pool.map(check, work)
