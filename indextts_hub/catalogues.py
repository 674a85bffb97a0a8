"""The verbs of a signed catalogue: publish one, and take one over. A line over the trust room, the store and the log."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from indextts_hub.bundle import carried_catalogue
from indextts_hub.catalog import flat_catalog, load_catalog
from indextts_hub.catalog.checking import manifest_name
from indextts_hub.catalog.signed import DOCUMENT, PICKLES, read_mark
from indextts_hub.errors import HubError, PolicyError
from indextts_hub.gate.allowed import TORCH
from indextts_hub.hub import Hub
from indextts_hub.manifest import Json, canonical_json
from indextts_hub.store.locks import exclusive
from indextts_hub.trust.places import Folder, Place, place_of
from indextts_hub.trust.updating import Update, update

__all__ = ["documents_of", "take_over"]

# Whoever holds the lock fetches some small documents.
WAIT_SECONDS = 300.0
FIRST_ROOT = "metadata/1.root.json"
LARGEST_ROOT = 512_000


def documents_of(place: str, pickle_names: Iterable[str] | None = None) -> dict[str, bytes]:
    """The documents of a catalogue, as they are signed: itself, a manifest of each version, and what a pickle may import.

    Args:
        pickle_names: `module.name` of each; None for all that the gate lets in today.

    Raises:
        UsageError: E_CATALOG.
        SourceError: an address does not answer.
    """
    names: list[Json] = [*sorted(TORCH.names if pickle_names is None else set(pickle_names))]
    documents = {DOCUMENT: canonical_json(flat_catalog(place)), PICKLES: canonical_json({"schema": 1, "names": names})}
    for version in load_catalog(place).versions.values():
        documents[manifest_name(version.name)] = version.manifest.canonical()
    return documents


def take_over(hub: Hub, place: str | None, root: bytes | None, *, trust_first_use: bool = False) -> Update:
    """Take the newest signed catalogue over, from a place or from where the last one came, and write it down.

    Args:
        trust_first_use: where nothing is trusted yet and no root was given, trust the one that the place has.

    Raises:
        HubError: as `update`; the catalogue is what it was. What was refused is written down as well.
    """
    mark = read_mark(hub.store.root)
    wanted = place or (mark.place if mark else None)
    if wanted is None:
        raise PolicyError(
            "this store has no signed catalogue yet",
            remedy="say where it is and whom to trust: `indextts-hub catalogue update --from PLACE --root FILE`",
            code="E_NO_CATALOG",
        )
    with exclusive(hub.store.locks.folder / "catalogue.lock", act="catalogue update", wait=WAIT_SECONDS):
        before = read_mark(hub.store.root)
        where = _opened(wanted)
        try:
            found = root
            if trust_first_use and root is None and before is None:
                found = where.read(FIRST_ROOT, LARGEST_ROOT)
            updated = update(hub.store.root, where, before, found, datetime.now(UTC))
        except HubError as error:
            hub.books.log("catalogue update", where.name, error.code)
            raise
    versions: dict[str, Json] = dict(updated.mark.versions)
    details: dict[str, Json] = {"versions": versions, "expires": updated.mark.expires.isoformat(), "root": updated.mark.first}
    if before is None:
        # An auditor asks later whether a person compared the root, or took what came.
        details["trusted"] = "first use" if root is None else "given"
    hub.books.log("catalogue update", where.name, "done", details)
    hub.reread_catalog()
    for name, digest, reason in _revoked(hub):
        hub.books.log("revoked", f"{name}@sha256:{digest}", "done", {"reason": reason[:200]})
    return updated


def _revoked(hub: Hub) -> Iterator[tuple[str, str, str]]:
    """The versions that are here and that the catalogue has revoked, each with why."""
    for name, digest in hub.store.snapshots.list():
        if reason := hub.revocation(name, digest):
            yield name, digest, reason


def _opened(place: str) -> Place:
    found = place_of(place)
    return carried_catalogue(found.path) if isinstance(found, Folder) and found.path.is_file() else found
