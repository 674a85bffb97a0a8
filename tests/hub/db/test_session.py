"""The database upgrades itself on first use, is whole after any trouble, and says what is wrong."""

import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlmodel import select

from indextts_hub.db import Database, Pull, Transfer, open_database, sqlite_url
from indextts_hub.db.session import HEAD, current_revision
from indextts_hub.errors import Busy, StorageError, UsageError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def pull(**changes: object) -> Pull:
    values = {
        "at": NOON, "by": "me@here", "version": "lite", "digest": "a" * 64, "outcome": "done", "seconds": 1.5,
        "bytes_total": 5 * 2**30, "bytes_fetched": 0, "bytes_wasted": 0,
    }  # fmt: skip
    return Pull(**{**values, **changes})


def test_what_was_written_is_read_back_with_its_time_zone(database: Database) -> None:
    with database.session() as session:
        row = pull(at=NOON.astimezone(timezone(timedelta(hours=8))))
        session.add(row)
        session.flush()
        assert row.id is not None
        session.add(Transfer(pull_id=row.id, path="a", sha256="b" * 64, mirror="m", bytes=1, chunks=1, errors=["reset"]))
    with database.session() as session:
        found = session.exec(select(Pull)).one()
        assert (found.at, found.bytes_total) == (NOON, 5 * 2**30)
        assert session.exec(select(Transfer)).one().errors == ["reset"]


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    class Stop(Exception):
        pass

    def fail() -> None:
        with database.session() as session:
            session.add(pull())
            session.flush()
            raise Stop

    with pytest.raises(Stop):
        fail()
    with database.session() as session:
        assert session.exec(select(Pull)).all() == []


def test_a_transfer_needs_its_pull(database: Database) -> None:
    with pytest.raises(StorageError), database.session() as session:
        session.add(Transfer(pull_id=7, path="a", sha256="b" * 64, mirror="m", bytes=1, chunks=1))


def test_an_open_database_is_at_the_newest_revision_and_opening_it_again_changes_nothing(url: str, tmp_path: Path) -> None:
    first = open_database(url)
    assert current_revision(first) == HEAD
    first.close()
    second = open_database(url)
    second.close()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".sqlite3"] == ["hub.sqlite3"]


def test_many_at_once_make_one_database(database_url: str) -> None:
    """S10: whoever comes second finds it made."""
    failures: list[Exception] = []

    def use() -> None:
        try:
            database = open_database(database_url)
            with database.session() as session:
                session.add(pull())
            database.close()
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    database = open_database(database_url)
    with database.session() as session:
        assert len(session.exec(select(Pull)).all()) == 6
    database.close()


def test_counting_up_from_many_sides_loses_nothing(database_url: str) -> None:
    """A writer is alone from its first look on."""
    database = open_database(database_url)
    with database.session() as session:
        session.add(pull(bytes_wasted=0))

    def count() -> None:
        for _ in range(10):
            with database.session() as session:
                row = session.exec(select(Pull)).one()
                row.bytes_wasted += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.reading() as session:
        assert session.exec(select(Pull)).one().bytes_wasted == 40
    database.close()


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.session() as writer:
        writer.add(pull())
        writer.flush()
        with database.reading() as reader:
            assert reader.exec(select(Pull)).all() == []


def test_a_database_of_a_newer_program_is_left_alone(database_url: str, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageError) as refused:
        open_database(database_url)
    assert refused.value.code == "E_DATABASE_NEWER"


def test_a_damaged_database_is_named_with_the_way_out(tmp_path: Path) -> None:
    """S15."""
    (tmp_path / "hub.sqlite3").write_bytes(b"this is no database, and never was one" * 100)
    with pytest.raises(StorageError, match=r"hub\.sqlite3") as damaged:
        open_database(sqlite_url(tmp_path / "hub.sqlite3"))
    assert damaged.value.code == "E_DATABASE_DAMAGED"
    assert "doctor --rebuild" in damaged.value.remedy


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as failed:
        open_database(sqlite_url(tmp_path / "none" / "hub.sqlite3"))
    assert failed.value.code == "E_DATABASE"


@pytest.mark.parametrize("url", ["", "nonsense", "oracle9000://x", "postgresql+nodriver://me:secret@host/db"])
def test_a_url_that_means_no_database_is_wrong_usage_and_shows_no_password(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_database(url)
    assert "secret" not in refused.value.message


def test_a_database_that_is_held_is_busy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(url).close()
    monkeypatch.setattr("indextts_hub.db.session.BUSY_TIMEOUT_MS", 50)
    holder = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    second = open_database(url)
    with pytest.raises(Busy), second.session() as session:
        session.add(pull())
    second.close()
    holder.close()


def test_nothing_is_created_by_importing() -> None:
    body = "import indextts_hub.db, sys; print('alembic' in sys.modules, 'indextts_hub.store' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False False"
