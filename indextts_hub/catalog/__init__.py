"""The catalogue: which versions there are, which files they have, and which mirrors may have those."""

from indextts_hub.catalog.finding import find_catalog, load_catalog
from indextts_hub.catalog.versions import Catalog, Part, Version

__all__ = ["Catalog", "Part", "Version", "find_catalog", "load_catalog"]
