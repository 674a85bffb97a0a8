"""The catalogue: which versions there are, which files they have, and which mirrors may have those."""

from indextts_hub.catalog.finding import PACKAGED, find_catalog, flat_catalog, is_packaged, load_catalog, standing
from indextts_hub.catalog.versions import Catalog, Part, Signed, Version

__all__ = [
    "PACKAGED",
    "Catalog",
    "Part",
    "Signed",
    "Version",
    "find_catalog",
    "flat_catalog",
    "is_packaged",
    "load_catalog",
    "standing",
]
