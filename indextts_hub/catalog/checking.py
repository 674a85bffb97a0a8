"""What a signed catalogue's documents must say together, before any of it is used. Pure."""

from collections.abc import Mapping
from typing import NoReturn

from indextts_hub.catalog.reading import read_catalog
from indextts_hub.catalog.signed import DOCUMENT
from indextts_hub.catalog.tree import Tree, read_tree
from indextts_hub.catalog.versions import Catalog
from indextts_hub.errors import IntegrityError
from indextts_hub.manifest import parse_manifest

__all__ = ["check_bound", "manifest_name"]


def manifest_name(version: str) -> str:
    """What the manifest of a version is called among the documents."""
    return f"manifests/{version}.json"


def check_bound(documents: Mapping[str, bytes], origin: str) -> Catalog:
    """Hold a catalogue to the manifests that were signed beside it: each version is what its name was signed for.

    Raises:
        UsageError: E_CATALOG, if it is no catalogue.
        IntegrityError: E_CATALOG_BOUND, if a version has no manifest, or another.
    """

    def only(place: str, included_by: str | None) -> Tree:
        if included_by is not None:
            _not_bound(f"it includes {place[:80]!a}")
        return read_tree(documents[DOCUMENT], origin)

    catalog = read_catalog(origin, only)
    for version in catalog.versions.values():
        body = documents.get(manifest_name(version.name))
        if body is None:
            _not_bound(f"no manifest was signed for {version.name}")
        if parse_manifest(body).digest != version.manifest.digest:
            _not_bound(f"another manifest was signed for {version.name}")
    return catalog


def _not_bound(why: str) -> NoReturn:
    raise IntegrityError(
        f"the signed catalogue contradicts itself: {why}",
        remedy="show it to whoever publishes it; the catalogue that is here goes on",
        code="E_CATALOG_BOUND",
    )
