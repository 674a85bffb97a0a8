"""A manifest has one encoding, and whatever breaks a rule is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import HubError, IntegrityError, UsageError
from indextts_hub.manifest import (
    ByteCount,
    ChunkDigests,
    Digest,
    FileEntry,
    License,
    Manifest,
    PartLicense,
    parse_manifest,
)
from indextts_hub.paths import portable_path

A = Digest("a" * 64)
B = Digest("b" * 64)
MIT = License("MIT", "https://example.com/mit", True)


def entry(path: str, size: int = 1, sha256: Digest = A) -> FileEntry:
    return FileEntry(portable_path(path), ByteCount(size), sha256)


def manifest(*files: FileEntry) -> Manifest:
    return Manifest("fastspeech2", MIT, files or (entry("model.bin"),))


names = st.text(st.characters(categories=("Ll", "Lu", "Lo", "Nd"), max_codepoint=0x9FFF), min_size=1, max_size=20)


@given(st.dictionaries(names, st.integers(1, 2**63 - 1), min_size=1, max_size=8))
def test_what_is_written_reads_back_and_the_digest_does_not_depend_on_the_order(files: dict[str, int]) -> None:
    try:
        entries = [entry(path, size) for path, size in files.items()]
        first = Manifest("e", MIT, tuple(entries))
    except UsageError:
        return  # two drawn names that are one file somewhere are refused, which other tests hold
    second = Manifest("e", MIT, tuple(reversed(entries)))
    assert parse_manifest(first.canonical()) == first
    assert first.digest == second.digest


def test_chunk_digests_are_no_part_of_the_digest() -> None:
    chunked = FileEntry(portable_path("model.bin"), ByteCount(3), A, ChunkDigests(ByteCount(2), (A, B)))
    assert manifest(chunked).digest == manifest(entry("model.bin", 3)).digest


def test_a_part_keeps_its_licence() -> None:
    whole = Manifest("e", MIT, (entry("a/b"),), (PartLicense(portable_path("a"), License("cc-by-nc-4.0", None, False)),))
    assert parse_manifest(whole.canonical()) == whole


@pytest.mark.parametrize("size", [0, -1, 2**63])
def test_sizes_that_no_file_has_are_refused(size: int) -> None:
    with pytest.raises(UsageError, match="size"):
        entry("model.bin", size)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_chunk_list_that_does_not_cover_the_file_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="chunk"):
        FileEntry(portable_path("m"), ByteCount(4), A, ChunkDigests(ByteCount(2), (A,) * count))


@pytest.mark.parametrize(("one", "other"), [("A.bin", "a.bin"), ("straße", "STRASSE"), ("a", "a/b"), ("A", "a/b"), ("ﬁle", "file")])
def test_two_paths_that_are_one_file_somewhere_are_refused(one: str, other: str) -> None:
    """S19, K05."""
    with pytest.raises(UsageError):
        manifest(entry(one), entry(other))


CANONICAL = manifest().canonical()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xef\xbb\xbf" + CANONICAL, id="byte order mark"),
        pytest.param(CANONICAL.replace(b'"schema":1', b'"schema":1,"schema":1'), id="duplicate key"),
        pytest.param(CANONICAL.replace(b'"size":1', b'"size":1.0'), id="float"),
        pytest.param(CANONICAL.replace(b'"size":1', b'"size":NaN'), id="NaN"),
        pytest.param(CANONICAL.replace(b'"size":1', b'"size":' + b"9" * 5000), id="huge integer"),
        pytest.param(CANONICAL.replace(b'"size":1', b'"size":true'), id="boolean size"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(CANONICAL.decode().encode("utf-16"), id="not UTF-8"),
        pytest.param(CANONICAL + b" " * (17 * 2**20), id="too long"),
        pytest.param(CANONICAL + b"\n", id="not canonical"),
        pytest.param(CANONICAL.replace(b"MIT", b"\\ud800"), id="lone surrogate"),
        pytest.param(CANONICAL.replace(b"sha256", b"sha1"), id="another digest algorithm"),
        pytest.param(CANONICAL.replace(b"a" * 64, b"A" * 64), id="upper-case digest"),
        pytest.param(CANONICAL.replace(b"model.bin", b"../model.bin"), id="path that leaves"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(b"", id="empty"),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse_manifest(body)


@given(
    st.binary(max_size=300) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_bytes_make_it_fail_in_another_way(body: bytes) -> None:
    with pytest.raises(HubError):
        parse_manifest(body)
