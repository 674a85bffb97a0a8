"""What no version needs any more, and taking it away.

1.  What a manifest in the store names stays: blobs, and partials whose blob is not there yet. `remove_version` takes the
    manifest away, `collect` then what only it named. Nothing goes for its age alone, except temporary files.
2.  A version is never removed while it is pinned, an alias points at it, or somebody has a claim on it.
3.  While it can't be said what is needed (names or a manifest damaged or lost), nothing is removed.
4.  All is looked at and removed under the `roots` lock: a pull that starts meanwhile waits, and then looks what is there.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import Busy, IntegrityError, NotFound, PolicyError, StorageError
from indextts_hub.manifest import ByteCount, Digest, Manifest, check_digest
from indextts_hub.store.durable import TEMPORARY_SUFFIX, remove_tree, unlink
from indextts_hub.store.opening import Store
from indextts_hub.store.snapshots import DIGEST_IN_PATH
from indextts_hub.store.trouble import storage_errors

__all__ = ["Collected", "Collection", "collect", "plan_collection", "remove_version"]

# A temporary file lives for the moments between being written and being renamed; one that is an hour old has lost its process.
TEMPORARY_GRACE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Collected:
    """One thing that goes.

    Attributes:
        kind: `version`, `blob`, `partial`, `quarantine` or `temporary`.
        name: a version's `NAME@sha256:HEX`, else a path below the store.
        size: bytes that it frees; 0 for a version, whose blobs stand for themselves.
    """

    kind: str
    name: str
    size: ByteCount


@dataclass(frozen=True, slots=True)
class Collection:
    """What goes, or would go."""

    removed: tuple[Collected, ...]

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions that go, as `NAME@sha256:HEX`."""
        return tuple(part.name for part in self.removed if part.kind == "version")

    @property
    def freed_bytes(self) -> ByteCount:
        """The sum of the sizes."""
        return ByteCount(sum(part.size for part in self.removed))


def plan_collection(store: Store, *, keep: int | None = None) -> Collection:
    """Say what `collect` would remove, and remove nothing.

    Raises:
        Busy, IntegrityError, StorageError: as `collect`.
    """
    with store.locks.roots(act="gc --dry-run"):
        versions = _surplus(store, keep)
        return Collection((*_as_collected(versions), *_garbage(store, _needed(store, without=versions))))


def collect(store: Store, *, keep: int | None = None) -> Collection:
    """Remove what no version needs.

    Args:
        keep: of each name's versions, how many of the newest to keep; all if None. Those pinned, aliased or in use stay anyway.

    Raises:
        Busy: E_BUSY, if another process holds the roots for longer than a minute.
        IntegrityError, StorageError: it can't be said what is needed, or the disk failed; what was removed so far was garbage.
    """
    with store.locks.roots(act="gc"):
        versions = _surplus(store, keep)
        garbage = tuple(_garbage(store, _needed(store, without=versions)))
        for name, digest in versions:
            _drop(store, name, digest)
        for part in garbage:
            _remove(store.root / part.name)
        return Collection((*_as_collected(versions), *garbage))


def remove_version(store: Store, name: str, digest: Digest) -> None:
    """Take a version away; its bytes go with the next `collect`, as far as no other version needs them.

    Raises:
        NotFound: E_NO_SNAPSHOT, if the store has nothing of it.
        PolicyError: E_PINNED, if it is pinned or an alias points at it.
        Busy: E_IN_USE, if it is being pulled, served or exported.
        StorageError: as `storage_errors`.
    """
    with store.locks.roots(act=f"remove {name}"):
        if digest not in store.manifests and not store.snapshots.path(name, digest).is_dir():
            raise NotFound(
                f"{name} ({digest[:DIGEST_IN_PATH]}) is not in the store",
                remedy="see `indextts-hub list` for what there is",
                code="E_NO_SNAPSHOT",
            )
        _check_unnamed(store, name, digest)
        if digest in store.locks.leased():
            raise Busy(
                f"{name} ({digest[:DIGEST_IN_PATH]}) is in use by a running process",
                remedy="stop the service or wait for the pull that uses it, then remove it again",
                code="E_IN_USE",
            )
        _drop(store, name, digest)


def _check_unnamed(store: Store, name: str, digest: Digest) -> None:
    book = store.names.read()
    if aliases := book.aliases_of(digest):
        raise PolicyError(
            f"the alias {aliases[0]} points at {name} ({digest[:DIGEST_IN_PATH]})",
            remedy=f"move it with `indextts-hub alias set {aliases[0]} REF`, or remove it with `alias rm {aliases[0]}`",
            code="E_PINNED",
        )
    if digest in book.pins:
        raise PolicyError(
            f"{name} ({digest[:DIGEST_IN_PATH]}) is pinned",
            remedy=f"unpin it with `indextts-hub unpin {name}@sha256:{digest[:DIGEST_IN_PATH]}`",
            code="E_PINNED",
        )


