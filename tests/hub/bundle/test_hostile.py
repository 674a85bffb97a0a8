"""Nothing in a bundle can make a reader write outside, follow, believe or keep what it should not."""

import copy
import gzip
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from indextts_hub.errors import IntegrityError
from indextts_hub.manifest import canonical_json
from indextts_hub.store import open_store
from tests.hub.bundle.carrier import Carrier, nothing_is_visible, rewritten

Members = list[tuple[tarfile.TarInfo, bytes]]

NAMES = [
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "C:\\x",
    "blobs/sha256/../../x",
    "blobs/sha256/\uff0e\uff0e/x",
    "index.json/x",
]


def refuse(carrier: Carrier, body: bytes) -> None:
    """It is refused before anything is written."""
    carrier.bundle.write_bytes(body)
    before = sorted(path for path in carrier.folder.rglob("*"))
    with pytest.raises(IntegrityError) as refused:
        carrier.read()
    assert refused.value.code in {"E_BUNDLE", "E_JSON", "E_MANIFEST", "E_DIGEST"}
    assert nothing_is_visible(carrier.there)
    assert sorted(path for path in carrier.folder.rglob("*")) == before


@pytest.fixture
def body(carrier: Carrier) -> bytes:
    carrier.write([carrier.version("v23", {"a.bin": b"a" * 2000, "b.bin": b"b" * 1000})])
    return carrier.bundle.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere(carrier: Carrier, body: bytes, name: str) -> None:
    """B01: in place of a blob, and beside them."""

    def renamed(members: Members) -> None:
        members[-1][0].name = name

    def added(members: Members) -> None:
        members.append((tarfile.TarInfo(name), b"x"))

    refuse(carrier, rewritten(body, renamed, format=tarfile.GNU_FORMAT))
    refuse(carrier, rewritten(body, added, format=tarfile.GNU_FORMAT))


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_a_member_that_is_no_plain_file(carrier: Carrier, body: bytes, kind: bytes) -> None:
    """B02: also a link first, and then a file written through it."""

    def turned(members: Members) -> None:
        members[-1][0].type = kind
        members[-1][0].linkname = "/etc/passwd"

    def before(members: Members) -> None:
        link = tarfile.TarInfo(members[-1][0].name)
        link.type, link.linkname = kind, "/etc/passwd"
        members.insert(len(members) - 1, (link, b""))

    refuse(carrier, rewritten(body, turned))
    refuse(carrier, rewritten(body, before))


def twice(members: Members) -> None:
    members.append(copy.deepcopy(members[-1]))


def index_twice(members: Members) -> None:
    members.insert(2, copy.deepcopy(members[1]))


def blob_first(members: Members) -> None:
    members.insert(0, members.pop())


def swapped(members: Members) -> None:
    members[-1], members[-2] = members[-2], members[-1]


def unlisted(members: Members) -> None:
    members.append((tarfile.TarInfo("blobs/sha256/" + "0" * 64), b"more"))


def absent(members: Members) -> None:
    members.pop()


def empty(members: Members) -> None:
    members.clear()


@pytest.mark.parametrize("change", [twice, index_twice, blob_first, swapped, unlisted, absent, empty])
def test_members_that_are_not_exactly_those_that_are_listed(
    carrier: Carrier, body: bytes, change: Callable[[Members], None]
) -> None:
    """B03, B07."""
    refuse(carrier, rewritten(body, change))


def test_without_a_change_only_the_end_of_pythons_tar_is_refused(carrier: Carrier, body: bytes) -> None:
    """The other tests' bundles are refused for what they change: the same without that is a bundle, but for the zeros after it."""
    again = rewritten(body, lambda members: [setattr(m, "mode", 0o644) for m, _ in members])
    assert again[: len(body)] == body


@pytest.mark.parametrize(
    "size", [b"00000003720\0", b"77777777777\0", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"-0000000001\0", b"0x000000001\0"]
)
def test_a_size_that_lies(carrier: Carrier, body: bytes, size: bytes) -> None:
    """B04: with a right checksum; also negative, and 8 EiB."""
    at = body.rindex(b"blobs/sha256/")
    head = bytearray(body[at : at + 512])
    head[124:136] = size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    refuse(carrier, body[:at] + bytes(head) + body[at + 512 :])


