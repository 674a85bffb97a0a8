"""Two machines and what is carried from the one to the other."""

import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from indextts_hub.bundle import (
    BundledVersion,
    ExportOptions,
    ExportReport,
    ImportOptions,
    ImportReport,
    export_bundle,
    import_bundle,
)
from indextts_hub.manifest import Manifest
from indextts_hub.store import Store, open_store
from indextts_hub.transfer import Silent
from indextts_hub.trust import Trust, read_public_key
from tests.hub.store.shelf import Shelf

NOW = 1_800_000_000
FILES = {"config.yaml": b"version: 2\n", "hf/weights.bin": bytes(range(256)) * 9000, "gpt.bin": bytes(range(255)) * 7000}
"""4 MB, so that a bundle is cut into several of the smallest volumes."""


class Carrier:
    """A machine that has versions, one that has none, and a stick."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.here = open_store(folder / "here")
        self.there = open_store(folder / "there")
        self.stick = folder / "stick"
        self.stick.mkdir()
        self.bundle = self.stick / "v23.tar"

    def version(self, name: str = "v23", files: dict[str, bytes] = FILES) -> BundledVersion:
        return BundledVersion(name, Shelf(self.here).version(name, files))

    def write(self, versions: Sequence[BundledVersion], bases: Sequence[BundledVersion] = (), **options: object) -> ExportReport:
        chosen = replace(ExportOptions(), **options)  # type: ignore[arg-type]
        return export_bundle(self.here, versions, bases, self.bundle, chosen, Silent())

    def read(self, path: Path | None = None, *, now: float = NOW, **options: object) -> ImportReport:
        chosen = replace(ImportOptions(), **options)  # type: ignore[arg-type]
        return import_bundle(self.there, path or self.bundle, chosen, now, Silent())


def laid_out(store: Store, name: str, manifest: Manifest) -> dict[str, bytes]:
    path = store.snapshots.path(name, manifest.digest)
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def nothing_is_visible(store: Store) -> bool:
    return not list(store.snapshots.list()) and not any(path.is_file() for path in store.blobs.folder.rglob("*"))


def rewritten(body: bytes, change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], None], **options: int) -> bytes:
    """A bundle's members as they are, changed, and written again by Python's tar."""
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        found = [(member, tar.extractfile(member).read() if member.isfile() else b"") for member in tar]  # type: ignore[union-attr]
    change(found)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=options.get("format", tarfile.USTAR_FORMAT)) as tar:
        for member, content in found:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


class Signer:
    """A key of each half."""

    def __init__(self, folder: Path) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.place = folder / f"{id(self)}.pub"
        self.place.write_bytes(self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        self.public = read_public_key(self.place)


def trust(*signers: Signer, revoked: Sequence[Signer] = (), threshold: int = 1) -> Trust:
    return Trust(tuple(each.public for each in signers), tuple(each.public for each in revoked), threshold)
