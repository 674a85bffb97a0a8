"""A folder that is a store: what is in it, how it begins, and how a folder that is something else is told from one."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import NotFound, StorageError
from indextts_hub.manifest import Manifest
from indextts_hub.store.blobs import Blobs, open_regular
from indextts_hub.store.durable import TEMPORARY_SUFFIX, make_folder, write_durably
from indextts_hub.store.layouts import Layouts
from indextts_hub.store.locks import Locks
from indextts_hub.store.manifests import Manifests
from indextts_hub.store.names import Names
from indextts_hub.store.snapshots import Snapshots
from indextts_hub.store.trouble import storage_errors

__all__ = ["Store", "open_store"]

FORMAT = 1
MARKER = "store.json"
NAMES = "names.json"
SCRUB = "scrub.json"
BUNDLES = "bundles.json"
SIGNED_CATALOG = "catalogue"
SIGNED_CATALOG_MARK = "catalogue.json"
KEY_OF_LINKS = "links.key"

_README = """\
This folder is the store of indextts-hub: model files, each kept once under the digest of what it holds.
It is no scratch cache. Don't edit or delete files here by hand.

    blobs/       every file's bytes, read-only, named by their SHA-256
    manifests/   what each version consists of
    versions/    the versions as folders, linked to the blobs: open these
    partial/     downloads under way; the next pull goes on from them
    quarantine/  blobs whose bytes were found changed
    names.json   aliases and pins
    audit/       who did what, when
    catalogue/   the signed catalogue, if one is trusted here; catalogue.json: how new it was
    speech/      what the service spoke

To see what is here:      indextts-hub list
To free space:            indextts-hub gc            (indextts-hub gc --dry-run only says what would go)
To check every byte:      indextts-hub verify
To move it:               move the whole folder, then use --cache-dir or INDEXTTS_HUB_CACHE
"""

# What a store is made of before its marker is written; a folder with nothing else in it may become one. A file system's own
# folder for lost files does not make it something else.
_PARTS = frozenset(
    {
        "blobs",
        "manifests",
        "versions",
        "layouts",
        "partial",
        "quarantine",
        "locks",
        "audit",
        "speech",
        "voices",
        "engines",
        "wheels",
        "README",
        NAMES,
        SCRUB,
        BUNDLES,
        SIGNED_CATALOG,
        SIGNED_CATALOG_MARK,
        KEY_OF_LINKS,
        "lost+found",
        "hub.sqlite3",
        "hub.sqlite3-shm",
        "hub.sqlite3-wal",
    }
)


@dataclass(frozen=True, slots=True)
class Store:
    """One cache_hub. Its parts know nothing of the network, nor of the database: a lost database loses no byte and no name."""

    root: Path
    blobs: Blobs
    manifests: Manifests
    snapshots: Snapshots
    layouts: Layouts
    names: Names
    locks: Locks

    @classmethod
    def at(cls, root: Path) -> "Store":
        """The parts of the store at `root`, without looking whether there is one: `open_store` does."""
        blobs = Blobs(root / "blobs" / "sha256", root / "quarantine")
        manifests = Manifests(root / "manifests" / "sha256")
        locks = Locks(root / "locks")
        return cls(
            root,
            blobs,
            manifests,
            Snapshots(root / "versions", blobs, manifests),
            Layouts(root / "layouts", blobs),
            Names(root / NAMES, locks),
            locks,
        )

    @contextmanager
    def claim(self, version: str, manifest: Manifest, *, act: str) -> Iterator[None]:
        """Keep a version from being collected or removed while it is in use: being pulled, served, exported.

        Its manifest is in the store from here on. What is found present within stays; the claim ends with the process at the
        latest.

        Args:
            act: what is being done, for those who ask: `pull`, `serve`.

        Raises:
            Busy: E_BUSY, if `gc` is at work for longer than a minute.
            StorageError: the store can't be written; see `Snapshots.get` for reading without a claim.
        """
        what = f"{act} {version}"
        with ExitStack() as held:
            with self.locks.roots(act=what):
                held.enter_context(self.locks.lease(self.manifests.write(manifest), act=what))
            yield

    @property
    def partials(self) -> Path:
        """Where downloads under way are, on the blobs' file system."""
        return self.root / "partial"

    @property
    def audit(self) -> Path:
        """Where the audit log is."""
        return self.root / "audit"

    @property
    def engines(self) -> Path:
        """Where the environments of engines are."""
        return self.root / "engines"

    @property
    def wheels(self) -> Path:
        """Where the packages of engines are that came with bundles."""
        return self.root / "wheels"

    def stamp(self) -> tuple[int, ...]:
        """Another value whenever a name is moved, a snapshot comes or goes, or the signed catalogue is another: cheap enough to be
        looked at every second.

        Raises:
            StorageError: the store can't be read.
        """
        versions = self.snapshots.folder
        with storage_errors(self.root):
            folders = (versions, *sorted(versions.glob("*")), *sorted(versions.glob("*/*")))
            mark = self.root / SIGNED_CATALOG_MARK
            watched = (self.names.path, *([mark] if mark.exists() else []), *folders)
            return tuple(path.stat().st_mtime_ns for path in watched)

    def can_be_written(self) -> bool:
        """Whether this process may write here; in a store that is only read, versions can be listed, checked and served."""
        return os.access(self.locks.folder, os.W_OK) and os.access(self.audit, os.W_OK)

    def folders(self) -> tuple[Path, ...]:
        """The folders that every store has."""
        return (
            self.blobs.folder,
            self.manifests.folder,
            self.snapshots.folder,
            self.partials,
            self.blobs.quarantine,
            self.locks.folder,
            self.audit,
        )


