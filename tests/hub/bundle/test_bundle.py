"""A version goes into a file on one machine, and comes out of it, whole and the same, on another."""

import hashlib
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indextts_hub.bundle import Wheels
from indextts_hub.bundle.contents import Contents, Package, members, read_contents
from indextts_hub.bundle.packages import script
from indextts_hub.bundle.tar import header, size_of
from indextts_hub.errors import Busy, IntegrityError, NotFound, PolicyError, StorageError
from indextts_hub.manifest import ByteCount, Digest
from indextts_hub.store import SnapshotState, check_version
from tests.hub.bundle.carrier import FILES, NOW, Carrier, laid_out, nothing_is_visible


def test_a_version_arrives_whole_and_the_same(carrier: Carrier) -> None:
    version = carrier.version()
    carrier.write([version])
    report = carrier.read()
    assert laid_out(carrier.there, "v23", version.manifest) == FILES
    assert (report.added, report.present) == (3, 0)
    assert check_version(carrier.there, "v23", version.manifest.digest).ok
    assert carrier.read().present == 3


def test_the_same_versions_give_the_same_bytes(carrier: Carrier, tmp_path: Path) -> None:
    first, second = carrier.version(), carrier.version("v25", {**FILES, "more.bin": b"more"})
    carrier.write([first, second])
    once = carrier.bundle.read_bytes()
    other = Carrier(_made(tmp_path / "elsewhere"))
    other.write([other.version("v25", {**FILES, "more.bin": b"more"}), other.version(), other.version()])
    assert other.bundle.read_bytes() == once


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_any_tar_program_reads_it_as_an_oci_image_layout(carrier: Carrier) -> None:
    carrier.write([carrier.version()])
    with tarfile.open(carrier.bundle) as tar:
        names = tar.getnames()
        assert names[:2] == ["oci-layout", "index.json"]
        for member in tar.getmembers()[2:]:
            body = tar.extractfile(member)
            assert body is not None
            assert member.name == f"blobs/sha256/{hashlib.sha256(body.read()).hexdigest()}"


def test_bytes_that_two_versions_share_are_carried_once(carrier: Carrier) -> None:
    carrier.write([carrier.version(), carrier.version("v25", {**FILES, "more.bin": b"more"})])
    assert carrier.bundle.stat().st_size < 1.1 * sum(map(len, FILES.values()))
    assert carrier.read().added == 4


def test_only_the_difference_is_carried_to_a_machine_that_has_the_base(carrier: Carrier) -> None:
    base, newer = carrier.version(), carrier.version("v24", {**FILES, "more.bin": b"more" * 100})
    carrier.write([base])
    carrier.read()
    carrier.write([newer], [base])
    assert carrier.bundle.stat().st_size < 20_000
    carrier.read()
    assert laid_out(carrier.there, "v24", newer.manifest) == {**FILES, "more.bin": b"more" * 100}


def test_a_difference_to_a_version_that_is_not_there_says_what_to_import_first(carrier: Carrier) -> None:
    base, newer = carrier.version(), carrier.version("v24", {**FILES, "more.bin": b"more"})
    carrier.write([newer], [base])
    with pytest.raises(NotFound, match=f"v23@sha256:{base.manifest.digest[:12]}") as refused:
        carrier.read()
    assert refused.value.code == "E_BASE_ABSENT"
    assert nothing_is_visible(carrier.there)


def test_a_blob_that_has_changed_is_not_exported_and_nothing_is_written(carrier: Carrier) -> None:
    version = carrier.version()
    blob = carrier.here.blobs.path(version.manifest.files[0].sha256)
    blob.chmod(0o644)
    blob.write_bytes(b"x" * blob.stat().st_size)
    with pytest.raises(IntegrityError, match="have changed"):
        carrier.write([version])
    assert list(carrier.stick.iterdir()) == []


def test_a_full_stick_keeps_nothing_half_written(carrier: Carrier, monkeypatch: pytest.MonkeyPatch) -> None:
    """S05, B11: the file is larger than its disk or its file system takes."""
    resource = pytest.importorskip("resource", reason="limits on a file's size are POSIX")
    version = carrier.version()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StorageError) as refused:
            carrier.write([version])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.code == "E_FILE_TOO_LARGE"
    assert "--split" in refused.value.remedy
    assert list(carrier.stick.iterdir()) == []


def test_an_import_that_was_stopped_goes_on_where_it_was(carrier: Carrier) -> None:
    """B10: what it left is hashed again, not believed."""
    version = carrier.version()
    carrier.write([version])
    body, file = FILES["gpt.bin"], next(f for f in version.manifest.files if f.path == "gpt.bin")
    partial = carrier.there.partials / f"{file.sha256}.part"
    for left in (body[:1_000_000], b"!" + body[1:1_000_000], body + b"more", b""):
        partial.write_bytes(left)
        carrier.read()
        assert laid_out(carrier.there, "v23", version.manifest) == FILES
        assert not partial.exists()
        carrier.there.snapshots.remove("v23", version.manifest.digest)
        carrier.there.blobs.remove(file.sha256)


