"""A little is hashed on each run, and in the end everything is."""

import os

from indextts_hub.store import SnapshotState, Store, scrub
from tests.hub.store.shelf import Shelf


def test_runs_with_no_time_get_round_all_the_same(store: Store, shelf: Shelf) -> None:
    for number in range(3):
        shelf.blob(b"%d" % number)
    reports = [scrub(store, budget=0) for _ in range(3)]
    assert [report.checked for report in reports] == [1, 1, 1]
    assert [report.left for report in reports] == [2, 2, 2]
    assert reports[1].oldest is None
    assert reports[2].oldest is not None


def test_with_time_enough_all_is_hashed_and_bad_blobs_are_put_aside(store: Store, shelf: Shelf) -> None:
    """S14."""
    manifest = shelf.version("lite", {"a": b"good", "b": b"bad"})
    bad = manifest.file("b")
    assert bad is not None
    store.blobs.path(bad.sha256).chmod(0o644)
    store.blobs.path(bad.sha256).write_bytes(b"BAD")
    report = scrub(store, budget=60)
    assert (report.checked, report.checked_bytes, report.left) == (2, 7, 0)
    assert [finding.digest for finding in report.bad] == [bad.sha256]
    assert os.listdir(store.blobs.quarantine) == [f"{bad.sha256}.0"]
    assert store.snapshots.state("lite", manifest) is SnapshotState.DEGRADED
    assert scrub(store, budget=60).bad == ()


def test_a_lost_or_damaged_state_begins_anew(store: Store, shelf: Shelf) -> None:
    shelf.blob(b"1")
    scrub(store, budget=60)
    for body in (b"", b"[]", b'{"schema":1,"good":{"x":"y"}}'):
        (store.root / "scrub.json").write_bytes(body)
        assert scrub(store, budget=60).checked == 1


def test_an_empty_store_is_scrubbed_at_once(store: Store) -> None:
    assert scrub(store, budget=60).checked == 0
