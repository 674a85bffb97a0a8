"""What a version needs stays, whatever happens; the rest goes when asked."""

import os
import threading

import pytest

from indextts_hub.errors import Busy, IntegrityError, NotFound, PolicyError, StorageError
from indextts_hub.store import SnapshotState, Store, collect, gc, plan_collection, remove_version
from tests.hub.store.shelf import Shelf

SHARED = b"shared weights"


def test_a_removed_version_frees_what_only_it_needed(store: Store, shelf: Shelf) -> None:
    first = shelf.version("v23", {"a": SHARED, "b": b"only of v23"})
    second = shelf.version("v25", {"a": SHARED})
    remove_version(store, "v23", first.digest)
    planned = plan_collection(store)
    assert [part.kind for part in planned.removed] == ["blob"]
    assert planned.freed_bytes == len(b"only of v23")
    assert len(list(store.blobs)) == 2
    assert collect(store) == planned
    assert store.snapshots.state("v25", second) is SnapshotState.COMPLETE
    assert [size for _, size in store.blobs] == [len(SHARED)]
    assert collect(store).removed == ()


@pytest.mark.parametrize("how", ["alias", "pin"])
def test_what_is_named_is_not_removed(store: Store, shelf: Shelf, how: str) -> None:
    manifest = shelf.version("v23", {"a": b"1"})
    if how == "alias":
        store.names.set_alias("stable", "v23", manifest.digest)
    else:
        store.names.pin("v23", manifest.digest)
    with pytest.raises(PolicyError) as refused:
        remove_version(store, "v23", manifest.digest)
    assert refused.value.code == "E_PINNED"
    assert collect(store, keep=0).removed == ()
    assert store.snapshots.state("v23", manifest) is SnapshotState.COMPLETE


def test_what_is_in_use_is_not_removed(store: Store, shelf: Shelf) -> None:
    """S11."""
    manifest = shelf.version("v23", {"a": b"1"})
    with store.claim("v23", manifest, act="serve"):
        with pytest.raises(Busy) as refused:
            remove_version(store, "v23", manifest.digest)
        assert refused.value.code == "E_IN_USE"
        assert collect(store, keep=0).removed == ()
    remove_version(store, "v23", manifest.digest)
    assert collect(store).freed_bytes == 1


def test_of_each_name_the_newest_are_kept(store: Store, shelf: Shelf) -> None:
    manifests = [shelf.version("v23", {"a": b"%d" % number}) for number in range(4)]
    for age, manifest in enumerate(reversed(manifests)):
        os.utime(store.snapshots.path("v23", manifest.digest), (1000 - age, 1000 - age))
    store.names.pin("v23", manifests[0].digest)
    planned = plan_collection(store, keep=2)
    assert [part.name for part in planned.removed if part.kind == "version"] == [f"v23@sha256:{manifests[1].digest}"]
    assert collect(store, keep=2) == planned
    assert {digest for _, digest in store.snapshots.list()} == {m.digest for m in manifests} - {manifests[1].digest}


def test_what_a_started_pull_needs_is_kept_also_when_it_was_cut_off(store: Store, shelf: Shelf) -> None:
    """S11: its blobs and partials wait for the next pull, until the version is removed."""
    manifest = shelf.manifest({"a": b"done", "b": b"half"})
    with store.claim("v23", manifest, act="pull"):
        shelf.blob(b"done")
        half = manifest.file("b")
        assert half is not None
        (store.partials / f"{half.sha256}.part").write_bytes(b"ha")
        assert collect(store).removed == ()
    assert collect(store, keep=0).removed == ()
    remove_version(store, "v23", manifest.digest)
    assert sorted(part.kind for part in collect(store).removed) == ["blob", "partial"]


def test_a_partial_whose_blob_is_there_goes(store: Store, shelf: Shelf) -> None:
    manifest = shelf.version("v23", {"a": b"1"})
    (store.partials / f"{manifest.files[0].sha256}.part").write_bytes(b"")
    with store.locks.writing([manifest.files[0].sha256], act="pull", wait=0):
        assert collect(store).removed == ()
    assert [part.kind for part in collect(store).removed] == ["partial"]


