"""A signed catalogue on the road: what a bundle carries of the store's, and what can be read out of one."""

from hashlib import sha256
from pathlib import Path

from indextts_hub.bundle.contents import Document
from indextts_hub.bundle.reader import open_bundle
from indextts_hub.catalog.signed import document_path, read_mark
from indextts_hub.errors import IntegrityError, NotFound
from indextts_hub.manifest import ByteCount, Digest
from indextts_hub.paths import portable_path
from indextts_hub.store import Store
from indextts_hub.store.blobs import digest_of, open_regular
from indextts_hub.store.opening import SIGNED_CATALOG
from indextts_hub.store.trouble import storage_errors
from indextts_hub.trust.places import Carried

__all__ = ["carried_catalogue", "signed_documents"]

BUFFER = 1 << 20


def signed_documents(store: Store) -> tuple[Document, ...]:
    """What a bundle carries of the store's signed catalogue: every root, the newest metadata, each document.

    Raises:
        NotFound: E_NO_CATALOG.
        StorageError: it can't be read.
    """
    mark = read_mark(store.root)
    if mark is None:
        raise NotFound(
            "this store has no signed catalogue to put in",
            remedy="take one over: `indextts-hub catalogue update`",
            code="E_NO_CATALOG",
        )
    folder = store.root / SIGNED_CATALOG
    with storage_errors(folder):
        names = [f"metadata/{path.name}" for path in (folder / "metadata").glob("*.json")]
    names += [document_path(name, digest) for name, digest in mark.files.items()]
    return tuple(_document(folder, name) for name in sorted(names))


def carried_catalogue(path: Path) -> Carried:
    """The signed catalogue that a bundle carries. Nothing of it is believed before its signatures are verified.

    Raises:
        IntegrityError: E_BUNDLE, E_VOLUME, if it is no bundle, or damaged.
        NotFound: E_NO_CATALOG, if it has none.
    """
    bundle = open_bundle(path, None)
    with bundle.volumes:
        listed = {sha256(body).hexdigest(): body for body in bundle.contents.documents()}
        files = {file.sha256: file for file in bundle.files}
        found: dict[str, bytes] = {}
        for document in bundle.contents.catalogue:
            body = listed.get(document.sha256)
            if body is None and (file := files.get(document.sha256)) is not None:
                body = b"".join(map(bytes, bundle.volumes.read(file.start, file.size, memoryview(bytearray(BUFFER)))))
            if body is None or sha256(body).hexdigest() != document.sha256:
                raise IntegrityError(
                    f"{document.path} of the bundle's catalogue is damaged", remedy="copy the bundle again", code="E_BUNDLE"
                )
            found[document.path] = body
    if not found:
        raise NotFound(f"{path.name} carries no catalogue", remedy="export it with --with-catalogue", code="E_NO_CATALOG")
    return Carried(str(path), found)


def _document(folder: Path, name: str) -> Document:
    place = folder / name
    with open_regular(place) as file, storage_errors(place):
        return Document(portable_path(name), ByteCount(place.stat().st_size), Digest(digest_of(file)))
