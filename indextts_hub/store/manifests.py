"""The canonical manifests the store holds, each named by its digest: `manifests/sha256/abcd….json`."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import IntegrityError, NotFound
from indextts_hub.manifest import LARGEST_MANIFEST, Digest, Manifest, check_digest, parse_manifest
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.durable import remove_file, write_durably
from indextts_hub.store.trouble import storage_errors

__all__ = ["Manifests"]

SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Manifests:
    """The manifests of one store, in `folder`."""

    folder: Path

    def path(self, digest: Digest) -> Path:
        """Where the manifest is, or would be."""
        return self.folder / f"{digest}{SUFFIX}"

    def write(self, manifest: Manifest) -> Digest:
        """Keep the manifest, durably; return its digest.

        Raises:
            StorageError: the disk would not take it.
        """
        digest = manifest.digest
        try:
            self.read(digest)
        except (NotFound, IntegrityError):
            write_durably(self.path(digest), manifest.canonical(), mode=0o444)
        return digest

    def read(self, digest: Digest) -> Manifest:
        """Read a manifest; its bytes are checked against the digest.

        Raises:
            NotFound: E_NO_MANIFEST.
            IntegrityError: E_MANIFEST, if it has changed on the disk.
            StorageError: as `storage_errors`.
        """
        path = self.path(digest)
        try:
            with open_regular(path) as file, storage_errors(path):
                body = file.read(LARGEST_MANIFEST + 1)
        except NotFound:
            raise NotFound(
                f"the store has no manifest {digest[:12]}", remedy="pull the version again", code="E_NO_MANIFEST"
            ) from None
        if hashlib.sha256(body).hexdigest() != digest:
            raise IntegrityError(
                f"the manifest {digest[:12]} has changed on the disk",
                remedy="remove it and pull the version again",
                code="E_MANIFEST",
            )
        return parse_manifest(body)

    def remove(self, digest: Digest) -> None:
        """Remove a manifest, durably; a missing one is no trouble.

        Raises:
            StorageError: as `storage_errors`.
        """
        remove_file(self.path(digest))

    def __contains__(self, digest: Digest) -> bool:
        return self.path(digest).is_file()

    def with_prefix(self, prefix: str) -> tuple[Digest, ...]:
        """The digests that start with `prefix`, sorted."""
        return tuple(digest for digest in self if digest.startswith(prefix))

    def __iter__(self) -> Iterator[Digest]:
        """Every manifest's digest, sorted; names that are none are passed over."""
        with storage_errors(self.folder):
            names = sorted(os.listdir(self.folder))
        for name in names:
            stem = name.removesuffix(SUFFIX)
            if name.endswith(SUFFIX) and not name.startswith("."):
                try:
                    yield check_digest(stem)
                except IntegrityError:
                    continue