@pytest.mark.parametrize("place", [0, 100, 148, 156, 257, 265, 345, 511])
def test_any_byte_of_a_header_that_is_another(carrier: Carrier, body: bytes, place: int) -> None:
    """B04."""
    at = body.rindex(b"blobs/sha256/") + place
    refuse(carrier, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])


def test_anything_compressed_or_nested(carrier: Carrier, body: bytes) -> None:
    """B05."""
    refuse(carrier, gzip.compress(body))
    refuse(carrier, b"\x28\xb5\x2f\xfd" + body)
    nested = io.BytesIO()
    with tarfile.open(fileobj=nested, mode="w") as tar:
        inner = tarfile.TarInfo("bundle.tar")
        inner.size = len(body)
        tar.addfile(inner, io.BytesIO(body))
    refuse(carrier, nested.getvalue())


def test_a_list_without_end(carrier: Carrier, body: bytes) -> None:
    """B05: a size is looked at before a byte of it is read."""

    def huge(members: Members) -> None:
        members[1] = (members[1][0], members[1][1] + b" " * (17 << 20))

    refuse(carrier, rewritten(body, huge))


@pytest.mark.parametrize("more", [b"x", bytes(512), bytes(10240), b"PK\x05\x06" + bytes(18)])
def test_anything_after_the_end(carrier: Carrier, body: bytes, more: bytes) -> None:
    """B12."""
    refuse(carrier, body + more)


def test_what_is_a_zip_as_well(carrier: Carrier, body: bytes) -> None:
    """B12."""
    both = io.BytesIO(body)
    both.seek(0, io.SEEK_END)
    with zipfile.ZipFile(both, "a") as archive:
        archive.writestr("x", "x")
    refuse(carrier, both.getvalue())


def test_bytes_hidden_behind_a_member(carrier: Carrier, body: bytes) -> None:
    """B12: in the zeros up to the next block."""
    refuse(carrier, body[: -1024 - 10] + b"hidden" + body[-1024 - 4 :])


@pytest.mark.parametrize(
    "changed",
    [
        {"schemaVersion": 3},
        {"manifests": []},
        {"manifests": None},
        {"extra": 1},
        {"annotations": {"dev.indextts-hub.expires": "never"}},
        {"annotations": {"dev.indextts-hub.expires": "٣"}},
    ],
)
def test_an_index_that_is_not_what_its_contents_make_it(carrier: Carrier, body: bytes, changed: dict[str, object]) -> None:
    """B07, K04."""

    def other(members: Members) -> None:
        document = {**json.loads(members[1][1]), **changed}
        members[1] = (members[1][0], canonical_json(document))

    refuse(carrier, rewritten(body, other))


def test_a_version_whose_name_would_be_a_path(carrier: Carrier, body: bytes) -> None:
    """B01, K07."""

    def other(members: Members) -> None:
        document = json.loads(members[1][1])
        document["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = "../x"
        members[1] = (members[1][0], canonical_json(document))

    carrier.bundle.write_bytes(rewritten(body, other))
    with pytest.raises(Exception, match="name"):
        carrier.read()
    assert nothing_is_visible(carrier.there)


def test_bytes_of_a_file_that_are_others(carrier: Carrier, body: bytes) -> None:
    """A blob's own bytes are told when they are read: what is right stays for the next try, and no version appears."""
    at = body.index(b"aaaaaaaaaa") + 5
    carrier.bundle.write_bytes(body[:at] + b"!" + body[at + 1 :])
    with pytest.raises(IntegrityError, match=r"a\.bin"):
        carrier.read()
    assert not list(carrier.there.snapshots.list())
    carrier.bundle.write_bytes(body)
    assert carrier.read().added == 1


def test_no_flipped_byte_anywhere_makes_a_version_of_other_bytes(carrier: Carrier, body: bytes) -> None:
    """200 places at random, each on a machine that has nothing yet."""
    rng = random.Random(5)
    for number in range(200):
        at = rng.randrange(len(body))
        carrier.bundle.write_bytes(body[:at] + bytes([body[at] ^ (1 << rng.randrange(8))]) + body[at + 1 :])
        carrier.there = open_store(carrier.folder / f"there{number}")
        with pytest.raises(IntegrityError):
            carrier.read()
        assert not list(carrier.there.snapshots.list())
