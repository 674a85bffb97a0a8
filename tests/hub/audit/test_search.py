"""The copy in the database follows the log, and is thrown away when it does not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indextts_hub.audit import AuditLog
from indextts_hub.audit.search import EventQuery, copy_events, find_events
from indextts_hub.db import Database, open_database, sqlite_url

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(sqlite_url(tmp_path / "hub.sqlite3"))
    yield database
    database.close()


def test_events_are_found_by_what_is_known_of_them(log: AuditLog, database: Database) -> None:
    written = [
        log.append("pull", "v23", details={"bytes": 5}, at=NOON, actor="me@here"),
        log.append("verify", "v23", at=NOON + timedelta(hours=1), actor="you@there"),
        log.append("pull", "v25", outcome="E_SOURCE", at=NOON + timedelta(hours=2), actor="me@here"),
    ]
    assert copy_events(log, database)[0] == 3
    assert find_events(database, EventQuery()) == written[::-1]
    assert find_events(database, EventQuery(act="pull", actor="me@here")) == [written[2], written[0]]
    assert find_events(database, EventQuery(subject="v23", since=NOON + timedelta(minutes=1))) == [written[1]]
    assert find_events(database, EventQuery(until=NOON)) == []
    assert find_events(database, EventQuery(limit=1)) == [written[2]]


def test_only_what_is_new_is_copied(log: AuditLog, database: Database) -> None:
    log.append("pull", "v23")
    copy_events(log, database)
    log.append("pull", "v25")
    added, place = copy_events(log, database)
    assert added == 1
    assert copy_events(log, database) == (0, place)


def test_a_copy_of_another_log_is_made_anew(log: AuditLog, database: Database, tmp_path: Path) -> None:
    """S15, S22: the store was restored from a backup, or the database is another store's."""
    for name in ("v1", "v2", "v3"):
        log.append("pull", name)
    copy_events(log, database)
    log.path.unlink()
    log.append("pull", "other")
    assert copy_events(log, database)[0] == 1
    assert [event.subject for event in find_events(database, EventQuery())] == ["other"]


def test_only_what_is_new_is_read(log: AuditLog, database: Database) -> None:
    for number in range(5):
        log.append("pull", f"v{number}")
    _, place = copy_events(log, database)
    assert place is not None
    assert place.end == log.path.stat().st_size
    log.append("pull", "more")
    # What stands before the place is not looked at again: that is what `verify` is for.
    body = bytearray(log.path.read_bytes())
    body[10] ^= 1
    log.path.write_bytes(body)
    added, later = copy_events(log, database, place)
    assert (added, later and later.start) == (1, place.end)
    assert find_events(database, EventQuery())[0].subject == "more"


def test_a_place_in_another_log_is_none(log: AuditLog, database: Database) -> None:
    for number in range(5):
        log.append("pull", f"v{number}")
    _, place = copy_events(log, database)
    log.path.unlink()
    log.append("pull", "other")
    assert copy_events(log, database, place)[0] == 1
    assert [event.subject for event in find_events(database, EventQuery())] == ["other"]
