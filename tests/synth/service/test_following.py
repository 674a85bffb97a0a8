"""A08: aliases move while requests are under way, and each answer is wholly of one digest, which it names."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.synth.service.conftest import RunningService, configured_service

pytestmark = pytest.mark.slow

OLD, NEW = "aa" * 32, "bb" * 32


def want(folder: Path, *versions: tuple[str, str, list[str]]) -> None:
    rows = [{"name": name, "digest": digest, "aliases": aliases} for name, digest, aliases in versions]
    for _, digest, _ in versions:
        snapshot = folder / "versions" / digest[:12]
        snapshot.mkdir(parents=True, exist_ok=True)
        if not (snapshot / "slow").exists():
            (snapshot / "slow").write_text("0.2")
    (folder / "wanted.new").write_text(json.dumps(rows))
    (folder / "wanted.new").replace(folder / "wanted.json")


@contextmanager
def serving(
    folder: Path, *versions: tuple[str, str, list[str]], **settings: object
) -> Iterator[tuple[RunningService, httpx2.Client]]:
    want(folder, *versions)
    with configured_service(folder, **settings) as service, service.client() as client:
        yield service, client


def digest_of(client: httpx2.Client, name: str) -> str:
    answer = client.post("/synthesize", json={"text": "好。", "model": name})
    return answer.json()["model"]["digest"] if answer.status_code == 200 else str(answer.json()["code"])


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_alias_moves_without_a_dropped_request(tmp_path: Path) -> None:
    """A08."""
    with serving(tmp_path, ("old", OLD, ["stable"]), queue=50) as (service, client):
        answers: list[tuple[int, str, str]] = []
        stop = threading.Event()

        def ask() -> None:
            with service.client() as own:
                while not stop.is_set():
                    answer = own.post(
                        "/synthesize", json={"text": "你好。慢。再见。", "model": "stable"}, headers={"Accept": "audio/wav"}
                    )
                    task = own.get(f"/api/tasks/{answer.headers.get('x-task-id')}").json()
                    answers.append((answer.status_code, answer.headers.get("x-model-digest", ""), task["model_digest"]))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        time.sleep(1)
        want(tmp_path, ("new", NEW, ["stable"]), ("old", OLD, []))
        until(lambda: digest_of(client, "stable") == NEW)
        time.sleep(1)
        want(tmp_path, ("old", OLD, ["stable"]), ("new", NEW, []))
        until(lambda: digest_of(client, "stable") == OLD)
        stop.set()
        for asker in askers:
            asker.join(20)
    assert {status for status, _, _ in answers} == {200}
    assert all(header == recorded for _, header, recorded in answers)
    spoken = [header for _, header, _ in answers]
    assert spoken[0] == OLD
    assert NEW in spoken


def test_a_version_that_is_gone_is_drained_before_it_is_stopped(tmp_path: Path) -> None:
    """A08."""
    with serving(tmp_path, ("old", OLD, []), ("new", NEW, [])) as (_, client):
        task = client.post("/api/tasks", json={"text": "慢。" * 10, "model": "old"}).json()
        want(tmp_path, ("new", NEW, []))
        until(lambda: digest_of(client, "old") == "E_NOT_SERVED")
        until(lambda: client.get(f"/api/tasks/{task['id']}").json()["finished"] is not None)
        assert client.get(f"/api/tasks/{task['id']}").json()["status"] == "done"


def test_a_version_that_can_not_be_loaded_takes_over_no_name(tmp_path: Path) -> None:
    """A08."""
    with serving(tmp_path, ("old", OLD, ["stable"])) as (_, client):
        assert digest_of(client, "stable") == OLD
        broken = tmp_path / "versions" / NEW[:12] / "broken"
        broken.parent.mkdir()
        broken.touch()
        want(tmp_path, ("new", NEW, ["stable"]), ("old", OLD, []))
        time.sleep(3)
        assert digest_of(client, "stable") == OLD
        broken.unlink()
        until(lambda: digest_of(client, "stable") == NEW, 30)


def test_a_version_is_loaded_when_it_is_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, ("old", OLD, []), ("new", NEW, [])) as (_, client):
        states = {row["version"]: row["state"] for row in client.get("/readyz").json()}
        assert states["new"] == "stopped"
        assert digest_of(client, "new") == NEW
        assert {row["version"]: row["state"] for row in client.get("/readyz").json()} == {"old": "ready", "new": "ready"}


def test_where_memory_is_short_the_one_that_is_idle_makes_room(tmp_path: Path) -> None:
    # Each is said to need 100 bytes, and to use as much.
    with serving(tmp_path, ("old", OLD, []), ("new", NEW, []), memory=150) as (_, client):
        assert digest_of(client, "old") == OLD
        assert digest_of(client, "new") == NEW
        assert {row["version"]: row["state"] for row in client.get("/readyz").json()} == {"old": "stopped", "new": "ready"}
        assert digest_of(client, "old") == OLD


def test_where_there_is_no_room_it_goes_on_in_its_smaller_way_and_says_so(tmp_path: Path) -> None:
    with serving(tmp_path, ("old", OLD, []), ("new", NEW, []), memory=170, queue=10) as (_, client):
        busy = client.post("/api/tasks", json={"text": "慢。" * 20, "model": "old"}).json()
        answer = client.post("/synthesize", json={"text": "你好，世界再见。", "model": "new"}).json()
        assert answer["warnings"] == ["in small pieces"]
        assert len(answer["segments"]) > 1
        assert client.post(f"/api/tasks/{busy['id']}/cancel").status_code == 200


def test_where_there_is_no_room_at_all_it_says_when_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path, ("old", OLD, []), ("new", NEW, []), memory=110, queue=10) as (_, client):
        client.post("/api/tasks", json={"text": "慢。" * 20, "model": "old"})
        answer = client.post("/synthesize", json={"text": "你好", "model": "new"})
        assert (answer.status_code, answer.json()["code"]) == (503, "E_NOT_READY")
        assert int(answer.headers["retry-after"]) > 0


def test_an_engine_that_runs_out_of_memory_goes_on_in_its_smaller_way(tmp_path: Path) -> None:
    with serving(tmp_path, ("old", OLD, [])) as (_, client):
        answer = client.post("/synthesize", json={"text": "大的一句很长的话。好。"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["warnings"] == ["in small pieces"]
        assert "".join(at["text"] for at in answer.json()["segments"]) == "大的一句很长的话。好。"
