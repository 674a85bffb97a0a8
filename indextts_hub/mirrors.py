"""Trying the mirrors of a catalogue: each is asked for part of a file that a version has on it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from indextts_hub.catalog import Catalog
from indextts_hub.connections import Connections
from indextts_hub.errors import HubError, NotFound
from indextts_hub.sources import EntryOptions, RemoteFile
from indextts_hub.transfer.trial import Trial, try_source

__all__ = ["try_mirrors"]

# At once: enough that silent ones do not add up, few enough that they do not take the line from each other.
AT_ONCE = 4


def try_mirrors(catalog: Catalog, names: Sequence[str], count: int) -> Iterator[tuple[str, Trial]]:
    """Fetch up to `count` bytes from each of some mirrors, or of all; each is told when it is done, in the catalogue's order.

    Raises:
        UsageError: E_NO_MIRROR.
    """
    with Connections(catalog, names) as connections, ThreadPoolExecutor(AT_ONCE) as pool:

        def tried(name: str) -> Trial:
            try:
                remote, entry = _largest(catalog, name)
                return try_source(connections.source(entry), remote, count)
            except HubError as error:
                return Trial(error=error)

        chosen = list(names) or list(catalog.mirrors)
        yield from zip(chosen, pool.map(tried, chosen), strict=True)


def _largest(catalog: Catalog, name: str) -> tuple[RemoteFile, EntryOptions]:
    """The largest file that any version has on a mirror: one that is large enough to measure by."""
    found = [
        place
        for version in catalog.versions.values()
        for file in version.manifest.files
        for place in version.places(file)
        if place[1].mirror == name
    ]
    if not found:
        raise NotFound(f"no version names {name}", remedy="give a version a source on it", code="E_NO_MIRROR")
    return max(found, key=lambda place: place[0].size)
