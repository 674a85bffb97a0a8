"""A version in the shape that other programs look for: `layouts/NAME/DIGEST12/hf`, a cache as the Hugging Face client keeps it.

    HF_HUB_OFFLINE=1 HF_HUB_CACHE=layouts/v23/0123456789ab/hf python …

Layouts are links to the same blobs, made when they are asked for and thrown away without loss.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import UsageError
from indextts_hub.manifest import FileEntry
from indextts_hub.paths import portable_path
from indextts_hub.store.blobs import Blobs
from indextts_hub.store.durable import make_folder, remove_tree, sync_folder, temporary_beside
from indextts_hub.store.links import same_bytes_at
from indextts_hub.store.snapshots import DIGEST_IN_PATH, Snapshot
from indextts_hub.store.trouble import storage_errors

__all__ = ["Layouts", "RepoPart"]

_REPO = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class RepoPart:
    """Which repository a folder of a version is.

    Attributes:
        at: the folder, "" for the version's own.
        repo: `owner/name`.
        revision: a commit, or a branch or tag.
    """

    at: str
    repo: str
    revision: str


@dataclass(frozen=True, slots=True)
class Layouts:
    """The layouts of one store, in `folder`."""

    folder: Path
    blobs: Blobs

    def hugging_face(self, snapshot: Snapshot, parts: Sequence[RepoPart]) -> Path:
        """Lay out a version's repositories as a cache of the Hugging Face Hub; return the folder for HF_HUB_CACHE.

        Args:
            parts: the repositories; a file belongs to the part with the longest `at` above it. Others are left out.

        Raises:
            UsageError: E_REPO, if a repository or revision can't be one.
            StorageError: the disk would not take it; what could be seen is as it was, or gone.
        """
        path = self._path(snapshot) / "hf"
        links, texts = _plan(snapshot, parts)
        if all((path / target).exists() for target in (*links, *texts)):
            return path
        make_folder(path.parent)
        building = temporary_beside(path)
        with storage_errors(path):
            try:
                for target, file in links.items():
                    (building / target).parent.mkdir(parents=True, exist_ok=True)
                    same_bytes_at(building / target, self.blobs.path(file.sha256))
                for target, text in texts.items():
                    (building / target).parent.mkdir(parents=True, exist_ok=True)
                    (building / target).write_text(text, encoding="ascii")
                if path.exists():
                    remove_tree(path)
                building.rename(path)
                sync_folder(path.parent)
            except BaseException:
                remove_tree(building)
                raise
        return path

    def remove(self, snapshot_name: str, prefix: str) -> None:
        """Throw away what was laid out of a version, named by its folders; nothing there is no trouble.

        Raises:
            StorageError: as `storage_errors`.
        """
        path = self.folder / snapshot_name / prefix
        if path.is_dir():
            with storage_errors(path):
                remove_tree(path)

    def _path(self, snapshot: Snapshot) -> Path:
        return self.folder / portable_path(snapshot.version) / snapshot.digest[:DIGEST_IN_PATH]


def _plan(snapshot: Snapshot, parts: Sequence[RepoPart]) -> tuple[Mapping[str, FileEntry], Mapping[str, str]]:
    """What is linked, and what is written, by path below the cache's folder."""
    links: dict[str, FileEntry] = {}
    texts: dict[str, str] = {}
    commits = {part: _commit(part) for part in parts}
    for part, commit in commits.items():
        # Clients ask for `main` where no revision is named, and for the revision where one is.
        for ref in {"main", part.revision} - {commit}:
            texts[f"{_folder(part)}/refs/{portable_path(ref)}"] = commit
    for file in snapshot.files:
        above = [part for part in parts if part.at == "" or file.path.startswith(f"{part.at}/")]
        if above:
            part = max(above, key=lambda candidate: len(candidate.at))
            within = file.path.removeprefix(f"{part.at}/") if part.at else file.path
            links[f"{_folder(part)}/snapshots/{commits[part]}/{within}"] = file
    return links, texts


def _folder(part: RepoPart) -> str:
    if not _REPO.fullmatch(part.repo) or ".." in part.repo:
        raise UsageError(
            f"{part.repo[:100]!a} is not a repository of the Hugging Face Hub",
            remedy="write it as owner/name in the catalogue",
            code="E_REPO",
        )
    return f"models--{part.repo.replace('/', '--')}"


def _commit(part: RepoPart) -> str:
    # The client knows a folder of files by forty hex digits only: a branch or tag gets some of its own.
    if _COMMIT.fullmatch(part.revision):
        return part.revision
    return hashlib.sha256(f"{part.repo}@{part.revision}".encode()).hexdigest()[:40]
