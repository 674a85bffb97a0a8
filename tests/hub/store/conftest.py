"""A store of its own for each test, and a way to fill it."""

from pathlib import Path

import pytest

from indextts_hub.store import Store, open_store
from tests.hub.store.shelf import Shelf


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "hub")


@pytest.fixture
def shelf(store: Store) -> Shelf:
    return Shelf(store)
