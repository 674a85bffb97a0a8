"""A database of its own for each test: in SQLite, and in PostgreSQL where that is installed."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from indextts_hub.db import Database, open_database, sqlite_url
from tests.hub.db.postgres import PROGRAMS, postgres_server


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "hub.sqlite3")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server() as address:
        yield address


@pytest.fixture
def postgres_url(postgres: str) -> str:
    name = f"hub_{uuid.uuid4().hex}"
    engine = create_engine(postgres.replace("postgresql:", "postgresql+psycopg:") + "/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{postgres}/{name}"


ON_POSTGRES = pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is not installed")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow, ON_POSTGRES])])
def database_url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue("url" if request.param == "sqlite" else "postgres_url")
    return found


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()
