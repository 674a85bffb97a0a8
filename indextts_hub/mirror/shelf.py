"""What this hub lends, as others ask for it: versions by name and digest, blobs by digest, repositories as registries have them.

Each whole version is the repository `indextts/NAME`, whose commit is the first 40 digits of its digest, and, where the catalogue
knows from which repositories of a registry its parts come, those too, at the revisions that it names and at no other.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from indextts_hub.errors import NotFound
from indextts_hub.hub import Hub
from indextts_hub.manifest import ByteCount, Digest, Manifest
from indextts_hub.mirror.downloads import Downloads
from indextts_hub.mirror.passthrough import Passthrough
from indextts_hub.sources import huggingface, modelscope
from indextts_hub.store import SnapshotState

__all__ = ["HUGGING_FACE", "MODEL_SCOPE", "NAMESPACE", "LentFile", "LentVersion", "Registry", "Repository", "Shelf"]

NAMESPACE = "indextts"
COMMIT = 40


@dataclass(frozen=True, slots=True)
class Registry:
    """A public place of repositories whose read API is spoken here.

    Attributes:
        entry: how the catalogue names a repository of it.
        branch: what its clients ask for when they name no revision.
    """

    entry: type[huggingface.Entry] | type[modelscope.Entry]
    branch: str


HUGGING_FACE = Registry(huggingface.Entry, "main")
MODEL_SCOPE = Registry(modelscope.Entry, "master")


@dataclass(frozen=True, slots=True)
class LentVersion:
    """A version that is whole here."""

    name: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class LentFile:
    """A file of a repository.

    Attributes:
        path: within the repository.
    """

    path: str
    size: ByteCount
    sha256: Digest

    @property
    def pointer(self) -> bytes:
        """The Git LFS pointer that stands for it in Git (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md)."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()

    @property
    def oid(self) -> str:
        """Git's own name of the pointer: SHA-1 over its kind, length and bytes."""
        return hashlib.sha1(b"blob %d\0%b" % (len(self.pointer), self.pointer), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit; `files` sorted by path. Its branch has the registry's name, whatever the commit."""

    id: str
    commit: str
    files: tuple[LentFile, ...]
    branch: str

    def file(self, path: str) -> LentFile | None:
        """A file by its path."""
        return next((file for file in self.files if file.path == path), None)

    def is_at(self, revision: str) -> bool:
        """Whether a revision, a branch or the start of a commit, means this commit."""
        return revision in {self.branch, self.commit} or (len(revision) >= 7 and self.commit.startswith(revision))


class Shelf:
    """What is lent, looked up anew for each request: versions come and go while a service runs."""

    def __init__(
        self,
        hub: Hub,
        passthrough: Passthrough | None = None,
        accel: str | None = None,
        downloads: Downloads | None = None,
    ) -> None:
        """A shelf over a hub's store.

        Args:
            passthrough: fetches what is not here, if that is wanted.
            accel: the address under which an nginx in front, and only it, has the folder of the blobs.
            downloads: what each client may have.
        """
        self._hub = hub
        self.passthrough = passthrough
        self.downloads = downloads or Downloads()
        self._accel = accel

    @property
    def folder(self) -> Path:
        """The store's."""
        return self._hub.store.root

    def handed_over(self, digest: Digest) -> str | None:
        """Where an nginx in front has a blob and can send it by itself; None if there is none."""
        if self._accel is None:
            return None
        blobs = self._hub.store.blobs
        return f"{self._accel.rstrip('/')}/{blobs.path(digest).relative_to(blobs.folder.parent).as_posix()}"

    def versions(self) -> Iterator[LentVersion]:
        """All versions that are whole and not revoked, by name; then, where they can be fetched, the others of the catalogue."""
        whole = set()
        for version in self._whole():
            whole.add((version.name, version.manifest.digest))
            yield version
        if self.passthrough is not None:
            for known in self._hub.catalog.versions.values():
                digest = known.manifest.digest
                if (known.name, digest) not in whole and digest not in known.revoked:
                    yield LentVersion(known.name, known.manifest)

    def version_of(self, digest: Digest) -> str | None:
        """The name of the version that a file is of, the first of several; None if it is of none that is lent."""
        return next((each.name for each in self.versions() if digest in dict(each.manifest.blobs())), None)

    def _whole(self) -> Iterator[LentVersion]:
        store = self._hub.store
        for name, digest in store.snapshots.list():
            manifest = store.manifests.read(digest)
            if store.snapshots.state(name, manifest) is SnapshotState.COMPLETE and not self._hub.revocation(name, digest):
                yield LentVersion(name, manifest)

    def file(self, name: str, digest: Digest, path: str) -> LentFile:
        """A file of a version that is lent.

        Raises:
            NotFound: E_NO_FILE, E_NO_MANIFEST.
        """
        manifest = self._hub.store.manifests.read(digest)
        file = manifest.file(path)
        if file is None or self._hub.revocation(name, digest):
            raise NotFound(f"{name} has no file {path[:200]!a}", remedy="ask whoever gave the link for a new one", code="E_NO_FILE")
        return LentFile(file.path, file.size, file.sha256)

    def manifest(self, digest: Digest) -> bytes:
        """A canonical manifest.

        Raises:
            NotFound: E_NO_MANIFEST.
        """
        if self.passthrough is not None:
            for version in self._hub.catalog.versions.values():
                if version.manifest.digest == digest:
                    return version.manifest.canonical()
        return self._hub.store.manifests.read(digest).canonical()

    def open(self, digest: Digest) -> BinaryIO:
        """A blob, open for reading; the caller closes it.

        Raises:
            NotFound: E_NO_BLOB.
            StorageError: E_NOT_A_FILE.
        """
        return self._hub.store.blobs.open(digest)

    def repositories(self, id_: str, registry: Registry) -> list[Repository]:
        """The commits of a repository that are here, the one that its branch means first.

        Raises:
            NotFound: E_NO_REPO.
        """
        versions = list(self.versions())
        found = [
            repository for repository in (*_own(versions, registry), *self._upstream(versions, registry)) if repository.id == id_
        ]
        if not found:
            raise NotFound(f"no repository {id_[:120]!a} is lent here", remedy="see /hub/versions", code="E_NO_REPO")
        current = {f"{NAMESPACE}/{name}": digest[:COMMIT] for name, digest in self._current().items()}
        return sorted(found, key=lambda repository: repository.commit != current.get(id_))

    def _current(self) -> dict[str, Digest]:
        """What each name alone means."""
        if self.passthrough is None:
            return self._hub.lock()
        return self._hub.lock() | {version.name: version.manifest.digest for version in self._hub.catalog.versions.values()}

    def _upstream(self, versions: list[LentVersion], registry: Registry) -> Iterator[Repository]:
        """The repositories from which the versions' files come; several versions may have parts of one."""
        files: dict[tuple[str, str], dict[str, LentFile]] = {}
        for version in versions:
            known = self._hub.catalog.versions.get(version.name)
            if known is None or known.manifest.digest != version.manifest.digest:
                continue
            for file in known.manifest.files:
                for remote, source in known.places(file):
                    if isinstance(source, registry.entry):
                        path = source.locate(remote)
                        there = files.setdefault((source.repo, source.revision), {})
                        there.setdefault(path, LentFile(path, file.size, file.sha256))
        for (repo, revision), there in files.items():
            yield Repository(repo, revision, tuple(there[path] for path in sorted(there)), registry.branch)


def _own(versions: list[LentVersion], registry: Registry) -> Iterator[Repository]:
    for version in versions:
        manifest = version.manifest
        files = tuple(LentFile(file.path, file.size, file.sha256) for file in manifest.files)
        yield Repository(f"{NAMESPACE}/{version.name}", manifest.digest[:COMMIT], files, registry.branch)
