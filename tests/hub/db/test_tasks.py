from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indextts_hub.db.session import Database, open_database, sqlite_url
from indextts_hub.db.tasks import (
    DONE,
    QUEUED,
    SpokenSegment,
    SpokenTask,
    TaskFilter,
    TaskSettings,
    add_task,
    find_task,
    hide_task,
    purge_task,
    search_tasks,
    show_task,
    unfinished_tasks,
    update_task,
)
from indextts_hub.errors import NotFound, UsageError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(sqlite_url(tmp_path / "hub.sqlite3"))
    yield opened
    opened.close()


def task(number: int, **changes: object) -> SpokenTask:
    made = SpokenTask(f"t{number}", NOON + timedelta(minutes=number), QUEUED, f"第{number}句", "lite", TaskSettings("wav"))
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_task_is_found_as_it_was_written_down(database: Database) -> None:
    asked = task(1)
    add_task(database, asked)
    done = replace(
        asked, status=DONE, model_digest="a" * 64, duration=1.5, segments=(SpokenSegment("第一句", 0.0, 1.5),), warnings=("w",)
    )
    update_task(database, done)
    assert find_task(database, "t1") == done


def test_the_history_is_paged_latest_first_and_searched(database: Database) -> None:
    for number in range(5):
        add_task(database, task(number, emotion="happy" if number % 2 else None))
    page = search_tasks(database, TaskFilter(), page=2, size=2)
    assert ([found.id for found in page.tasks], page.total) == (["t2", "t1"], 5)
    assert [found.id for found in search_tasks(database, TaskFilter(emotion="happy")).tasks] == ["t3", "t1"]
    assert [found.id for found in search_tasks(database, TaskFilter(text="第4")).tasks] == ["t4"]
    assert search_tasks(database, TaskFilter(text="%")).total == 0
    assert search_tasks(database, TaskFilter(since=NOON + timedelta(minutes=3))).total == 2
    with pytest.raises(UsageError):
        search_tasks(database, TaskFilter(), size=1000)


def test_a_hidden_task_comes_back_and_a_purged_one_does_not(database: Database) -> None:
    add_task(database, task(1))
    hide_task(database, "t1")
    assert search_tasks(database, TaskFilter()).total == 0
    assert search_tasks(database, TaskFilter(deleted=True)).total == 1
    update_task(database, task(1, status=DONE))
    assert search_tasks(database, TaskFilter()).total == 0
    show_task(database, "t1")
    assert search_tasks(database, TaskFilter(status=DONE)).total == 1
    purge_task(database, "t1")
    with pytest.raises(NotFound):
        show_task(database, "t1")


def test_what_had_not_ended_when_the_service_did_is_found_again(database: Database) -> None:
    add_task(database, task(1))
    add_task(database, task(2, status=DONE))
    assert [found.id for found in unfinished_tasks(database)] == ["t1"]
