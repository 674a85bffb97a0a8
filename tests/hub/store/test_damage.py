"""What is lost is named, and what can be mended from the rest is mended."""

import pytest

from indextts_hub.store import SnapshotState, Store, check_version, find_damage, mend_damage
from tests.hub.store.shelf import Shelf

FILES = {"config.yaml": b"a: 1\n", "model.bin": b"weights"}


def test_a_sound_store_has_no_damage(store: Store, shelf: Shelf) -> None:
    shelf.version("v23", FILES)
    assert find_damage(store) == ()
    assert mend_damage(store) == ()


def test_a_lost_blob_comes_back_from_a_version_that_has_its_bytes(store: Store, shelf: Shelf) -> None:
    """S15."""
    manifest = shelf.version("v23", FILES)
    blob = store.blobs.path(manifest.files[0].sha256)
    blob.unlink()
    assert [(damage.kind, damage.name) for damage in find_damage(store)] == [("blob", f"blobs/sha256/{blob.name[:2]}/{blob.name}")]
    assert mend_damage(store) == ()
    assert check_version(store, "v23", manifest.digest).ok


def test_a_lost_blob_whose_version_has_other_bytes_stays_lost_and_is_told(store: Store, shelf: Shelf) -> None:
    """S15: no wrong byte under a digest."""
    manifest = shelf.version("v23", FILES)
    blob = store.blobs.path(manifest.files[0].sha256)
    blob.chmod(0o644)
    blob.write_bytes(b"b: 2\n")
    blob.unlink()
    assert [damage.kind for damage in mend_damage(store)] == ["blob"]
    assert not blob.exists()


@pytest.mark.parametrize("body", [None, b"?"], ids=["lost", "damaged"])
def test_a_manifest_comes_back_from_the_catalogue_or_is_told(store: Store, shelf: Shelf, body: bytes | None) -> None:
    """S15."""
    manifest = shelf.version("v23", FILES)
    path = store.manifests.path(manifest.digest)
    path.unlink()
    if body is not None:
        path.write_bytes(body)
    assert [damage.kind for damage in mend_damage(store)] == ["manifest"]
    assert mend_damage(store, [manifest]) == ()
    assert store.snapshots.state("v23", manifest) is SnapshotState.COMPLETE


@pytest.mark.parametrize("body", [None, b"?"], ids=["lost", "damaged"])
def test_lost_names_are_begun_anew_and_damaged_ones_kept_aside(store: Store, body: bytes | None) -> None:
    """S15: says what is lost."""
    store.names.path.unlink()
    if body is not None:
        store.names.path.write_bytes(body)
    assert [damage.kind for damage in find_damage(store)] == ["names"]
    assert mend_damage(store) == ()
    assert store.names.read().aliases == {}
    assert (store.blobs.quarantine / "names.json.0").exists() == (body is not None)


def test_permissions_and_folders_are_put_right(store: Store, shelf: Shelf) -> None:
    """S09: what is the store's own is known, and nothing else is touched."""
    manifest = shelf.version("v23", FILES)
    blob = store.blobs.path(manifest.files[0].sha256)
    blob.chmod(0o666)
    store.partials.rmdir()
    assert {damage.kind for damage in find_damage(store)} == {"permissions", "folder"}
    assert mend_damage(store) == ()
    assert blob.stat().st_mode & 0o777 == 0o444
