"""Where files can be put, and not only got: folders here, buckets in `bucket.py`, hubs in `other_hub.py`.

Each takes up what an earlier try left.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol

from indextts_hub.errors import UsageError
from indextts_hub.manifest import Manifest
from indextts_hub.paths import portable_path
from indextts_hub.sources import EntryOptions, MirrorOptions, RemoteFile
from indextts_hub.sources import file as folders
from indextts_hub.sources import hub as hubs
from indextts_hub.sources import s3 as buckets
from indextts_hub.store.durable import adopt_file, make_folder
from indextts_hub.store.trouble import storage_errors

__all__ = ["Destination", "FolderDestination", "destination", "no_destination"]

BLOCK = 1 << 20


class Destination(Protocol):
    """A version's entry for one mirror, the other way round.

    Attributes:
        verifies: whether the other side says that it has a file only after it hashed it; else it must be read back.
    """

    @property
    def verifies(self) -> bool: ...

    def put(self, file: RemoteFile, blob: BinaryIO) -> int:
        """Put a blob under a file's name; return how many bytes had to be moved.

        Raises:
            SourceError, StorageError: it would not take it; a later call goes on from what arrived.
        """
        ...

    def finish(self, version: str, manifest: Manifest) -> None:
        """Say that all files of a version are there.

        Raises:
            SourceError: it would not take that.
        """
        ...

    def close(self) -> None:
        """Close what connections there are."""
        ...


def destination(name: str, mirror: MirrorOptions, entry: EntryOptions, version: str, manifest: Manifest) -> Destination:
    """The destination of a version's entry for a mirror; nothing is asked of it yet.

    Raises:
        UsageError: E_KIND, if nothing can be put on mirrors of this kind; E_NO_FOLDER.
    """
    if isinstance(mirror, folders.Mirror):
        base = Path(mirror.base).expanduser()
        if not base.is_dir():
            # Made here it would fill this disk, while the stick that was meant is not plugged in.
            raise UsageError(f"{base} is no folder", remedy="make it, or mount what belongs there", code="E_NO_FOLDER")
        return FolderDestination(base, entry)
    if isinstance(mirror, buckets.Mirror) and isinstance(entry, buckets.Entry):
        from indextts_hub.mirror.bucket import BucketDestination

        return BucketDestination(name, mirror, entry)
    if isinstance(mirror, hubs.Mirror):
        from indextts_hub.mirror.other_hub import HubDestination

        return HubDestination.connect(name, mirror, version, manifest)
    raise no_destination(name, mirror)


def no_destination(name: str, mirror: MirrorOptions) -> UsageError:
    """The error of whoever would put something on a mirror that takes nothing."""
    return UsageError(
        f"nothing can be put on {name}, a mirror of kind {mirror.kind}", remedy="sync to one of kind s3, file or hub", code="E_KIND"
    )


@dataclass(frozen=True, slots=True)
class FolderDestination:
    """A folder: each file is written beside its name, synced and renamed onto it."""

    base: Path
    entry: EntryOptions
    verifies: ClassVar[bool] = False

    def put(self, file: RemoteFile, blob: BinaryIO) -> int:
        """Copy the blob, from where an earlier copy of the same content ended."""
        final = self.base / portable_path(self.entry.locate(file))
        make_folder(final.parent)
        partial = final.with_name(f".{final.name[:40]}.{file.sha256[:16]}.part")
        with storage_errors(partial):
            partial.touch()
            with partial.open("r+b", buffering=0) as there:
                start = _equal(there, blob)
                there.seek(start)
                blob.seek(start)
                while block := blob.read(BLOCK):
                    view = memoryview(block)
                    while view:
                        view = view[there.write(view) or 0 :]
                there.truncate()
        adopt_file(partial, final, mode=0o644)
        return file.size - start

    def finish(self, version: str, manifest: Manifest) -> None:
        """Nothing: the files say it all."""

    def close(self) -> None:
        """Nothing is open."""


def _equal(there: BinaryIO, blob: BinaryIO) -> int:
    """How many bytes at the start are the same."""
    at = 0
    while (here := blob.read(BLOCK)) and there.read(len(here)) == here:
        at += len(here)
    return at
