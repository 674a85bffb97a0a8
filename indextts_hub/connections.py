"""The sources of versions, each connected once and closed together with all others."""

from collections.abc import Collection
from contextlib import ExitStack
from typing import Self

from indextts_hub.catalog import Catalog, Version
from indextts_hub.catalog.schema import nearest
from indextts_hub.errors import UsageError
from indextts_hub.manifest import FileEntry
from indextts_hub.sources import Context, EntryOptions, RemoteFile, Source, connect

__all__ = ["Connections"]


class Connections:
    """Connects to mirrors as they are asked for. Nothing is sent before a source is used."""

    def __init__(self, catalog: Catalog, only: Collection[str] = ()) -> None:
        """`only`: names of the mirrors that may be asked; none: all.

        Raises:
            UsageError: E_NO_MIRROR, if one of them is not in the catalogue.
        """
        for name in only:
            if name not in catalog.mirrors:
                raise UsageError(
                    f"the catalogue has no mirror {name[:80]!a}", remedy=nearest(name, sorted(catalog.mirrors)), code="E_NO_MIRROR"
                )
        self._mirrors = catalog.mirrors
        self._only = frozenset(only)
        self._context = Context()
        self._opened = ExitStack()
        self._made: dict[tuple[str, str], Source] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def of(self, version: Version, file: FileEntry) -> tuple[tuple[RemoteFile, Source], ...]:
        """The sources that may have a file of a version, each with the file as it knows it, in the catalogue's order.

        Raises:
            UsageError: E_SECRET, if a secret that a mirror names is not set.
        """
        places = ((remote, entry) for remote, entry in version.places(file) if not self._only or entry.mirror in self._only)
        return tuple((remote, self.source(entry)) for remote, entry in places)

    def source(self, entry: EntryOptions) -> Source:
        """The source of a version's entry for one mirror.

        Raises:
            UsageError: E_SECRET, if a secret that the mirror names is not set.
        """
        key = (entry.mirror, entry.model_dump_json())
        if key not in self._made:
            self._made[key] = connect(entry.mirror, self._mirrors[entry.mirror], entry, self._context)
            self._opened.callback(self._made[key].close)
        return self._made[key]
