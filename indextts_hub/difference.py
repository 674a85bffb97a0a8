"""What another version has instead: file by file, by what the manifests say. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from indextts_hub.manifest import FileEntry, Manifest
from indextts_hub.paths import PortablePath

__all__ = ["Change", "Difference", "differences"]


class Change(StrEnum):
    """What became of a path."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Difference:
    """One path in two versions; `before` or `after` is None where it is not there."""

    path: PortablePath
    before: FileEntry | None
    after: FileEntry | None

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.before is None:
            return Change.ADDED
        if self.after is None:
            return Change.REMOVED
        return Change.SAME if self.before.sha256 == self.after.sha256 else Change.CHANGED


def differences(before: Manifest, after: Manifest) -> Iterator[Difference]:
    """Every path of either version, sorted."""
    for path in sorted({file.path for manifest in (before, after) for file in manifest.files}):
        yield Difference(path, before.file(path), after.file(path))
