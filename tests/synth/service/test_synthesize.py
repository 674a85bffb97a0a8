"""`POST /synthesize` of a real service, over HTTP."""

import io
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
import soundfile

from tests.synth.service.conftest import RunningService


def test_a_text_is_spoken_and_its_audio_can_be_fetched(client: httpx2.Client) -> None:
    answer = client.post("/synthesize", json={"text": "你好。世界再见。", "emotion": "高兴", "intensity": 0.7})
    assert answer.status_code == 200, answer.text
    spoken = answer.json()
    assert spoken["model"] == {"version": "sine", "digest": "ab" * 32}
    assert [segment["text"] for segment in spoken["segments"]] == ["你好。", "世界再见。"]
    assert spoken["segments"][1]["start"] == spoken["segments"][0]["end"]
    assert spoken["segments"][1]["end"] == spoken["duration"]
    audio = client.get(spoken["audio_url"])
    assert audio.headers["content-type"] == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(audio.content))
    assert rate == spoken["sample_rate"] == 24_000
    assert len(samples) / rate == pytest.approx(spoken["duration"], abs=0.001)


def test_the_audio_is_served_in_ranges(client: httpx2.Client) -> None:
    url = client.post("/synthesize", json={"text": "你好"}).json()["audio_url"]
    whole = client.get(url).content
    part = client.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])


@pytest.mark.parametrize(
    ("accept", "form", "kind"),
    [("audio/*", None, "WAV"), ("audio/flac", None, "FLAC"), ("audio/mpeg", None, "MP3"), ("audio/*", "opus", "OGG")],
)
def test_audio_is_the_answer_where_audio_is_accepted(client: httpx2.Client, accept: str, form: str | None, kind: str) -> None:
    asked = {"text": "你好"} | ({"format": form} if form else {})
    answer = client.post("/synthesize", json=asked, headers={"Accept": accept})
    assert answer.headers["x-model-digest"] == "ab" * 32
    assert soundfile.info(io.BytesIO(answer.content)).format == kind
    assert client.get(f"/api/tasks/{answer.headers['x-task-id']}/audio").content == answer.content


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ({}, "E_REQUEST", "text"),
        ({"text": ""}, "E_TEXT", "spoken"),
        ({"text": "😀"}, "E_TEXT", "spoken"),
        ({"text": "好" * 2001}, "E_TEXT", "2001 characters"),
        ({"text": "你好", "emotion": "bored"}, "E_EMOTION", "bored"),
        ({"text": "你好", "emotion": "sad"}, "E_EMOTION", "neutral, happy"),
        ({"text": "你好", "emotion_vector": {"happy": 1.5}}, "E_REQUEST", "emotion_vector"),
        ({"text": "你好", "emotion": "happy", "emotion_vector": {"happy": 1}}, "E_EMOTION", "both"),
        ({"text": "你好", "emotion": "happy", "emotion_text": "开心"}, "E_EMOTION", "both"),
        ({"text": "你好", "emotion_text": "开心"}, "E_CONTROL", "it follows: emotion, speed"),
        ({"text": "你好", "pitch": 3.0}, "E_CONTROL", "pitch"),
        ({"text": "你好", "pitch": 13.0}, "E_REQUEST", "pitch"),
        ({"text": "你好", "sampling": {"top_k": 5}}, "E_CONTROL", "top_k"),
        ({"text": "你好", "sampling": {"luck": 5}}, "E_REQUEST", "luck"),
        ({"text": "你好", "language": "en"}, "E_LANGUAGE", "zh"),
        ({"text": "你好", "speed": 3}, "E_REQUEST", "speed"),
        ({"text": "你好", "format": "exe"}, "E_REQUEST", "format"),
        ({"text": "你好", "voice": "../../etc/passwd"}, "E_VOICE", "own voice"),
        ({"text": "你好", "colour": "red"}, "E_REQUEST", "colour"),
    ],
)  # fmt: skip
def test_what_can_not_be_spoken_is_refused_with_what_can(client: httpx2.Client, asked: object, code: str, said: str) -> None:
    answer = client.post("/synthesize", json=asked)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert said in problem["title"] + problem["remedy"]


@pytest.mark.parametrize("name", ["v23", "../../etc/passwd", "..%2f..%2fetc", "sine@sha256:zz", "a\0b", "SINE"])
def test_a_version_that_is_not_served_is_not_found_and_says_which_are(client: httpx2.Client, name: str) -> None:
    """A04."""
    answer = client.post("/synthesize", json={"text": "你好", "model": name})
    assert answer.status_code == 404
    assert "sine" in answer.json()["remedy"]
    assert client.post("/synthesize", json={"text": "你好", "model": "stable@sha256:abababab"}).status_code == 200
    assert client.post("/synthesize", json={"text": "你好", "model": "sine@sha256:cdcdcdcd"}).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "\xff"}', rb'{"text": "\ud800"}', b"[" * 50_000, b'{"text": NaN}'])
def test_a_body_that_is_no_request_is_refused(client: httpx2.Client, body: bytes) -> None:
    """A03."""
    answer = client.post("/synthesize", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_engine_that_fails_is_told_and_goes_on(client: httpx2.Client) -> None:
    answer = client.post("/synthesize", json={"text": "错"})
    assert (answer.status_code, answer.json()["code"]) == (500, "E_ENGINE")
    assert client.post("/synthesize", json={"text": "好"}).status_code == 200


def test_a_killed_worker_comes_back_and_no_request_is_lost(client: httpx2.Client, service: RunningService) -> None:
    children = f"/proc/{service.process.pid}/task/{service.process.pid}/children"
    client.post("/synthesize", json={"text": "好"}).raise_for_status()
    with ThreadPoolExecutor() as threads, service.client() as other:
        answer = threads.submit(other.post, "/synthesize", json={"text": "慢慢说。" * 4})
        time.sleep(0.4)
        with open(children) as file:  # noqa: PTH123
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        assert answer.result().status_code == 200
    assert client.get("/readyz").json()[0]["restarts"] >= 1


def test_a_full_queue_says_when_to_come_back_and_health_still_answers(client: httpx2.Client, service: RunningService) -> None:
    """A06."""

    def ask(_: int) -> httpx2.Response:
        with service.client() as own:
            return own.post("/synthesize", json={"text": "慢。" * 3})

    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(ask, range(8))
        assert client.get("/healthz").json() == {"service": "indextts-hub", "status": "ok"}
        answered = list(answers)
    assert {answer.status_code for answer in answered} == {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answered if answer.status_code == 429)


def test_a_client_that_leaves_takes_its_work_along(client: httpx2.Client, service: RunningService) -> None:
    """A06."""
    assert client.post("/synthesize", json={"text": "好"}).status_code == 200
    with service.client() as impatient, pytest.raises(httpx2.ReadTimeout):
        impatient.post("/synthesize", json={"text": "慢。" * 60}, timeout=0.5)
    assert client.post("/synthesize", json={"text": "好"}).status_code == 200
    # One is spoken at a time: had the other not been left, it would be done, or still be spoken.
    tasks = client.get("/api/tasks").json()["tasks"]
    assert {task["status"] for task in tasks if task["text"] == "慢。" * 60} <= {"cancelled"}
