"""The history, over HTTP."""

import httpx2
import pytest


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
