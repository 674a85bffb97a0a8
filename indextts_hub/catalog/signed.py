"""The signed catalogue as it was last taken over: what stands in the store of it, and reading it.

    catalogue.json              the mark: how far the metadata had come, when it ends, and each document by its digest
    catalogue/metadata/…        the signed metadata, as whoever publishes it lays it out (https://theupdateframework.io)
    catalogue/targets/…         the documents: `mirrors.json`, a manifest of each version, `pickles.json`

Nothing here checks a signature: `trust.updating` did before the mark was written, and the mark holds the documents to what was
signed. It lies outside the metadata's folder and never goes back: who loses the folder does not begin again from an older state.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.catalog.tree import Tree, read_tree
from indextts_hub.errors import IntegrityError, NotFound, StorageError
from indextts_hub.manifest import Digest, Json, canonical_json, check_digest, load_strict_json
from indextts_hub.store.blobs import digest_of, open_regular
from indextts_hub.store.durable import write_durably
from indextts_hub.store.opening import SIGNED_CATALOG, SIGNED_CATALOG_MARK
from indextts_hub.store.trouble import storage_errors

__all__ = [
    "DOCUMENT",
    "PICKLES",
    "Mark",
    "allowed_names",
    "document_path",
    "is_signed",
    "open_signed",
    "read_document",
    "read_mark",
    "write_mark",
]

DOCUMENT = "mirrors.json"
"""The target that is the catalogue itself."""
PICKLES = "pickles.json"
"""The target that says which names a pickle may import."""
LARGEST_MARK = 16 << 20
_REMEDY = "bring it back with `indextts-hub catalogue update`"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a store has come with a signed catalogue.

    Attributes:
        place: the address, folder or bundle it was last taken from.
        root: the newest root metadata, from which the next update goes on.
        first: digest of the root that somebody chose to trust here.
        versions: of the metadata `root`, `timestamp`, `snapshot` and `targets`.
        expires: when the first of them ends.
        seen: the time it was taken over.
        files: the digest of each document.
    """

    place: str
    root: bytes
    first: Digest
    versions: Mapping[str, int]
    expires: datetime
    seen: datetime
    files: Mapping[str, Digest]

    @property
    def origin(self) -> str:
        """What messages call it."""
        return f"signed:{self.versions['targets']}"


def is_signed(store: Path) -> bool:
    """Whether the store at this folder has a signed catalogue."""
    return (store / SIGNED_CATALOG_MARK).is_file()


def read_mark(store: Path) -> Mark | None:
    """The mark of the store at this folder; None if there is none.

    Raises:
        StorageError: E_CATALOG_MARK, if it is damaged.
    """
    path = store / SIGNED_CATALOG_MARK
    try:
        with open_regular(path) as file, storage_errors(path):
            document = json.loads(file.read(LARGEST_MARK))
        return Mark(
            str(document["place"]),
            b64decode(document["root"], validate=True),
            check_digest(document["first"]),
            {str(role): int(version) for role, version in document["versions"].items()},
            _time(document["expires"]),
            _time(document["seen"]),
            {str(name): check_digest(digest) for name, digest in document["files"].items()},
        )
    except NotFound:
        return None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise StorageError(
            f"{path} is damaged: it can't be told how new the signed catalogue was",
            remedy="put a copy of it back; or remove it, and trust the catalogue's root anew with `catalogue update --root`",
            code="E_CATALOG_MARK",
        ) from None


def write_mark(store: Path, mark: Mark) -> None:
    """Write the mark; from then on this is the catalogue.

    Raises:
        StorageError: the disk would not take it.
    """
    files: dict[str, Json] = dict(sorted(mark.files.items()))
    versions: dict[str, Json] = dict(sorted(mark.versions.items()))
    document: dict[str, Json] = {
        "schema": 1,
        "place": mark.place,
        "root": b64encode(mark.root).decode(),
        "first": mark.first,
        "versions": versions,
        "expires": mark.expires.isoformat(),
        "seen": mark.seen.isoformat(),
        "files": files,
    }
    write_durably(store / SIGNED_CATALOG_MARK, canonical_json(document))


def document_path(name: str, digest: Digest) -> str:
    """Where below `catalogue/` a document lies: the digest stands before the last part of its name, as TUF has it."""
    folder, slash, last = name.rpartition("/")
    return f"targets/{folder}{slash}{digest}.{last}"


def read_document(store: Path, mark: Mark, name: str) -> bytes | None:
    """A document of the signed catalogue; None if it has none of this name.

    Raises:
        IntegrityError: E_CATALOG_DAMAGED, if its bytes are not those that were signed.
    """
    if name not in mark.files:
        return None
    path = store / SIGNED_CATALOG / document_path(name, mark.files[name])
    try:
        with open_regular(path) as file, storage_errors(path):
            if digest_of(file) == mark.files[name]:
                file.seek(0)
                return file.read()
    except NotFound:
        pass
    raise IntegrityError(f"{name} of the signed catalogue is lost or damaged", remedy=_REMEDY, code="E_CATALOG_DAMAGED")


def open_signed(store: Path) -> Tree:
    """The catalogue's document.

    Raises:
        NotFound: E_NO_CATALOG, if this store has no signed catalogue.
        IntegrityError: E_CATALOG_DAMAGED.
        StorageError: E_CATALOG_MARK.
    """
    mark = read_mark(store)
    body = None if mark is None else read_document(store, mark, DOCUMENT)
    if mark is None or body is None:
        raise NotFound(
            "this store has no signed catalogue",
            remedy="take one over with `indextts-hub catalogue update --from PLACE --root FILE`",
            code="E_NO_CATALOG",
        )
    return read_tree(body, mark.origin)


def allowed_names(store: Path) -> frozenset[str] | None:
    """What the signed catalogue lets a pickle import, as `module.name`; None if it says nothing of it.

    It can only take names from what the gate lets in: whoever steals its keys opens nothing.

    Raises:
        IntegrityError: E_CATALOG_DAMAGED, if it is damaged.
        StorageError: E_CATALOG_MARK.
    """
    mark = read_mark(store)
    body = None if mark is None else read_document(store, mark, PICKLES)
    if body is None:
        return None
    document = load_strict_json(body)
    names = document.get("names") if isinstance(document, dict) else None
    if not isinstance(names, list):
        raise IntegrityError(f"{PICKLES} of the signed catalogue has no names", remedy=_REMEDY, code="E_CATALOG_DAMAGED")
    return frozenset(str(name) for name in names)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
