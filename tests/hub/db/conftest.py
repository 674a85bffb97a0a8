"""A database of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indextts_hub.db import Database, open_database, sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "hub.sqlite3")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()
