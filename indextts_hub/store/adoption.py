"""Taking over what somebody has already: a folder of checkpoints, or a cache of the Hugging Face Hub, is searched for a version's
files, and what is right is copied into the store (with shared blocks where the file system can) instead of fetched.

Only bytes count: a file is recognised by its size and what it hashes to, wherever it lies and whatever it is called. The folder is
read and never changed.
"""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import NotFound, UsageError
from indextts_hub.manifest import Digest, FileEntry, Manifest
from indextts_hub.store.admission import Told, admit, unheard
from indextts_hub.store.blobs import digest_of, open_regular
from indextts_hub.store.durable import temporary_beside, unlink
from indextts_hub.store.links import clone_or_copy
from indextts_hub.store.opening import Store
from indextts_hub.store.snapshots import Snapshot
from indextts_hub.store.trouble import storage_errors

__all__ = ["Adoption", "adopt"]


@dataclass(frozen=True, slots=True)
class Adoption:
    """What taking over a folder brought.

    Attributes:
        snapshot: the version as far as it is here now; None if nothing of it is.
        adopted: files that came from the folder, by path within the version.
        present: files that were in the store already.
        missing: files that must be pulled.
    """

    snapshot: Snapshot | None
    adopted: tuple[str, ...]
    present: tuple[str, ...]
    missing: tuple[str, ...]


def adopt(store: Store, name: str, manifest: Manifest, folder: Path, *, wait: float, told: Told = unheard) -> Adoption:
    """Bring what `folder` has of a version into the store, and lay the version out as far as it is there.

    Args:
        wait: seconds to wait for others who write the same blobs.
        told: what the gate found in each file that is taken over.

    Raises:
        UnsafeFile: the gate refuses a file of it; what was taken over so far stays.
        UsageError: E_NO_FOLDER, if `folder` is none.
        Busy: E_BUSY.
        StorageError: the disk would not take it; what was taken over so far stays.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", remedy="give the folder that has the files", code="E_NO_FOLDER")
    adopted: list[str] = []
    present: list[str] = []
    missing: list[str] = []
    with store.claim(name, manifest, act="adopt"):
        lacking = {file for file in manifest.files if not store.blobs.has(file.sha256, file.size)}
        candidates = _by_size(folder, {file.size for file in lacking}) if lacking else {}
        for file in manifest.files:
            if file not in lacking:
                present.append(file.path)
                continue
            with store.locks.writing([file.sha256], act=f"adopt {name}", wait=wait):
                # Two paths of a version may have the same bytes, and the first brought them; or somebody else did.
                here = store.blobs.has(file.sha256, file.size) or _take(store, file, candidates.get(file.size, []), told)
            (adopted if here else missing).append(file.path)
        paths = {*adopted, *present}
        snapshot = store.snapshots.commit(name, manifest, paths) if paths else None
    return Adoption(snapshot, tuple(adopted), tuple(present), tuple(missing))


def _by_size(folder: Path, sizes: set[int]) -> dict[int, list[Path]]:
    found: dict[int, list[Path]] = defaultdict(list)
    # Links are not followed: a Hugging Face cache's links lead to its blobs, which are files in the same folder.
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if not path.is_symlink() and path.is_file() and (size := path.stat().st_size) in sizes:
                found[size].append(path)
    return found


def _take(store: Store, file: FileEntry, candidates: list[Path], told: Told) -> bool:
    # What is likely to be it is tried first: hashing gigabytes takes seconds.
    for candidate in sorted(candidates, key=lambda path: not path.as_posix().endswith(file.path)):
        building = temporary_beside(store.partials / file.sha256)
        try:
            if _copy(candidate, building) == file.sha256:
                admit(store.blobs, building, file.path, file.sha256, file.size, told)
                return True
        except NotFound:
            continue  # it went away while the folder was searched
        finally:
            unlink(building)
    return False


def _copy(candidate: Path, building: Path) -> Digest:
    """Copy, and hash the copy: what is hashed is what is kept, whoever writes to the folder meanwhile."""
    with open_regular(candidate) as source, storage_errors(building), building.open("x+b", buffering=0) as target:
        clone_or_copy(target, source)
        target.seek(0)
        return digest_of(target)
