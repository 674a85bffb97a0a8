"""Batches over HTTP: accepted whole, spoken when nobody else waits, and handed out as one ZIP."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.synth.service.conftest import configured_service

CSV = 'text,name,emotion,speed\n你好。,a,,\n再见。,b,happy,2\n"慢，慢。",c,,\n'
SRT = "1\n00:00:01,000 --> 00:00:02,000\n<i>你好</i>。\n\n2\n00:00:03,000 --> 00:00:04,000\n再见。\n"


def over(client: httpx2.Client, batch: str, seconds: float = 30) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = client.get(f"/api/batches/{batch}").json()
        if found["over"]:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_the_lines_of_a_file_are_spoken_and_packed(client: httpx2.Client) -> None:
    answer = client.post("/api/batches", json={"name": "eins", "form": "csv", "content": CSV, "ask": {"text": "", "format": "mp3"}})
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert (batch["lines"], batch["states"]["queued"]) == (3, 3)
    done = over(client, batch["id"])
    assert done["states"]["done"] == 3
    assert [(task["line"], task["text"], task["emotion"]) for task in done["tasks"]] == [
        (1, "你好。", None), (2, "再见。", "happy"), (3, "慢，慢。", None)
    ]  # fmt: skip
    packed = client.get(f"/api/batches/{batch['id']}/archive")
    with zipfile.ZipFile(io.BytesIO(packed.content)) as file:
        assert file.namelist() == ["00001.mp3", "00001.srt", "00002.mp3", "00002.srt", "00003.mp3", "00003.srt", "all.srt"]
        assert file.read("00002.srt").decode() == "1\n00:00:00,000 --> 00:00:00,150\n再见。\n"
        assert file.read("all.srt").decode().count("-->") == 3
    assert batch["id"] in [found["id"] for found in client.get("/api/batches").json()["batches"]]
    assert client.get("/api/tasks", params={"batch": batch["id"]}).json()["total"] == 3


@pytest.mark.parametrize(("form", "content"), [("jsonl", '{"text": "你好。"}\n{"text": "再见。", "speed": 1.5}\n'), ("srt", SRT)])
def test_other_kinds_of_files_are_read_too(client: httpx2.Client, form: str, content: str) -> None:
    batch = client.post("/api/batches", json={"form": form, "content": content}).json()
    assert [task["text"] for task in over(client, batch["id"])["tasks"]] == ["你好。", "再见。"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"text": "你好"}\n{"text": "你好", "emotion": "bored"}', "line 2"),
        ('{"text": "你好"}\n{"text": "你好", "speed": 9}', "line 2"),
        ('{"text": "你好"}\nnonsense', "line 2"),
        ("", "no line"),
    ],
)
def test_one_wrong_line_and_nothing_is_accepted(client: httpx2.Client, content: str, said: str) -> None:
    before = client.get("/api/tasks").json()["total"]
    refused = client.post("/api/batches", json={"form": "jsonl", "content": content})
    assert refused.status_code == 422
    assert said in refused.json()["title"]
    assert client.get("/api/tasks").json()["total"] == before


def test_a_batch_is_cancelled(client: httpx2.Client) -> None:
    content = "\n".join('{"text": "慢。慢。慢。"}' for _ in range(20))
    batch = client.post("/api/batches", json={"form": "jsonl", "content": content}).json()["id"]
    time.sleep(0.5)
    states = client.post(f"/api/batches/{batch}/cancel").json()["states"]
    assert states["queued"] == states["running"] == 0
    assert states["cancelled"] >= 15
    assert client.post("/api/batches/nothing/cancel").json()["code"] == "E_NO_BATCH"


def test_a_line_that_fails_does_not_stop_the_others(client: httpx2.Client) -> None:
    batch = client.post("/api/batches", json={"form": "jsonl", "content": '{"text": "错"}\n{"text": "好"}'}).json()["id"]
    assert [task["status"] for task in over(client, batch)["tasks"]] == ["failed", "done"]


def test_whoever_waits_for_a_sentence_comes_before_a_batch(tmp_path: Path) -> None:
    with configured_service(tmp_path) as service, service.client() as client:
        content = "\n".join('{"text": "慢。"}' for _ in range(20))
        batch = client.post("/api/batches", json={"form": "jsonl", "content": content}).json()["id"]
        time.sleep(0.4)
        assert client.post("/synthesize", json={"text": "好。"}).status_code == 200
        assert client.get(f"/api/batches/{batch}").json()["states"]["queued"] >= 10
