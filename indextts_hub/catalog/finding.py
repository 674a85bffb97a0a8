"""Which catalogue: the one that was named, else the first there is of a few places; and reading it, from a file or an address."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from indextts_hub.catalog.reading import read_catalog, read_flat
from indextts_hub.catalog.signed import is_signed, open_signed, read_mark
from indextts_hub.catalog.tree import LARGEST, Tree, read_tree
from indextts_hub.catalog.versions import Catalog, Signed
from indextts_hub.errors import UsageError
from indextts_hub.manifest import Json
from indextts_hub.shipped import shipped

__all__ = ["PACKAGED", "SIGNED", "find_catalog", "flat_catalog", "is_packaged", "load_catalog", "standing"]

VARIABLE = "INDEXTTS_HUB_CATALOG"
FILE = "mirrors.yaml"
PACKAGED = "packaged"
"""The name of the catalogue that came with the program, for `include:` and `--catalog`."""

SIGNED = "signed"
"""The name of the store's signed catalogue."""

# A catalogue is asked for once a command; who has no network uses a file.
IDLE_SECONDS = 20.0


def find_catalog(explicit: str | None, environment: Mapping[str, str], store: Path) -> str:
    """The place of the catalogue to use: a path or an address, `signed` or `packaged`.

    Looked for: `explicit`, INDEXTTS_HUB_CATALOG, the signed one of the store at `store`, ./mirrors.yaml, the user's config folder,
    the packaged one.
    """
    if named := explicit or environment.get(VARIABLE):
        return named
    if is_signed(store):
        return SIGNED
    if Path(FILE).is_file():
        return FILE
    from platformdirs import user_config_path

    own = user_config_path("indextts-hub", appauthor=False) / FILE
    return str(own) if own.is_file() else PACKAGED


def load_catalog(place: str | Path, store: Path | None = None) -> Catalog:
    """Read the catalogue at a path or an address, with all it includes.

    Args:
        store: the folder of the store whose signed catalogue `signed` means.

    Raises:
        UsageError: E_CATALOG, with file, line and column, or if it can't be read.
        SourceError: an address does not answer.
        NotFound, IntegrityError, StorageError: as `open_signed`.
    """
    catalog = read_catalog(str(place), partial(_open_tree, store))
    mark = read_mark(store) if place == SIGNED and store is not None else None
    return catalog if mark is None else replace(catalog, signed=Signed(mark.versions["targets"], mark.place, mark.expires))


def is_packaged(catalog: Catalog) -> bool:
    """Whether a catalogue is the one that came with the program, which is as good as the program."""
    return catalog.origin == str(shipped(FILE))


def standing(catalog: Catalog) -> str:
    """Who stands by a catalogue, in words."""
    if catalog.signed is not None:
        return f"{catalog.origin}, good until {catalog.signed.expires:%Y-%m-%d}"
    return "it came with the program" if is_packaged(catalog) else f"{catalog.origin}, not signed"


def flat_catalog(place: str | Path) -> Json:
    """The catalogue at a path or an address, with all it includes, as one document.

    Raises:
        UsageError, SourceError: as `load_catalog`.
    """
    return read_flat(str(place), partial(_open_tree, None))


def _open_tree(store: Path | None, place: str, included_by: str | None) -> Tree:
    if place == SIGNED and store is not None:
        return open_signed(store)
    if place == PACKAGED:
        return _from_file(shipped(FILE))
    if included_by is not None and _is_address(included_by):
        # What comes from an address names no files of this machine.
        place = urljoin(included_by, place)
        if not _is_address(place):
            raise UsageError(
                f"{included_by} includes {place[:80]!a}, which is no address", remedy="use an https address", code="E_CATALOG"
            )
    if _is_address(place):
        return read_tree(_fetched(place), place)
    path = Path(place).expanduser()
    return _from_file(path if included_by is None else Path(included_by).parent / path)


def _is_address(place: str) -> bool:
    return urlsplit(place).scheme in {"http", "https"}


def _from_file(path: Path) -> Tree:
    try:
        with path.open("rb") as file:
            return read_tree(file.read(LARGEST + 1), path)
    except OSError as error:
        raise UsageError(
            f"the catalogue {path} can't be read: {error.strerror}",
            remedy="name another with --catalog FILE or INDEXTTS_HUB_CATALOG",
            code="E_CATALOG",
        ) from None


def _fetched(address: str) -> bytes:
    from indextts_hub.sources.transport import Request, Transport

    host = urlsplit(address).hostname or ""
    transport = Transport(frozenset({host}), IDLE_SECONDS)
    try:
        return transport.document(Request("the catalogue", address))
    finally:
        transport.close()
