"""A bundle in volumes: each is named when it is missing or wrong, and what the others hold is of use."""

from pathlib import Path

import pytest

from indextts_hub.bundle.volumes import LARGEST_ON_FAT, largest_file
from indextts_hub.errors import IntegrityError, NotFound, PolicyError, UsageError
from tests.hub.bundle.carrier import FILES, Carrier, Signer, laid_out, trust

LIMIT = 1 << 20


@pytest.fixture
def volumes(carrier: Carrier) -> list[Path]:
    report = carrier.write([carrier.version()], limit=LIMIT)
    return list(report.files[:-1])


def test_volumes_are_no_larger_than_asked_and_together_they_are_the_bundle(carrier: Carrier, volumes: list[Path]) -> None:
    assert [path.name for path in volumes] == ["v23.tar.001", "v23.tar.002", "v23.tar.003", "v23.tar.004"]
    assert all(path.stat().st_size == LIMIT for path in volumes[:-1])
    joined = b"".join(path.read_bytes() for path in volumes)
    carrier.write([carrier.version()])
    assert carrier.bundle.read_bytes() == joined


def test_more_volumes_than_a_list_may_name_are_not_begun(carrier: Carrier) -> None:
    with pytest.raises(UsageError, match="999"):
        carrier.write([carrier.version()], limit=2000)
    assert list(carrier.stick.iterdir()) == []


@pytest.mark.parametrize("named", ["v23.tar", "v23.tar.001", "v23.tar.volumes.json"])
def test_a_bundle_is_named_by_any_of_its_names(carrier: Carrier, volumes: list[Path], named: str) -> None:
    carrier.read(carrier.stick / named)
    assert laid_out(carrier.there, "v23", carrier.version().manifest) == FILES


def lost(path: Path, _: list[Path]) -> None:
    path.unlink()


def cut(path: Path, _: list[Path]) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def longer(path: Path, _: list[Path]) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def rotten(path: Path, _: list[Path]) -> None:
    path.write_bytes(path.read_bytes()[:500_000] + b"!" + path.read_bytes()[500_001:])


def repeated(path: Path, volumes: list[Path]) -> None:
    path.write_bytes(volumes[1].read_bytes())


@pytest.mark.parametrize("fault", [lost, cut, longer, rotten, repeated])
def test_a_bad_volume_is_named_and_the_next_try_needs_only_that_one(carrier: Carrier, volumes: list[Path], fault: object) -> None:
    """B06."""
    good = volumes[2].read_bytes()
    fault(volumes[2], volumes)  # type: ignore[operator]
    with pytest.raises(IntegrityError) as refused:
        carrier.read()
    assert refused.value.code in {"E_VOLUME", "E_BUNDLE"}
    if fault is not repeated:  # whose headers are wrong before any of its bytes is looked at
        assert "v23.tar.003" in refused.value.message
        assert "v23.tar.002" not in refused.value.message
    assert not list(carrier.there.snapshots.list())
    volumes[2].write_bytes(good)
    report = carrier.read()
    assert report.added < len(FILES) or fault is repeated


def test_two_volumes_that_changed_places_are_named(carrier: Carrier, volumes: list[Path]) -> None:
    """B06."""
    second, third = volumes[1].read_bytes(), volumes[2].read_bytes()
    volumes[1].write_bytes(third)
    volumes[2].write_bytes(second)
    with pytest.raises(IntegrityError):
        carrier.read()
    assert not list(carrier.there.snapshots.list())


def test_a_bundle_of_one_file_that_was_cut_short_is_said_to_be(carrier: Carrier) -> None:
    """B10: the stick was pulled out while it was written."""
    carrier.write([carrier.version()])
    whole = carrier.bundle.read_bytes()
    carrier.bundle.write_bytes(whole[:-1_000_000])
    with pytest.raises(IntegrityError, match=r"v23\.tar is cut short"):
        carrier.read()
    carrier.bundle.write_bytes(whole)
    assert carrier.read().present > 0


def test_a_list_that_names_a_path_is_none(carrier: Carrier, volumes: list[Path]) -> None:
    """B01."""
    place = carrier.stick / "v23.tar.volumes.json"
    place.write_text(place.read_text().replace("v23.tar.002", "../v23.tar.002"))
    with pytest.raises(IntegrityError, match="no list of volumes"):
        carrier.read()


def test_a_signed_bundles_list_must_be_signed(carrier: Carrier, tmp_path: Path) -> None:
    """B08."""
    ours = Signer(tmp_path)
    report = carrier.write([carrier.version()], limit=LIMIT, keys=(ours.private,))
    carrier.read(trust=trust(ours))
    unsigned = Carrier(_made(tmp_path / "other"))
    unsigned.write([unsigned.version()], limit=LIMIT)
    report.files[-1].write_bytes((unsigned.stick / report.files[-1].name).read_bytes())
    with pytest.raises(PolicyError):
        carrier.read(trust=trust(ours))


def test_there_is_no_bundle_where_there_is_none(carrier: Carrier) -> None:
    with pytest.raises(NotFound, match="there is no bundle"):
        carrier.read(carrier.stick / "nothing.tar")


def test_only_a_file_system_that_is_known_to_take_small_files_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """B11."""
    assert largest_file(tmp_path) in {None, LARGEST_ON_FAT}
    real = Path.read_text
    fat = f"dev / ext4 rw 0 0\ndev {tmp_path.resolve()} vfat rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, *a: fat if str(self) == "/proc/self/mounts" else real(self, *a))
    assert largest_file(tmp_path) == LARGEST_ON_FAT
    assert largest_file(tmp_path.parent) is None


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