def open_store(root: Path) -> Store:
    """Open the store at `root`; make one of a folder that is missing or empty. A read-only one is opened for reading.

    Raises:
        StorageError: E_NOT_A_STORE if the folder holds something else, E_STORE_FORMAT if a newer program made it, else as
            `storage_errors`.
    """
    root = Path(os.path.abspath(root))  # noqa: PTH100 - a link to the store stays as it was given
    store = Store.at(root)
    if not _has_marker(root):
        _check_empty(root)
        _make(store)
    return store


def _has_marker(root: Path) -> bool:
    try:
        with open_regular(root / MARKER) as file, storage_errors(root):
            marker = json.loads(file.read(1000))
        found = marker["format"]
    except NotFound:
        return False
    except (ValueError, LookupError, TypeError):
        raise _not_a_store(root, f"its {MARKER} is damaged") from None
    if found != FORMAT:
        raise StorageError(
            f"{root} is a store of format {str(found)[:20]}, and this program knows {FORMAT}",
            remedy="use a newer indextts-hub, or another folder with --cache-dir",
            code="E_STORE_FORMAT",
        )
    return True


def _check_empty(root: Path) -> None:
    with storage_errors(root):
        try:
            found = sorted(os.listdir(root))
        except FileNotFoundError:
            return
    if other := [name for name in found if name not in _PARTS and not name.endswith(TEMPORARY_SUFFIX)]:
        raise _not_a_store(root, f"it holds {other[0][:80]!a}")


def _make(store: Store) -> None:
    for folder in store.folders():
        make_folder(folder)
    write_durably(store.root / "README", _README.encode())
    with store.locks.roots(act="make the store"):
        # Two processes may make it at once; whoever comes second must not empty a book that already has names in it.
        if not _has_marker(store.root):
            if not store.names.path.exists():
                store.names.start()
            write_durably(store.root / MARKER, json.dumps({"format": FORMAT}).encode() + b"\n")


def _not_a_store(root: Path, why: str) -> StorageError:
    return StorageError(
        f"{root} is not a store of indextts-hub: {why}",
        remedy="give an empty or a new folder with --cache-dir or INDEXTTS_HUB_CACHE",
        code="E_NOT_A_STORE",
    )
