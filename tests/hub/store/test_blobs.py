"""Every byte once, under its digest, and nothing else under it."""

import os
from pathlib import Path

import pytest

from indextts_hub.errors import IntegrityError, NotFound, StorageError
from indextts_hub.manifest import Digest
from indextts_hub.store import Store
from tests.hub.store.shelf import Shelf


def test_what_was_brought_in_is_read_back_and_can_not_be_written(store: Store, shelf: Shelf) -> None:
    digest = shelf.blob(b"weights")
    assert store.blobs.has(digest, 7)
    assert store.blobs.size(digest) == 7
    assert store.blobs.path(digest).stat().st_mode & 0o222 == 0
    with store.blobs.open(digest) as file:
        assert file.read() == b"weights"
    assert store.blobs.check(digest, 7).ok
    assert not os.listdir(store.partials)


def test_the_same_bytes_are_kept_once(store: Store, shelf: Shelf) -> None:
    digest = shelf.blob(b"weights")
    before = store.blobs.path(digest).stat().st_ino
    shelf.blob(b"weights")
    assert store.blobs.path(digest).stat().st_ino == before
    assert list(store.blobs) == [(digest, 7)]


def test_a_partial_of_another_length_is_no_blob(store: Store, tmp_path: Path) -> None:
    partial = store.partials / "x"
    partial.write_bytes(b"short")
    with pytest.raises(IntegrityError):
        store.blobs.commit(partial, Digest("a" * 64), 6)
    assert partial.exists()
    assert not list(store.blobs)


@pytest.mark.parametrize("damage", ["flip", "zero page", "truncate", "extend", "missing"])
def test_damage_is_found_and_the_finding_says_what(store: Store, shelf: Shelf, damage: str) -> None:
    """S14, S15."""
    body = os.urandom(3 * 4096)
    digest = shelf.blob(body)
    path = store.blobs.path(digest)
    path.unlink()
    match damage:
        case "flip":
            path.write_bytes(bytes([body[0] ^ 1]) + body[1:])
        case "zero page":
            path.write_bytes(body[:4096] + bytes(4096) + body[8192:])
        case "truncate":
            path.write_bytes(body[:-1])
        case "extend":
            path.write_bytes(body + b"\0")
    finding = store.blobs.check(digest, len(body))
    assert not finding.ok
    assert finding.digest == digest
    assert finding.actual != digest
    expected = {"missing": "missing", "truncate": "bytes where", "extend": "bytes where"}.get(damage, "changed")
    assert expected in (finding.problem or "")


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder", "device"])
def test_what_is_no_file_is_refused_without_waiting(store: Store, shelf: Shelf, kind: str) -> None:
    """S18: a blob replaced by a link, pipe, folder or device."""
    digest = shelf.blob(b"weights")
    path = store.blobs.path(digest)
    other = path.with_name("other")
    path.rename(other)
    match kind:
        case "symlink":
            path.symlink_to(other)
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            try:
                os.mknod(path, 0o20644, os.makedev(1, 5))
            except PermissionError:
                path.symlink_to("/dev/zero")
    assert not store.blobs.has(digest, 7)
    assert not store.blobs.check(digest, 7).ok
    with pytest.raises(StorageError) as refused:
        store.blobs.open(digest)
    assert refused.value.code == "E_NOT_A_FILE"

    assert shelf.blob(b"weights") == digest
    assert store.blobs.check(digest, 7).ok
    assert len(os.listdir(store.blobs.quarantine)) == 1


def test_a_missing_blob_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.blobs.open(Digest("a" * 64))
    assert store.blobs.remove(Digest("a" * 64)) == 0


def test_what_was_put_aside_is_kept_each_time(store: Store, shelf: Shelf) -> None:
    for _ in range(2):
        digest = shelf.blob(b"weights")
        store.blobs.put_aside(digest)
        assert not store.blobs.has(digest, 7)
    assert sorted(os.listdir(store.blobs.quarantine)) == [f"{digest}.0", f"{digest}.1"]
