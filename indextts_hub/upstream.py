"""Whether the repositories from which versions come have moved on since the catalogue pinned them. Nothing is fetched but lists."""

from collections.abc import Iterator
from dataclasses import dataclass

from indextts_hub.catalog import Catalog, Version
from indextts_hub.errors import HubError
from indextts_hub.manifest import FileEntry
from indextts_hub.sources import Context, EntryOptions, Head, RemoteFile, huggingface, modelscope

__all__ = ["Upstream", "look_upstream"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """How a repository stands against what the catalogue says of it.

    Attributes:
        pinned: the revision that the catalogue names.
        latest: the one that its branch means now; None if it can't be told.
        files: paths in the version of files that are others there, or gone, as far as that can be told.
        error: why it can't be told.
    """

    version: str
    mirror: str
    repo: str
    pinned: str
    latest: str | None
    files: tuple[str, ...] = ()
    error: HubError | None = None

    @property
    def moved(self) -> bool:
        """Whether there is something newer."""
        return self.latest is not None and (self.latest != self.pinned or bool(self.files))


def look_upstream(catalog: Catalog, version: Version) -> Iterator[Upstream]:
    """Ask each repository of a version, on the Hugging Face Hub and on ModelScope, once."""
    context = Context()
    places: dict[EntryOptions, list[tuple[FileEntry, RemoteFile]]] = {}
    for file in version.manifest.files:
        for remote, entry in version.places(file):
            if isinstance(entry, huggingface.Entry | modelscope.Entry):
                places.setdefault(entry, []).append((file, remote))
    for entry, files in places.items():
        assert isinstance(entry, huggingface.Entry | modelscope.Entry)  # noqa: S101 - as above
        kind = huggingface if isinstance(entry, huggingface.Entry) else modelscope
        try:
            head = kind.head(entry.mirror, catalog.mirrors[entry.mirror], entry, context)
        except HubError as error:
            yield Upstream(version.name, entry.mirror, entry.repo, entry.revision, None, error=error)
            continue
        changed = tuple(file.path for file, remote in files if _differs(head, entry.locate(remote), file))
        yield Upstream(version.name, entry.mirror, entry.repo, entry.revision, head.revision, changed)


def _differs(head: Head, path: str, file: FileEntry) -> bool:
    if path not in head.digests:
        return head.whole
    there = head.digests[path]
    return there is not None and there != file.sha256
