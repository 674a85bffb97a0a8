"""A version is laid out whole, shares its bytes, and says truly how much of it is here."""

import errno
import os
from pathlib import Path

import pytest

from indextts_hub.errors import NotFound, StorageError
from indextts_hub.store import SnapshotState, Store
from indextts_hub.store import links as links_module
from tests.hub.store.shelf import Shelf

FILES = {"config.yaml": b"a: 1\n", "hf_cache/w2v/model.bin": b"weights"}


def test_a_version_is_laid_out_as_its_manifest_says(store: Store, shelf: Shelf) -> None:
    manifest = shelf.version("lite", FILES)
    snapshot = store.snapshots.get("lite", manifest.digest)
    assert snapshot.path == store.root / "versions" / "lite" / manifest.digest[:12]
    assert {file.path: (snapshot.path / file.path).read_bytes() for file in snapshot.files} == FILES
    assert store.snapshots.state("lite", manifest) is SnapshotState.COMPLETE
    assert list(store.snapshots.list()) == [("lite", manifest.digest)]


def test_two_versions_share_their_bytes(store: Store, shelf: Shelf) -> None:
    first, second = shelf.version("v1", {"a": b"weights"}), shelf.version("v2", {"b": b"weights"})
    one = store.snapshots.path("v1", first.digest) / "a"
    assert one.samefile(store.snapshots.path("v2", second.digest) / "b")


@pytest.mark.parametrize("number", [errno.EMLINK, errno.EXDEV, errno.EPERM])
def test_where_links_fail_the_bytes_are_copied_and_all_is_the_same(
    store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """S17."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(links_module.os, "link", refuse)
    manifest = shelf.version("lite", FILES)
    path = store.snapshots.path("lite", manifest.digest)
    assert {name: (path / name).read_bytes() for name in FILES} == FILES
    assert (path / "config.yaml").stat().st_mode & 0o222 == 0
    assert store.snapshots.state("lite", manifest) is SnapshotState.COMPLETE


def test_a_version_pulled_in_part_is_partial_and_grows(store: Store, shelf: Shelf) -> None:
    for body in FILES.values():
        shelf.blob(body)
    manifest = shelf.manifest(FILES)
    assert store.snapshots.state("lite", manifest) is SnapshotState.ABSENT
    assert [f.path for f in store.snapshots.commit("lite", manifest, {"config.yaml"}).files] == ["config.yaml"]
    assert store.snapshots.state("lite", manifest) is SnapshotState.PARTIAL
    assert len(store.snapshots.commit("lite", manifest).files) == 2
    assert store.snapshots.state("lite", manifest) is SnapshotState.COMPLETE


def test_nothing_is_seen_of_a_version_that_lacks_a_blob(store: Store, shelf: Shelf) -> None:
    shelf.blob(FILES["config.yaml"])
    manifest = shelf.manifest(FILES)
    with pytest.raises(NotFound):
        store.snapshots.commit("lite", manifest)
    assert not list(store.snapshots.list())
    assert not os.listdir(store.root / "versions" / "lite")


def test_a_full_disk_leaves_nothing_half(store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """S05: at the second link."""
    link, calls = os.link, []

    def full(*args: object, **options: object) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        link(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(links_module.os, "link", full)
    with pytest.raises(StorageError) as failed:
        shelf.version("lite", FILES)
    assert failed.value.code == "E_NO_SPACE"
    monkeypatch.undo()
    assert not list(store.snapshots.list())
    shelf.version("lite", FILES)
    assert len(list(store.snapshots.list())) == 1


def test_a_version_whose_blob_was_put_aside_is_degraded_until_it_is_mended(store: Store, shelf: Shelf) -> None:
    """S14: also when the blob is back, and the snapshot still has the bad bytes."""
    manifest = shelf.version("lite", FILES)
    bad = manifest.file("config.yaml")
    assert bad is not None
    store.blobs.put_aside(bad.sha256)
    assert store.snapshots.state("lite", manifest) is SnapshotState.DEGRADED
    shelf.blob(FILES["config.yaml"])
    assert store.snapshots.state("lite", manifest) is SnapshotState.DEGRADED
    store.snapshots.commit("lite", manifest)
    assert store.snapshots.state("lite", manifest) is SnapshotState.COMPLETE
    assert (store.snapshots.path("lite", manifest.digest) / "config.yaml").samefile(store.blobs.path(bad.sha256))


def test_a_removed_version_is_gone_and_its_blobs_stay(store: Store, shelf: Shelf) -> None:
    manifest = shelf.version("lite", FILES)
    store.snapshots.remove("lite", manifest.digest)
    store.snapshots.remove("lite", manifest.digest)
    assert not list(store.snapshots.list())
    assert store.snapshots.state("lite", manifest) is SnapshotState.ABSENT
    assert len(list(store.blobs)) == 2
    with pytest.raises(NotFound):
        store.snapshots.get("lite", manifest.digest)


def test_strange_folders_among_the_versions_are_passed_over(store: Store, shelf: Shelf) -> None:
    shelf.version("lite", FILES)
    (store.root / "versions" / "lite" / "notes").mkdir()
    Path(store.root / "versions" / ".DS_Store").write_text("")
    assert len(list(store.snapshots.list())) == 1


@pytest.mark.parametrize(
    "path", ["é" * 127, "字" * 85, "😀/😀.bin", "שלום/עולם.txt", "a b/c#d%e&f.bin", "/".join(["d" * 120] * 8)],
    ids=["254 bytes", "255 bytes", "emoji", "right to left", "signs", "967 bytes"],
)  # fmt: skip
def test_strange_but_portable_names_work_from_end_to_end(store: Store, shelf: Shelf, path: str) -> None:
    """S20."""
    manifest = shelf.version("lite", {path: b"body"})
    assert (store.snapshots.path("lite", manifest.digest) / path).read_bytes() == b"body"
    digest = manifest.files[0].sha256
    store.blobs.put_aside(digest)
    shelf.blob(b"body")
    store.snapshots.commit("lite", manifest)
    assert store.snapshots.state("lite", manifest) is SnapshotState.COMPLETE
    store.snapshots.remove("lite", manifest.digest)
    assert store.snapshots.state("lite", manifest) is SnapshotState.ABSENT


def test_two_processes_that_lay_out_one_version_at_once_both_succeed(store: Store, shelf: Shelf) -> None:
    """S10: the one that comes second finds the other's folder in its place when it renames its own."""
    manifest = shelf.version("v23", {"a.bin": b"a", "sub/b.bin": b"b"})
    final = store.snapshots.path("v23", manifest.digest)
    (final / "sub" / "b.bin").unlink()  # the other one laid out only a part
    store.snapshots._build(final, manifest.files)
    assert store.snapshots.state("v23", manifest) is SnapshotState.COMPLETE
    assert [path.name for path in final.parent.iterdir()] == [final.name]
