"""Fills a store in tests, as a pull would."""

import hashlib

from indextts_hub.manifest import ByteCount, Digest, FileEntry, License, Manifest
from indextts_hub.paths import portable_path
from indextts_hub.store import Store


class Shelf:
    """Puts versions into a store as a pull would."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def blob(self, body: bytes) -> Digest:
        """Bring bytes in; return their digest."""
        digest = Digest(hashlib.sha256(body).hexdigest())
        partial = self.store.partials / f"{digest}.part"
        partial.write_bytes(body)
        self.store.blobs.commit(partial, digest, len(body))
        return digest

    def manifest(self, files: dict[str, bytes]) -> Manifest:
        """What a version of these files is; nothing is stored."""
        return manifest_of(files)

    def version(self, name: str, files: dict[str, bytes]) -> Manifest:
        """Bring a whole version in, as `pull` does."""
        for body in files.values():
            self.blob(body)
        manifest = manifest_of(files)
        self.store.snapshots.commit(name, manifest)
        return manifest


def manifest_of(files: dict[str, bytes]) -> Manifest:
    entries = (
        FileEntry(portable_path(path), ByteCount(len(body)), Digest(hashlib.sha256(body).hexdigest()))
        for path, body in files.items()
    )
    return Manifest("fastspeech2", License("MIT", None, True), tuple(entries))
