"""Chunk digests are written into a catalogue's text, and nothing else in it changes."""

import difflib
import hashlib
from pathlib import Path

import pytest

from indextts_hub.catalog import load_catalog
from indextts_hub.catalog.chunking import with_chunks
from indextts_hub.errors import UsageError
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest

BODY = bytes(range(250))
DIGEST = Digest(hashlib.sha256(BODY).hexdigest())
HEAD = """\
schema: 1
# a remark that stays
mirrors:
  usb: {kind: file, base: /media/usb}
versions:
  v1:
    title: one   # and this one
    engine: fastspeech2
    license: {name: MIT}
    sources: [{mirror: usb}]
    files:
"""
FLOW = f"      - {{path: a.bin, size: 250, sha256: {DIGEST}}}  # flow\n"
BLOCK = (
    f"      - path: a.bin\n        sha256: {DIGEST}\n        size: 250\n        sources:\n          - {{mirror: usb, path: x}}\n"
)
OTHER = f"      - {{path: b.bin, size: 3, sha256: {'0' * 64}}}\n"


def chunks(size: int) -> dict[Digest, ChunkDigests]:
    digests = tuple(Digest(hashlib.sha256(BODY[at : at + size]).hexdigest()) for at in range(0, len(BODY), size))
    return {DIGEST: ChunkDigests(ByteCount(size), digests)}


@pytest.mark.parametrize(
    "files", [FLOW + OTHER, BLOCK + OTHER, OTHER + FLOW, OTHER + BLOCK], ids=["flow", "block", "last", "last block"]
)
def test_the_digests_are_read_back_and_all_else_is_as_it_was(tmp_path: Path, files: str) -> None:
    place = tmp_path / "mirrors.yaml"
    text = HEAD + files
    for size in (100, 60):  # the second replaces the first
        text = with_chunks(text, "mirrors.yaml", chunks(size))
        place.write_text(text)
        found = load_catalog(place).versions["v1"].manifest.file("a.bin")
        assert found is not None
        assert found.chunks == chunks(size)[DIGEST]
    removed = [line[2:] for line in difflib.ndiff((HEAD + files).splitlines(), text.splitlines()) if line.startswith("- ")]
    assert all(line.startswith(f"      - {{path: a.bin, size: 250, sha256: {DIGEST}}}") for line in removed)
    assert "# a remark that stays" in text
    assert "# and this one" in text


def test_the_versions_digest_stays_the_same(tmp_path: Path) -> None:
    place = tmp_path / "mirrors.yaml"
    place.write_text(HEAD + FLOW)
    before = load_catalog(place).versions["v1"].manifest.digest
    place.write_text(with_chunks(HEAD + FLOW, "mirrors.yaml", chunks(64)))
    assert load_catalog(place).versions["v1"].manifest.digest == before


def test_a_file_that_the_text_only_includes_is_not_its_to_change() -> None:
    with pytest.raises(UsageError, match="does not list 1"):
        with_chunks(HEAD + OTHER, "mirrors.yaml", chunks(100))
