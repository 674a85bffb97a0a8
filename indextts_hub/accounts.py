"""What the hub's verbs are asked, and what they answer."""

import fnmatch
import json
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.catalog import Version
from indextts_hub.errors import IntegrityError, UsageError
from indextts_hub.manifest import Digest, FileEntry
from indextts_hub.store import Snapshot, SnapshotState
from indextts_hub.transfer import TransferredFile

__all__ = ["HubFile", "Listed", "PullOptions", "PullReport", "check_locked"]


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull.

    Attributes:
        include, exclude: globs over the files' paths; without `include` all files.
        sources: names of the mirrors that may be asked; empty: all.
        jobs: connections at once.
        rate: bytes a second over all of them, or None.
        offline: ask no mirror; only what is here counts.
        locked: the lock file that fixes the digests, or None.
        accept_license: the user accepts the licences that must be accepted.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    jobs: int = 16
    rate: int | None = None
    offline: bool = False
    locked: Path | None = None
    accept_license: bool = False

    def chooses(self, path: str) -> bool:
        """Whether a file is wanted."""
        included = not self.include or any(fnmatch.fnmatchcase(path, glob) for glob in self.include)
        return included and not any(fnmatch.fnmatchcase(path, glob) for glob in self.exclude)


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull did.

    Attributes:
        present: files whose content was here already.
        transferred: what was fetched, each content once.
        seconds: how long it took.
    """

    snapshot: Snapshot
    present: tuple[FileEntry, ...]
    transferred: tuple[TransferredFile, ...]
    seconds: float

    @property
    def bytes_fetched(self) -> int:
        """Bytes that arrived, the useless ones included."""
        return sum(file.fetched for file in self.transferred)

    @property
    def bytes_wasted(self) -> int:
        """Bytes that arrived and were of no use."""
        return sum(file.wasted for file in self.transferred)


@dataclass(frozen=True, slots=True)
class Listed:
    """A version in the store or in the catalogue."""

    version: str
    digest: Digest
    aliases: tuple[str, ...]
    pinned: bool
    engine: str
    size: int
    state: SnapshotState
    path: Path


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a version and whether its content is here."""

    entry: FileEntry
    present: bool


def check_locked(version: Version, lock: Path) -> None:
    """Hold a version to a lock file.

    Raises:
        UsageError: E_LOCK, if the file is none.
        IntegrityError: E_LOCKED, if the catalogue has other bytes under the version's name.
    """
    try:
        fixed = json.loads(lock.read_bytes())["versions"].get(version.name)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise UsageError(f"{lock} is no lock file: {error}", remedy="write one with `indextts-hub lock`", code="E_LOCK") from None
    if fixed != version.manifest.digest:
        raise IntegrityError(
            f"{version.name} is {version.manifest.digest[:12]} in the catalogue and {str(fixed)[:12]} in {lock.name}",
            remedy="use the catalogue that the lock was made with, or write a new lock",
            code="E_LOCKED",
        )
