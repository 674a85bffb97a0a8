"""Names move at once or not at all, remember where they were, and need no database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import NotFound, StorageError, UsageError
from indextts_hub.manifest import Digest
from indextts_hub.store import Store

A, B, C = (Digest(letter * 64) for letter in "abc")


def test_an_alias_moves_and_goes_back_one_step_at_a_time(store: Store) -> None:
    for digest in (A, B, C):
        store.names.set_alias("stable", "v23", digest)
    assert store.names.roll_back_alias("stable").target.digest == B
    assert store.names.roll_back_alias("stable").target.digest == A
    with pytest.raises(UsageError):
        store.names.roll_back_alias("stable")
    assert store.names.read().aliases["stable"].target.digest == A


def test_setting_it_where_it_is_changes_nothing(store: Store) -> None:
    first = store.names.set_alias("stable", "v23", A)
    assert store.names.set_alias("stable", "v23", A) == first


def test_aliases_and_pins_are_roots(store: Store) -> None:
    store.names.set_alias("stable", "v23", A)
    store.names.pin("lite", B)
    book = store.names.read()
    assert book.roots() == {A, B}
    assert book.aliases_of(A) == ("stable",)
    store.names.remove_alias("stable")
    store.names.unpin(B)
    assert store.names.unpin(B) is None
    assert store.names.read().roots() == frozenset()


def test_an_alias_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        store.names.remove_alias("stable")
    with pytest.raises(UsageError):
        store.names.set_alias("../x", "v23", A)


def test_a_trail_is_bounded(store: Store) -> None:
    for number in range(40):
        alias = store.names.set_alias("stable", "v23", Digest(f"{number:064x}"))
    assert len(alias.trail) == 32
    assert alias.trail[-1].digest.endswith("26")


@given(st.binary(max_size=200))
def test_a_damaged_names_file_stops_whoever_would_collect_by_it(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    store = Store.at(tmp_path_factory.getbasetemp() / "damaged")
    store.root.mkdir(exist_ok=True)
    store.names.path.write_bytes(body)
    with pytest.raises(StorageError) as failed:
        store.names.read()
    assert failed.value.code == "E_NAMES"


def test_a_lost_names_file_is_told_from_an_empty_one(store: Store) -> None:
    """S15: nothing is collected while it is unknown what is pinned."""
    store.names.path.unlink()
    with pytest.raises(StorageError) as failed:
        store.names.read()
    assert failed.value.code == "E_NAMES"


def test_the_stamp_of_a_store_changes_with_its_names_and_snapshots(store: Store) -> None:
    seen = [store.stamp()]
    assert store.stamp() == seen[0]
    store.names.set_alias("stable", "lite", A)
    seen.append(store.stamp())
    (store.snapshots.folder / "lite" / "aaaaaaaaaaaa").mkdir(parents=True)
    seen.append(store.stamp())
    (store.snapshots.folder / "lite" / "aaaaaaaaaaaa" / "weights").touch()
    seen.append(store.stamp())
    assert len(set(seen)) == 4
