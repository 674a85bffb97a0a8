"""Versions laid out as files, as engines open them: `versions/NAME/DIGEST12/…`, hard links into the blobs.

A snapshot appears whole: it is built beside and renamed into place. One that was pulled in part (`--include`) grows later, each
file appearing whole. The files are read-only, and replaced by rename if they must be mended, so whoever has one open keeps it.
"""

import os
import re
import secrets
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from indextts_hub.errors import IntegrityError, NotFound
from indextts_hub.manifest import Digest, FileEntry, Manifest
from indextts_hub.paths import portable_path
from indextts_hub.reference import check_name
from indextts_hub.store.blobs import Blobs
from indextts_hub.store.durable import make_folder, remove_tree, sync_folder, temporary_beside
from indextts_hub.store.links import same_bytes_at
from indextts_hub.store.manifests import Manifests
from indextts_hub.store.trouble import storage_errors

__all__ = ["DIGEST_IN_PATH", "Snapshot", "SnapshotState", "Snapshots"]

# 48 bits of the digest: short enough for Windows' paths; a second version with the same ones is refused.
DIGEST_IN_PATH = 12
_PREFIX = re.compile(r"[0-9a-f]{12}")


class SnapshotState(StrEnum):
    """How much of a version is here."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Some files were never pulled."""
    DEGRADED = "degraded"
    """All files were pulled, and a blob of one is missing, damaged or put aside: not to be served before it is repaired."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version as files.

    Attributes:
        version: the name it was pulled under.
        digest: the version's digest.
        path: the folder that an engine opens.
        files: those that are laid out, sorted by path.
    """

    version: str
    digest: Digest
    path: Path
    files: tuple[FileEntry, ...]


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots of one store, in `folder`."""

    folder: Path
    blobs: Blobs
    manifests: Manifests

    def path(self, name: str, digest: Digest) -> Path:
        """Where the version is laid out, or would be.

        Raises:
            UsageError: E_REFERENCE or E_PATH, if `name` can't name a version or a folder.
        """
        return self.folder / portable_path(check_name(name)) / digest[:DIGEST_IN_PATH]

    def commit(self, name: str, manifest: Manifest, paths: Collection[str] | None = None) -> Snapshot:
        """Lay a version out from blobs that are all in the store, durably.

        Args:
            paths: the files to lay out; all of the manifest's if None. What is laid out already stays.

        Raises:
            NotFound: E_NO_BLOB, if a blob is missing.
            IntegrityError: E_DIGEST_CLASH, if another version's digest begins with the same 12 digits.
            StorageError: the disk would not take it; what can be seen is as it was.
        """
        digest = self.manifests.write(manifest)
        if clash := [other for other in self.manifests.with_prefix(digest[:DIGEST_IN_PATH]) if other != digest]:
            raise IntegrityError(
                f"the versions {digest} and {clash[0]} begin alike",
                remedy="remove the older one with `indextts-hub remove`",
                code="E_DIGEST_CLASH",
            )
        final = self.path(name, digest)
        wanted = [file for file in manifest.files if paths is None or file.path in paths]
        if final.is_dir():
            for file in wanted:
                self._lay_out(final, file)
        else:
            self._build(final, wanted)
        return Snapshot(name, digest, final, self._present(final, manifest))

    def state(self, name: str, manifest: Manifest) -> SnapshotState:
        """How much of the version is here, by names and sizes; `check` of the blobs says whether the bytes are right."""
        path = self.path(name, manifest.digest)
        found = [self._looked_at(path, file) for file in manifest.files]
        there = [right for right in found if right is not None]
        if not there:
            return SnapshotState.ABSENT
        if not all(there):
            return SnapshotState.DEGRADED
        return SnapshotState.COMPLETE if len(there) == len(manifest.files) else SnapshotState.PARTIAL

    def get(self, name: str, digest: Digest) -> Snapshot:
        """The version as it is laid out.

        Raises:
            NotFound: E_NO_SNAPSHOT, if none of it is.
            IntegrityError, StorageError: its manifest is damaged.
        """
        path = self.path(name, digest)
        if not path.is_dir():
            raise NotFound(
                f"{name} ({digest[:DIGEST_IN_PATH]}) is not in the store",
                remedy=f"get it with `indextts-hub pull {name}`",
                code="E_NO_SNAPSHOT",
            )
        manifest = self.manifests.read(digest)
        return Snapshot(name, digest, path, self._present(path, manifest))

    def remove(self, name: str, digest: Digest) -> None:
        """Take the version's files away at once; the blobs stay until `gc`. A missing one is no trouble.

        Raises:
            StorageError: as `storage_errors`.
        """
        path = self.path(name, digest)
        if not path.is_dir():
            return
        going = temporary_beside(path)
        with storage_errors(path):
            path.rename(going)
            sync_folder(path.parent)
            remove_tree(going)
            if not os.listdir(path.parent):
                path.parent.rmdir()

    def list(self) -> Iterator[tuple[str, Digest]]:
        """Every version laid out, in whole or in part, by name and digest; folders that are none are passed over."""
        by_prefix = {digest[:DIGEST_IN_PATH]: digest for digest in self.manifests}
        for name, prefix in self._folders():
            if prefix in by_prefix:
                yield name, by_prefix[prefix]

    def without_manifest(self) -> Iterator[str]:
        """`NAME/DIGEST12` of every version laid out whose manifest is lost."""
        known = {digest[:DIGEST_IN_PATH] for digest in self.manifests}
        for name, prefix in self._folders():
            if prefix not in known:
                yield f"{name}/{prefix}"

    def _folders(self) -> Iterator[tuple[str, str]]:
        with storage_errors(self.folder):
            for name in sorted(os.listdir(self.folder)):
                if os.path.isdir(f"{self.folder}/{name}"):  # noqa: PTH112
                    for prefix in sorted(os.listdir(self.folder / name)):
                        if _PREFIX.fullmatch(prefix):
                            yield name, prefix

    def _present(self, path: Path, manifest: Manifest) -> tuple[FileEntry, ...]:
        return tuple(file for file in manifest.files if self._is_laid_out(path, file))

    def _is_laid_out(self, path: Path, file: FileEntry) -> bool:
        return bool(self._looked_at(path, file))

    def _looked_at(self, path: Path, file: FileEntry) -> bool | None:
        """Whether a file is laid out from its blob; None if nothing stands there."""
        # The blob itself, or a copy of its own. What is linked to something else is a bad blob that was put aside since.
        # Plain strings: over 20,000 files the paths' own arithmetic would cost more than the questions to the disk.
        try:
            found = os.lstat(f"{path}/{file.path}")
        except OSError:
            return None
        try:
            blob = os.lstat(f"{self.blobs.folder}/{file.sha256[:2]}/{file.sha256}")
        except OSError:
            return False
        of_the_blob = os.path.samestat(found, blob) or (found.st_nlink == 1 and stat.S_ISREG(found.st_mode))
        return of_the_blob and stat.S_ISREG(blob.st_mode) and found.st_size == blob.st_size == file.size

    def _build(self, final: Path, files: Collection[FileEntry]) -> None:
        make_folder(final.parent)
        building = final.with_name(f".{final.name}.{secrets.token_hex(6)}.tmp")
        with storage_errors(final):
            try:
                building.mkdir()
                for file in files:
                    target = building / file.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    same_bytes_at(target, self._blob(file))
                for folder, _, _ in os.walk(building):
                    sync_folder(Path(folder))
                if self._appeared(building, final):
                    sync_folder(final.parent)
                    return
            except BaseException:
                remove_tree(building)
                raise
        # Another process laid it out meanwhile, perhaps with fewer files.
        remove_tree(building)
        for file in files:
            self._lay_out(final, file)

    @staticmethod
    def _appeared(building: Path, final: Path) -> bool:
        """Rename a snapshot into place; False if somebody else's stands there already."""
        try:
            building.rename(final)
        except OSError:
            if not final.is_dir():
                raise
            return False
        return True

    def _lay_out(self, final: Path, file: FileEntry) -> None:
        if not self._is_laid_out(final, file):
            self.replace_file(final, file)

    def replace_file(self, path: Path, file: FileEntry) -> None:
        """Lay one file of the snapshot at `path` out again from its blob, whatever stands there.

        Raises:
            NotFound: E_NO_BLOB.
            StorageError: the disk would not take it; what stood there stands there.
        """
        target = path / file.path
        make_folder(target.parent)
        # Not inside the snapshot, where an engine or an export could meet what a killed process left.
        beside = temporary_beside(path)
        same_bytes_at(beside, self._blob(file))
        with storage_errors(target):
            beside.replace(target)
        sync_folder(target.parent)

    def _blob(self, file: FileEntry) -> Path:
        if not self.blobs.has(file.sha256, file.size):
            raise NotFound(f"the blob of {file.path} is not in the store", remedy="pull the version again", code="E_NO_BLOB")
        return self.blobs.path(file.sha256)
