"""What is broken in a store, and what can be mended from what is left: blobs from snapshots, folders, permissions, names.

The bytes of blobs are `check`'s and `scrub`'s; here only names, sizes and kinds are looked at, so that it takes moments.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import HubError
from indextts_hub.manifest import Digest, FileEntry, Manifest
from indextts_hub.store.blobs import READ_ONLY, digest_of, open_regular
from indextts_hub.store.durable import make_folder, sync_folder
from indextts_hub.store.links import same_bytes_at
from indextts_hub.store.opening import Store
from indextts_hub.store.snapshots import DIGEST_IN_PATH
from indextts_hub.store.trouble import storage_errors

__all__ = ["Damage", "find_damage", "mend_damage"]


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it should be.

    Attributes:
        kind: `folder`, `names`, `manifest`, `blob` or `permissions`.
        name: a path below the store.
        problem: what is wrong, in one line.
        remedy: what to do about it, in one line; what `mend_damage` can do is said so.
    """

    kind: str
    name: str
    problem: str
    remedy: str


_REBUILD = "run `indextts-hub doctor --rebuild`"


def find_damage(store: Store) -> tuple[Damage, ...]:
    """Look for what is lost, damaged or out of place.

    Raises:
        StorageError: the store can't be read.
    """
    return (*_lost_folders(store), *_bad_names(store), *_bad_manifests(store), *_lost_manifests(store), *_bad_blobs(store))


def mend_damage(store: Store, known: Iterable[Manifest] = ()) -> tuple[Damage, ...]:
    """Mend what can be mended; return what can't, with what to do about it.

    Damaged names and manifests are moved to the quarantine. Lost names are begun anew, and say nothing of what was pinned. A lost
    manifest is written again if it is among `known`. A lost blob is linked back from a snapshot that still has its bytes.

    Args:
        known: manifests from elsewhere, as of the catalogue.

    Raises:
        Busy: E_BUSY, if another process holds the roots for longer than a minute.
        StorageError: the store can't be written.
    """
    for folder in store.folders():
        make_folder(folder)
    with store.locks.roots(act="doctor --rebuild"):
        for damage in (*_bad_names(store), *_bad_manifests(store)):
            path = store.root / damage.name
            if path.exists():
                _put_aside(store, path)
        if not store.names.path.exists():
            store.names.start()
        lost = {Path(name).name for name in store.snapshots.without_manifest()}
        for manifest in known:
            if manifest.digest[:DIGEST_IN_PATH] in lost:
                store.manifests.write(manifest)
        for blob in _wrong_blobs(store):
            _mend_blob(store, *blob)
    return find_damage(store)


def _lost_folders(store: Store) -> Iterator[Damage]:
    for folder in store.folders():
        if not folder.is_dir():
            yield Damage("folder", _below(store, folder), "the folder is missing", _REBUILD)


def _bad_names(store: Store) -> Iterator[Damage]:
    try:
        store.names.read()
    except HubError as error:
        yield Damage("names", _below(store, store.names.path), error.message, error.remedy)


def _bad_manifests(store: Store) -> Iterator[Damage]:
    for digest in store.manifests if store.manifests.folder.is_dir() else ():
        try:
            store.manifests.read(digest)
        except HubError as error:
            yield Damage("manifest", _below(store, store.manifests.path(digest)), error.message, _REBUILD)


def _lost_manifests(store: Store) -> Iterator[Damage]:
    for version in store.snapshots.without_manifest() if store.snapshots.folder.is_dir() else ():
        name = version.partition("/")[0]
        yield Damage(
            "manifest",
            f"versions/{version}",
            "the version's manifest is lost",
            f"pull {name} again; or take the folder away, if the version is not wanted",
        )


def _bad_blobs(store: Store) -> Iterator[Damage]:
    for version, _, file in _wrong_blobs(store):
        name = _below(store, store.blobs.path(file.sha256))
        if store.blobs.has(file.sha256, file.size):
            yield Damage("permissions", name, "the blob can be written", _REBUILD)
        else:
            yield Damage("blob", name, f"the blob of {file.path} is missing or damaged", f"run `indextts-hub pull {version}`")


def _wrong_blobs(store: Store) -> Iterator[tuple[str, Path, FileEntry]]:
    """Files of versions whose blobs are not there as they should be: version, the file's path in the snapshot, entry."""
    seen: set[Digest] = set()
    for name, digest in store.snapshots.list() if store.manifests.folder.is_dir() else ():
        path = store.snapshots.path(name, digest)
        try:
            files = store.manifests.read(digest).files
        except HubError:
            continue  # told as a manifest's damage
        for file in files:
            if file.sha256 not in seen and os.path.lexists(path / file.path) and _is_wrong(store, file):
                yield name, path / file.path, file
                seen.add(file.sha256)


def _is_wrong(store: Store, file: FileEntry) -> bool:
    if not store.blobs.has(file.sha256, file.size):
        return True
    return os.name != "nt" and stat.S_IMODE(store.blobs.path(file.sha256).lstat().st_mode) & 0o222 != 0


def _mend_blob(store: Store, _version: str, laid_out: Path, file: FileEntry) -> None:
    blob = store.blobs.path(file.sha256)
    if store.blobs.has(file.sha256, file.size):
        with storage_errors(blob):
            blob.chmod(READ_ONLY)
        return
    try:
        with open_regular(laid_out) as opened, storage_errors(laid_out):
            whole = digest_of(opened) == file.sha256
    except HubError:
        return  # still missing afterwards, and told so
    if whole:
        if os.path.lexists(blob):
            store.blobs.put_aside(file.sha256)
        make_folder(blob.parent)
        same_bytes_at(blob, laid_out)
        sync_folder(blob.parent)


def _put_aside(store: Store, path: Path) -> None:
    number = 0
    while os.path.lexists(target := store.blobs.quarantine / f"{path.name}.{number}"):
        number += 1
    with storage_errors(path):
        path.rename(target)
    sync_folder(path.parent)


def _below(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix()
