"""Taking a version in that another machine brings: announce → files, each from where it broke off → whole.

What a file must be, its size, its digest and its path, the manifest says, which came first and hashes to its name; what is sent
chooses among those. A file goes the way of all others: verified, through the gate, into its blob. Until all of them are here,
`list` shows the version as partial.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from indextts_hub.errors import NotFound, PolicyError, UsageError
from indextts_hub.hub import Hub
from indextts_hub.manifest import Digest, FileEntry, Manifest, parse_manifest
from indextts_hub.reference import check_name
from indextts_hub.store import SnapshotState, admit, begun_of
from indextts_hub.store.durable import unlink
from indextts_hub.store.room import check_room
from indextts_hub.store.trouble import storage_errors

__all__ = ["LARGEST_PART", "Received", "announce", "arrived", "receive"]

LARGEST_PART = 16 << 20
# Another upload or a pull of the same file has it; who waits for longer should come back.
WAIT_SECONDS = 5.0
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """How far a version is here.

    Attributes:
        missing: the paths of the files that are not here.
    """

    missing: tuple[str, ...]


def announce(hub: Hub, name: str, digest: Digest, body: bytes, actor: str) -> Received:
    """Take a version's manifest; what is here of its files already counts, and the version is whole if all of them are.

    Args:
        body: the canonical manifest.
        actor: who brings it, for the log.

    Raises:
        UsageError: E_REFERENCE; E_UPLOAD, if the manifest is not what its name says.
        IntegrityError: E_MANIFEST, E_JSON.
        PolicyError: E_REVOKED.
        Busy, StorageError: the store would not take it.
    """
    check_name(name)
    if hashlib.sha256(body).hexdigest() != digest:
        raise UsageError("the manifest does not hash to its name", remedy="send it as it is", code="E_UPLOAD")
    manifest = parse_manifest(body)
    if reason := hub.revocation(name, digest):
        raise PolicyError(f"{name} was revoked: {reason}", remedy="bring another version", code="E_REVOKED")
    with hub.store.claim(name, manifest, act="receive"):
        return _laid_out(hub, name, manifest, actor)


def arrived(hub: Hub, digest: Digest, path: str) -> int:
    """How many bytes of a file are here, from its first on.

    Raises:
        NotFound: E_NO_MANIFEST, E_NO_FILE.
    """
    file = _file(hub.store.manifests.read(digest), path)
    if hub.store.blobs.has(file.sha256, file.size):
        return file.size
    return begun_of(hub.store.partials, file.sha256, file.size)


def receive(hub: Hub, name: str, digest: Digest, path: str, start: int, body: bytes, actor: str) -> int:
    """Take a part of a file of a version that was announced; with its last part it is verified and let in.

    Args:
        start: where the part belongs; it must be where the last one ended.

    Returns:
        How many bytes of the file are here.

    Raises:
        NotFound: E_NO_MANIFEST, E_NO_FILE.
        UsageError: E_UPLOAD, if the part does not go on from what is here, or the whole is not what the manifest says: then it
            begins anew.
        UnsafeFile: the gate refuses it.
        Busy, StorageError: the store would not take it.
    """
    check_name(name)
    store = hub.store
    manifest = store.manifests.read(digest)
    file = _file(manifest, path)
    with store.claim(name, manifest, act="receive"), store.locks.writing([file.sha256], act=f"receive {name}", wait=WAIT_SECONDS):
        if store.blobs.has(file.sha256, file.size):
            return file.size
        here = begun_of(store.partials, file.sha256, file.size)
        if start != here or start + len(body) > file.size:
            raise UsageError(
                f"{len(body)} bytes from {start} on do not go on with the {here} of {file.size} that are here",
                remedy="ask how many are here, and go on from there",
                code="E_UPLOAD",
            )
        if not here:
            check_room(store.partials, file.size)
        _append(hub, file, here, body)
        here += len(body)
        if here == file.size:
            _let_in(hub, file)
            _laid_out(hub, name, manifest, actor)
        return here


def _append(hub: Hub, file: FileEntry, start: int, body: bytes) -> None:
    partial = hub.store.partials / f"{file.sha256}.part"
    if not start:
        # What a pull left there has holes, as its map tells.
        unlink(partial.with_suffix(".map"))
        unlink(partial)
    with storage_errors(partial), partial.open("r+b" if start else "xb", buffering=0) as target:
        target.seek(start)
        view = memoryview(body)
        while view:
            view = view[target.write(view) or 0 :]


def _let_in(hub: Hub, file: FileEntry) -> None:
    partial = hub.store.partials / f"{file.sha256}.part"
    with storage_errors(partial), partial.open("rb") as whole:
        right = hashlib.file_digest(whole, "sha256").hexdigest() == file.sha256
    if right:
        with _dropped_if_refused(hub, file):
            admit(hub.store.blobs, partial, file.path, file.sha256, file.size, hub.books.let_in)
        return
    unlink(partial)
    raise UsageError(
        f"the bytes of {file.path} are not what the manifest says", remedy="send the file again from its start", code="E_UPLOAD"
    )


@contextmanager
def _dropped_if_refused(hub: Hub, file: FileEntry) -> Iterator[None]:
    """Nobody will go on with a file that the gate refused."""
    try:
        yield
    except PolicyError:
        unlink(hub.store.partials / f"{file.sha256}.part")
        raise


def _laid_out(hub: Hub, name: str, manifest: Manifest, actor: str) -> Received:
    """Lay the version out as far as it is here; when it is whole, that is written down."""
    store = hub.store
    if store.snapshots.state(name, manifest) is SnapshotState.COMPLETE:
        return Received(())
    here = {file.path for file in manifest.files if store.blobs.has(file.sha256, file.size)}
    missing = tuple(file.path for file in manifest.files if file.path not in here)
    if not missing:
        hub.books.log("receive", f"{name}@sha256:{manifest.digest}", details={"files": len(here)}, actor=actor)
    if here:
        store.snapshots.commit(name, manifest, here if missing else None)
    return Received(missing)


def _file(manifest: Manifest, path: str) -> FileEntry:
    if (file := manifest.file(path)) is None:
        raise NotFound(f"the version has no file {path[:200]!a}", remedy="send what its manifest names", code="E_NO_FILE")
    return file
