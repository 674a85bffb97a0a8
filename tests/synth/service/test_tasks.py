"""The history, over HTTP."""

import hashlib
import json
from typing import Any

import httpx2
import pytest

from indextts_hub.audit import AuditLog
from tests.synth.service.conftest import RunningService


def test_what_was_spoken_is_found_again_by_its_text(client: httpx2.Client) -> None:
    spoken = client.post("/synthesize", json={"text": "一只独特的鹦鹉", "emotion": "happy"}).json()
    found = client.get("/api/tasks", params={"q": "鹦鹉", "emotion": "happy", "status": "done"}).json()
    assert [task["id"] for task in found["tasks"]] == [spoken["id"]]
    task = client.get(f"/api/tasks/{spoken['id']}").json()
    assert (task["text"], task["duration"], task["audio_url"]) == ("一只独特的鹦鹉", spoken["duration"], spoken["audio_url"])


def test_a_failed_one_says_why(client: httpx2.Client) -> None:
    client.post("/synthesize", json={"text": "错"})
    failed = client.get("/api/tasks", params={"status": "failed"}).json()["tasks"][0]
    assert failed["error_code"] == "E_ENGINE"
    assert failed["audio_url"] is None


def test_a_deleted_task_is_gone_until_it_is_restored(client: httpx2.Client) -> None:
    spoken = client.post("/synthesize", json={"text": "你好"}).json()
    assert client.delete(f"/api/tasks/{spoken['id']}").status_code == 204
    assert client.get(f"/api/tasks/{spoken['id']}").status_code == 404
    assert client.get(spoken["audio_url"]).status_code == 404
    assert client.get("/api/tasks", params={"deleted": True}).json()["total"] == 1
    assert client.post(f"/api/tasks/{spoken['id']}/restore").json()["deleted"] is None
    assert client.get(spoken["audio_url"]).status_code == 200


def test_the_history_has_pages(client: httpx2.Client) -> None:
    for _ in range(3):
        client.post("/synthesize", json={"text": "翻页"})
    first = client.get("/api/tasks", params={"q": "翻页", "size": 2}).json()
    second = client.get("/api/tasks", params={"q": "翻页", "size": 2, "page": 2}).json()
    assert (len(first["tasks"]), len(second["tasks"]), first["total"]) == (2, 1, 3)


@pytest.mark.parametrize("query", [{"page": 0}, {"size": 10_000}, {"status": "lost"}, {"since": "yesterday"}])
def test_a_page_that_can_not_be_is_refused(client: httpx2.Client, query: dict[str, str]) -> None:
    assert client.get("/api/tasks", params=query).status_code == 422


def test_a_task_is_begun_without_waiting_and_followed_to_its_end(client: httpx2.Client) -> None:
    begun = client.post("/api/tasks", json={"text": "慢。慢。好。"})
    assert begun.status_code == 202
    task = begun.json()
    assert task["status"] == "queued"
    followed = events(client, task["id"])
    assert [name for name, _ in followed] == ["progress"] * 4 + ["done"]
    assert [body["spoken"] for _, body in followed[:-1]] == [0, 1, 2, 3]
    assert client.get(followed[-1][1]["audio_url"]).status_code == 200
    assert [name for name, _ in events(client, task["id"])] == ["done"]


def test_a_task_is_cancelled(client: httpx2.Client) -> None:
    task = client.post("/api/tasks", json={"text": "慢。" * 50}).json()
    assert client.post(f"/api/tasks/{task['id']}/cancel").json()["status"] == "cancelled"
    assert [name for name, _ in events(client, task["id"])] == ["cancelled"]
    again = client.post(f"/api/tasks/{task['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "E_TASK_OVER")


def test_a_task_that_fails_ends_with_its_reason(client: httpx2.Client) -> None:
    task = client.post("/api/tasks", json={"text": "错"}).json()
    name, body = events(client, task["id"])[-1]
    assert (name, body["error_code"]) == ("failed", "E_ENGINE")


def test_what_is_refused_is_refused_before_it_is_begun(client: httpx2.Client) -> None:
    assert client.post("/api/tasks", json={"text": "😀"}).status_code == 422
    assert client.post("/api/tasks/nothing/cancel").status_code == 404


def events(client: httpx2.Client, task_id: str) -> list[tuple[str, dict[str, Any]]]:
    answer = client.get(f"/api/tasks/{task_id}/events")
    blocks = [block.split("\n") for block in answer.text.split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(body.removeprefix("data: "))) for name, body in blocks]


def test_a_purged_task_is_gone_for_good_with_its_audio(client: httpx2.Client, service: RunningService) -> None:
    spoken = client.post("/synthesize", json={"text": "你好"}).json()
    file = next((service.folder / "audio").rglob(f"{spoken['id']}.wav"))
    assert client.post(f"/api/tasks/{spoken['id']}/purge").json()["code"] == "E_NOT_DELETED"
    client.delete(f"/api/tasks/{spoken['id']}")
    assert client.post(f"/api/tasks/{spoken['id']}/purge").status_code == 204
    assert not file.exists()
    assert client.post(f"/api/tasks/{spoken['id']}/restore").status_code == 404
    acts = [event.act for event in AuditLog(service.folder / "audit").events() if event.details.get("task") == spoken["id"]]
    assert acts == ["speak", "delete", "purge"]


def test_every_synthesis_is_an_event_of_the_audit_log_without_its_text(client: httpx2.Client, service: RunningService) -> None:
    spoken = client.post("/synthesize", json={"text": "一个秘密"}).json()
    client.post("/synthesize", json={"text": "错误的秘密"})
    *_, done, failed = [event for event in AuditLog(service.folder / "audit").events() if event.act == "speak"]
    assert (done.subject, done.outcome, done.details["task"]) == (f"sine@sha256:{'ab' * 32}", "done", spoken["id"])
    audio = client.get(spoken["audio_url"]).content
    assert done.details["audio"] == hashlib.sha256(audio).hexdigest()
    assert failed.outcome == "E_ENGINE"
    assert "秘密" not in (service.folder / "audit" / "log.jsonl").read_text("utf-8")