def _drop(store: Store, name: str, digest: Digest) -> None:
    # The files first: a manifest without files is a version that was never pulled, files without a manifest are damage.
    store.layouts.remove(name, digest[:DIGEST_IN_PATH])
    store.snapshots.remove(name, digest)
    if all(other != digest for _, other in store.snapshots.list()):
        store.manifests.remove(digest)


def _surplus(store: Store, keep: int | None) -> list[tuple[str, Digest]]:
    if keep is None:
        return []
    safe = store.names.read().roots() | store.locks.leased()
    by_name: dict[str, list[Digest]] = defaultdict(list)
    for name, digest in store.snapshots.list():
        by_name[name].append(digest)
    surplus = []
    for name, digests in by_name.items():
        newest_first = sorted(digests, key=lambda digest: store.snapshots.path(name, digest).stat().st_mtime_ns, reverse=True)
        surplus += [(name, digest) for digest in newest_first[keep:] if digest not in safe]
    return surplus


def _needed(store: Store, *, without: Iterable[tuple[str, Digest]]) -> dict[Digest, Manifest]:
    """The manifests that say what stays.

    Raises:
        IntegrityError, StorageError: one that is needed is damaged or lost.
    """
    store.names.read()
    going = set(without)
    staying = {digest for name, digest in store.snapshots.list() if (name, digest) not in going}
    gone = {digest for _, digest in going} - staying
    if lost := next(store.snapshots.without_manifest(), None):
        raise StorageError(
            f"the manifest of {lost} is lost, so it can't be said which blobs it needs",
            remedy="pull that version again, or take its folder away, and run it again",
            code="E_NO_MANIFEST",
        )
    return {digest: store.manifests.read(digest) for digest in store.manifests if digest not in gone}


def _garbage(store: Store, needed: dict[Digest, Manifest]) -> Iterator[Collected]:
    wanted = {file.sha256: file.size for manifest in needed.values() for file in manifest.files}
    busy = store.locks.being_written()

    def useless(path: Path) -> bool:
        digest = _leading_digest(path)
        if digest is None or digest in busy:
            return False
        return digest not in wanted or store.blobs.has(digest, wanted[digest])

    for digest, size in store.blobs:
        if digest not in wanted and digest not in busy:
            yield Collected("blob", _below(store, store.blobs.path(digest)), size)
    for path, status in _there(filter(useless, _files(store.partials))):
        yield _collected("partial", store, path, status)
    for path, status in _there(filter(useless, _files(store.blobs.quarantine))):
        # A snapshot that still links to it would pass for whole without it, and is mended first.
        if status.st_nlink == 1:
            yield _collected("quarantine", store, path, status)
    yield from _temporaries(store)


def _temporaries(store: Store) -> Iterator[Collected]:
    leased = {digest[:DIGEST_IN_PATH] for digest in store.locks.leased()}
    youngest = time.time() - TEMPORARY_GRACE_SECONDS
    for folder in (store.root, store.manifests.folder, store.partials, *_folders(store.snapshots.folder), *_layouts(store)):
        temporary = (path for path in _files(folder) if path.name.startswith(".") and path.name.endswith(TEMPORARY_SUFFIX))
        for path, status in _there(temporary):
            being_laid_out = path.name[1 : 1 + DIGEST_IN_PATH] in leased
            if not being_laid_out and status.st_mtime < youngest:
                yield _collected("temporary", store, path, status)


def _as_collected(versions: Iterable[tuple[str, Digest]]) -> Iterator[Collected]:
    for name, digest in versions:
        yield Collected("version", f"{name}@sha256:{digest}", ByteCount(0))


def _collected(kind: str, store: Store, path: Path, status: os.stat_result) -> Collected:
    return Collected(kind, _below(store, path), ByteCount(status.st_size))


def _there(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    """What is still there of what was listed: a pull that ends beside this puts its partials and temporary files in place."""
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        yield path, status


def _below(store: Store, path: Path) -> str:
    return path.relative_to(store.root).as_posix()


def _files(folder: Path) -> list[Path]:
    with storage_errors(folder):
        return [folder / name for name in sorted(os.listdir(folder))] if folder.is_dir() else []


def _folders(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if path.is_dir() and not path.is_symlink()]


def _layouts(store: Store) -> list[Path]:
    return [layouts for name in _folders(store.layouts.folder) for layouts in _folders(name)]


def _leading_digest(path: Path) -> Digest | None:
    try:
        return check_digest(path.name[:64])
    except IntegrityError:
        return None


def _remove(path: Path) -> None:
    # Not synced: what a power loss brings back is garbage again.
    with storage_errors(path):
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            unlink(path)