def test_a_temporary_file_goes_when_its_process_is_long_gone(store: Store, shelf: Shelf) -> None:
    """S21: temporary files alone go by age."""
    manifest = shelf.version("v23", {"a": b"1"})
    folder = store.root / "versions" / "v23"
    for path in (folder / ".0123456789ab.00.tmp", store.root / ".names.json.00.tmp", folder / f".{manifest.digest[:12]}.1.tmp"):
        path.mkdir()
        (path / "f").write_text("")
    assert collect(store).removed == ()
    for path in (*folder.glob(".*"), *store.root.glob(".*")):
        os.utime(path, (0, 0))
    with store.claim("v23", manifest, act="pull"):
        assert len(collect(store).removed) == 2
    assert len(collect(store).removed) == 1
    assert store.snapshots.state("v23", manifest) is SnapshotState.COMPLETE


def test_bad_bytes_are_kept_until_nothing_links_to_them(store: Store, shelf: Shelf) -> None:
    """S14: else a snapshot that has them would pass for whole."""
    manifest = shelf.version("v23", {"a": b"1"})
    store.blobs.put_aside(manifest.files[0].sha256)
    shelf.blob(b"1")
    assert collect(store).removed == ()
    store.snapshots.commit("v23", manifest)
    assert [part.kind for part in collect(store).removed] == ["quarantine"]


def test_what_was_taken_away_since_it_was_listed_is_no_trouble(store: Store, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull that ends beside the collection puts its partials in their places."""
    done = shelf.version("v23", {"a": b"1"}).files[0].sha256
    listed = gc._files
    monkeypatch.setattr(gc, "_files", lambda folder: [*listed(folder), folder / f"{done}.part", folder / f".{done}.tmp"])
    assert collect(store).removed == ()


@pytest.mark.parametrize("damage", ["names", "names lost", "manifest", "manifest lost"])
def test_while_it_is_unknown_what_is_needed_nothing_goes(store: Store, shelf: Shelf, damage: str) -> None:
    """S15."""
    manifest = shelf.version("v23", {"a": b"1"})
    shelf.blob(b"garbage")
    path = store.names.path if damage.startswith("names") else store.manifests.path(manifest.digest)
    path.unlink()
    if not damage.endswith("lost"):
        path.write_bytes(b"?")
    with pytest.raises((StorageError, IntegrityError)):
        collect(store)
    assert len(list(store.blobs)) == 2


def test_a_version_that_is_not_there_is_not_found(store: Store, shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        remove_version(store, "v23", shelf.manifest({"a": b"1"}).digest)


def test_a_pull_that_found_a_blob_present_keeps_it_whatever_is_collected_meanwhile(store: Store, shelf: Shelf) -> None:
    """S11: pulls and collections at once, over blobs that nothing else needs."""
    bodies = [b"%d" % number for number in range(8)]
    stop, failures = threading.Event(), []

    def keep_collecting() -> None:
        # The locks are not fair: one who asks again in the same moment would keep all others out for as long as he goes on.
        while not stop.wait(0.005):
            collect(store)

    def keep_pulling(name: str) -> None:
        files = {f"f{number}": body for number, body in enumerate(bodies)}
        manifest = shelf.manifest({name: b"", **files} | {name: name.encode()})
        for _ in range(6):
            with store.claim(name, manifest, act="pull"):
                with store.locks.writing([file.sha256 for file in manifest.files], act="pull", wait=30):
                    for body in (*bodies, name.encode()):
                        shelf.blob(body)
                snapshot = store.snapshots.commit(name, manifest)
                if store.snapshots.state(name, manifest) is not SnapshotState.COMPLETE:
                    failures.append(snapshot)
            remove_version(store, name, manifest.digest)

    collector = threading.Thread(target=keep_collecting)
    pullers = [threading.Thread(target=keep_pulling, args=(name,)) for name in ("one", "two", "three")]
    for thread in (collector, *pullers):
        thread.start()
    for thread in pullers:
        thread.join(100)
    stop.set()
    collector.join(60)
    assert failures == []
    assert not any(thread.is_alive() for thread in pullers)
    assert list(store.snapshots.list()) == []
    collect(store)
    assert list(store.blobs) == []