def test_a_bundle_that_has_expired_is_refused_unless_it_is_wanted_all_the_same(carrier: Carrier) -> None:
    """B09."""
    version = carrier.version()
    carrier.write([version], created=NOW - 100, expires=NOW - 1)
    with pytest.raises(PolicyError) as refused:
        carrier.read()
    assert refused.value.code == "E_STALE"
    assert nothing_is_visible(carrier.there)
    carrier.read(allow_older=True)
    assert carrier.there.snapshots.state("v23", version.manifest) is SnapshotState.COMPLETE


@given(st.integers(min_value=0, max_value=2**63 - 1))
@settings(max_examples=200)
def test_a_header_is_what_every_tar_reads(size: int) -> None:
    head = header("blobs/sha256/" + "a" * 64, size)
    found = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
    assert (found.size, found.mode, found.mtime, found.uid, found.type) == (size, 0o644, 0, 0, b"0")
    if size < 8**11:
        assert size_of(head, "blobs/sha256/" + "a" * 64, 2**63) == size


@given(st.binary(min_size=0, max_size=2000))
@settings(max_examples=200)
def test_rubbish_is_refused_as_a_head(body: bytes) -> None:
    with pytest.raises(IntegrityError):
        size_of(body[:512], "oci-layout", 100)


def test_what_a_pull_has_under_way_is_left_to_it_while_it_lives(carrier: Carrier) -> None:
    """S10, S11: both bring the same file; the import waits for its turn, and then begins anew, for the pull's partial has holes."""
    version = carrier.version()
    carrier.write([version])
    file = next(f for f in version.manifest.files if f.path == "gpt.bin")
    partial = carrier.there.partials / f"{file.sha256}.part"
    partial.write_bytes(bytes(file.size))
    partial.with_suffix(".map").write_text("{}")
    with carrier.there.locks.writing([file.sha256], act="pull v23", wait=1), pytest.raises(Busy):
        carrier.read(wait=0.2)
    assert partial.exists()
    assert partial.with_suffix(".map").exists()
    carrier.read()
    assert laid_out(carrier.there, "v23", version.manifest) == FILES
    assert list(carrier.there.partials.iterdir()) == []


def test_packages_are_written_where_they_are_wanted_under_their_own_names(carrier: Carrier, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    body = b"not really a wheel" * 1000
    (wheels / "some_package-1.0-py3-none-any.whl").write_bytes(body)
    package = Package("some_package-1.0-py3-none-any.whl", ByteCount(len(body)), Digest(hashlib.sha256(body).hexdigest()))
    version = carrier.version()
    carrier.write([version], wheels=Wheels(wheels, (package,), script([package])))
    report = carrier.read(packages=tmp_path / "taken")
    assert [path.name for path in report.packages] == [package.name]
    assert report.packages[0].read_bytes() == body
    assert laid_out(carrier.there, "v23", version.manifest) == FILES
    # Only those that are wanted; and no folder for none.
    assert len(carrier.read(packages=tmp_path / "some", chosen=frozenset({"some-package==1.0"})).packages) == 1
    assert carrier.read(packages=tmp_path / "none", chosen=frozenset({"some-package==2.0"})).packages == ()
    assert not (tmp_path / "none").exists()
    with tarfile.open(carrier.bundle) as tar:
        assert "install_offline.sh" in tar.getnames()[:3]


class Told:
    """A bundle's documents, told one after the other."""

    def __init__(self, contents: Contents) -> None:
        self.left = [member for member in members(contents, None) if isinstance(member.holds, bytes)]

    def comes(self, name: str) -> bool:
        return self.left[0].name == name

    def take(self, name: str, largest: int) -> bytes:
        member = self.left.pop(0)
        assert member.name == name
        assert isinstance(member.holds, bytes)
        return member.holds


@pytest.mark.parametrize("name", ["../evil.whl", "/etc/evil.whl", "evil.sh", "a b.whl", ".whl", "x/../y.whl", "x\\y.whl"])
def test_a_package_that_is_named_like_anything_but_a_wheel_is_refused(name: str) -> None:
    """B01."""
    good = Contents((), (), (Package("p-1.0-py3-none-any.whl", ByteCount(1), Digest("a" * 64)),), b"#!/bin/sh\n")
    assert read_contents(Told(good))[0] == good
    with pytest.raises(IntegrityError, match="names"):
        read_contents(Told(replace(good, packages=(replace(good.packages[0], name=name),))))


def test_a_file_that_has_the_bytes_of_one_of_the_bundles_own_documents_arrives_too(carrier: Carrier, tmp_path: Path) -> None:
    """`{}` is what OCI puts where a list of packages has no configuration, and what many a config.json is."""
    (tmp_path / "p-1.0-py3-none-any.whl").write_bytes(b"wheel")
    package = Package("p-1.0-py3-none-any.whl", ByteCount(5), Digest(hashlib.sha256(b"wheel").hexdigest()))
    version = carrier.version(files={"config.json": b"{}", "a.bin": b"a"})
    carrier.write([version], wheels=Wheels(tmp_path, (package,), script([package])))
    carrier.read()
    assert laid_out(carrier.there, "v23", version.manifest) == {"config.json": b"{}", "a.bin": b"a"}
