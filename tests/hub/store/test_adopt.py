"""What somebody has already is taken over, by its bytes, and nothing of theirs is changed."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from indextts_hub.errors import StorageError, UsageError
from indextts_hub.store import SnapshotState, Store, adopt
from tests.hub.store.shelf import Shelf

FILES = {"config.yaml": b"a: 1\n", "hf_cache/w2v/model.bin": b"weights", "s2mel.bin": b"WEIGHTS"}


def checkpoints(folder: Path, files: dict[str, bytes]) -> Path:
    for path, body in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)
    return folder


def test_a_checkpoints_folder_becomes_the_version_and_stays_as_it_was(store: Store, shelf: Shelf, tmp_path: Path) -> None:
    folder = checkpoints(tmp_path / "checkpoints", FILES)
    before = {path: (path.stat().st_mode, path.stat().st_nlink, path.stat().st_mtime_ns) for path in folder.rglob("*")}
    adoption = adopt(store, "v23", shelf.manifest(FILES), folder, wait=0)
    assert set(adoption.adopted) == set(FILES)
    assert store.snapshots.state("v23", shelf.manifest(FILES)) is SnapshotState.COMPLETE
    assert {path: (path.stat().st_mode, path.stat().st_nlink, path.stat().st_mtime_ns) for path in before} == before
    (folder / "s2mel.bin").write_bytes(b"changed")
    assert store.blobs.check(shelf.manifest(FILES).files[2].sha256, 7).ok
    assert not os.listdir(store.partials)


def test_a_file_is_known_by_its_bytes_wherever_it_lies(store: Store, shelf: Shelf, tmp_path: Path) -> None:
    folder = checkpoints(tmp_path / "old", {"backup/weights.old": b"weights", "s2mel.bin": b"w3ights"})
    adoption = adopt(store, "v23", shelf.manifest(FILES), folder, wait=0)
    assert adoption.adopted == ("hf_cache/w2v/model.bin",)
    assert set(adoption.missing) == {"config.yaml", "s2mel.bin"}
    assert store.snapshots.state("v23", shelf.manifest(FILES)) is SnapshotState.PARTIAL


def test_a_hugging_face_cache_is_taken_over(store: Store, shelf: Shelf, tmp_path: Path) -> None:
    repo = tmp_path / "hub" / "models--IndexTeam--IndexTTS-2"
    for path, body in FILES.items():
        blob = repo / "blobs" / hashlib.sha256(body).hexdigest()
        checkpoints(blob.parent, {blob.name: body})
        link = repo / "snapshots" / ("7" * 40) / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    assert set(adopt(store, "v23", shelf.manifest(FILES), tmp_path / "hub", wait=0).adopted) == set(FILES)


def test_what_is_in_the_store_is_not_read_again(store: Store, shelf: Shelf, tmp_path: Path) -> None:
    shelf.version("v15", {"config.yaml": FILES["config.yaml"]})
    folder = checkpoints(tmp_path / "checkpoints", FILES)
    assert adopt(store, "v23", shelf.manifest(FILES), folder, wait=0).present == ("config.yaml",)


def test_a_folder_with_nothing_of_it_brings_nothing(store: Store, shelf: Shelf, tmp_path: Path) -> None:
    adoption = adopt(store, "v23", shelf.manifest(FILES), tmp_path, wait=0)
    assert adoption.snapshot is None
    assert len(adoption.missing) == 3
    with pytest.raises(UsageError):
        adopt(store, "v23", shelf.manifest(FILES), tmp_path / "none", wait=0)


def test_a_full_disk_keeps_what_was_taken_over_and_nothing_half(
    store: Store, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S05."""
    folder = checkpoints(tmp_path / "checkpoints", FILES)
    calls: list[int] = []

    def full(*_: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("indextts_hub.store.adoption.clone_or_copy", lambda target, source: (full(), target.write(source.read())))
    with pytest.raises(StorageError) as failed:
        adopt(store, "v23", shelf.manifest(FILES), folder, wait=0)
    assert failed.value.code == "E_NO_SPACE"
    assert not os.listdir(store.partials)
    assert len(list(store.blobs)) == 1
    monkeypatch.undo()
    assert len(adopt(store, "v23", shelf.manifest(FILES), folder, wait=0).present) == 1
