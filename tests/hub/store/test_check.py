"""Every byte can be hashed again, and what is bad is found, put aside and mended."""

import errno
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from indextts_hub.errors import NotFound
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, FileEntry
from indextts_hub.store import (
    BadRange,
    SnapshotState,
    Store,
    bad_ranges,
    check_version,
    lay_out_again,
    look_at_version,
    put_aside_bad,
    seed_partial,
)
from indextts_hub.store import links as links_module
from tests.hub.store.shelf import Shelf

BODY = os.urandom(10_000)
FILES = {"config.yaml": b"a: 1\n", "model.bin": BODY}


def damage(path: Path, body: bytes) -> None:
    """Write other bytes in place, as a failing disk would: under every name the file has."""
    path.chmod(0o644)
    path.write_bytes(body)


def blob_of(store: Store, body: bytes) -> Path:
    return store.blobs.path(Digest(hashlib.sha256(body).hexdigest()))


def test_a_good_version_is_found_good_and_every_byte_is_counted(store: Store, shelf: Shelf) -> None:
    manifest = shelf.version("lite", FILES)
    hashed: list[int] = []
    finding = check_version(store, "lite", manifest.digest, hashed.append)
    assert finding.ok
    assert sum(hashed) == manifest.size
    assert [(file.path, file.actual) for file in finding.files] == [(file.path, file.sha256) for file in manifest.files]
    assert look_at_version(store, "lite", manifest.digest).ok


def test_one_bit_is_found_put_aside_and_its_versions_are_degraded_until_mended(store: Store, shelf: Shelf) -> None:
    """S14."""
    manifest, other = shelf.version("v23", FILES), shelf.version("v25", {"model.bin": BODY})
    damage(blob_of(store, BODY), bytes([BODY[0] ^ 1]) + BODY[1:])
    finding = check_version(store, "v23", manifest.digest)
    assert [(file.path, file.problem) for file in finding.files if not file.ok] == [("model.bin", "its bytes have changed")]

    put_aside = put_aside_bad(store, finding.files)
    assert list(put_aside) == [blob_of(store, BODY).name]
    assert store.snapshots.state("v23", manifest) is SnapshotState.DEGRADED
    assert store.snapshots.state("v25", other) is SnapshotState.DEGRADED
    assert not look_at_version(store, "v25", other.digest).ok

    digest = shelf.blob(BODY)
    assert lay_out_again(store, [digest]) == [("v23", manifest.digest), ("v25", other.digest)]
    assert check_version(store, "v23", manifest.digest).ok
    assert check_version(store, "v25", other.digest).ok
    assert lay_out_again(store, [digest]) == []


def test_a_copy_that_changed_is_found_though_its_blob_is_good(store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """S17: where the file system has no links."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(links_module.os, "link", refuse)
    manifest = shelf.version("lite", FILES)
    assert check_version(store, "lite", manifest.digest).ok
    damage(store.snapshots.path("lite", manifest.digest) / "model.bin", BODY[::-1])
    finding = check_version(store, "lite", manifest.digest)
    assert [file.path for file in finding.files if not file.ok] == ["model.bin"]
    assert put_aside_bad(store, finding.files) == {}
    lay_out_again(store, [Digest(hashlib.sha256(BODY).hexdigest())])
    assert check_version(store, "lite", manifest.digest).ok


def test_what_was_never_pulled_is_no_finding(store: Store, shelf: Shelf) -> None:
    for body in FILES.values():
        shelf.blob(body)
    manifest = shelf.manifest(FILES)
    store.snapshots.commit("lite", manifest, {"config.yaml"})
    assert [file.path for file in check_version(store, "lite", manifest.digest).files] == ["config.yaml"]
    with pytest.raises(NotFound):
        check_version(store, "v23", manifest.digest)


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
@pytest.mark.parametrize("kind", ["symlink", "fifo", "missing"])
def test_a_file_of_a_version_that_is_no_file_is_a_finding(store: Store, shelf: Shelf, kind: str) -> None:
    """S18: no hang, nothing followed."""
    manifest = shelf.version("lite", FILES)
    path = store.snapshots.path("lite", manifest.digest) / "config.yaml"
    path.unlink()
    match kind:
        case "symlink":
            path.symlink_to(blob_of(store, b"a: 1\n"))
        case "fifo":
            os.mkfifo(path)
        case "missing":
            blob_of(store, b"a: 1\n").unlink()
            path.write_bytes(b"a: 1\n")
    assert [file.path for file in check_version(store, "lite", manifest.digest).files if not file.ok] == ["config.yaml"]
    assert [file.path for file in look_at_version(store, "lite", manifest.digest).files if not file.ok] == ["config.yaml"]


def chunked(size: int) -> FileEntry:
    digests = tuple(Digest(hashlib.sha256(BODY[at : at + size]).hexdigest()) for at in range(0, len(BODY), size))
    entry = FileEntry("model.bin", ByteCount(len(BODY)), Digest(hashlib.sha256(BODY).hexdigest()))  # type: ignore[arg-type]
    return replace(entry, chunks=ChunkDigests(ByteCount(size), digests))


@pytest.mark.parametrize(
    ("body", "bad"),
    [
        (BODY, ()),
        (BODY[:5000] + b"?" + BODY[5001:], ((4096, 8192),)),
        (BODY[:4096] + bytes(4096) + BODY[8192:], ((4096, 8192),)),
        (BODY[:9000], ((8192, 10000),)),
        (BODY[:4096], ((4096, 8192), (8192, 10000))),
        (BODY + b"more", ((10000, 10004),)),
        (b"", ((0, 4096), (4096, 8192), (8192, 10000))),
    ],
    ids=["good", "one byte", "a zeroed page", "truncated", "truncated at a border", "extended", "empty"],
)
def test_only_the_bad_ranges_are_bad(tmp_path: Path, body: bytes, bad: tuple[tuple[int, int], ...]) -> None:
    """S14."""
    (tmp_path / "blob").write_bytes(body)
    found = bad_ranges(tmp_path / "blob", chunked(4096))
    assert found == tuple(BadRange(ByteCount(start), ByteCount(stop)) for start, stop in bad)


def test_without_chunk_digests_the_whole_file_is_bad(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"")
    assert bad_ranges(tmp_path / "blob", replace(chunked(4096), chunks=None)) == (BadRange(ByteCount(0), ByteCount(10_000)),)


def test_what_is_still_good_begins_the_next_partial(store: Store, shelf: Shelf) -> None:
    """S14: only the bad chunks are fetched again."""
    digest = shelf.blob(BODY)
    damage(store.blobs.path(digest), BODY[:9000] + b"longer than it was" * 100)
    put_aside = store.blobs.put_aside(digest)
    assert seed_partial(store, put_aside, replace(chunked(4096), chunks=None)) is None
    partial = seed_partial(store, put_aside, chunked(4096))
    assert partial is not None
    assert partial.stat().st_size == len(BODY)
    assert bad_ranges(partial, chunked(4096)) == (BadRange(ByteCount(8192), ByteCount(10_000)),)
    partial.write_bytes(b"under way")
    assert seed_partial(store, put_aside, chunked(4096)) is None
    assert partial.read_bytes() == b"under way"
