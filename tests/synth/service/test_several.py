"""Several tasks at once, over HTTP: called by a name, handed out as one ZIP, and joined into one recording."""

import io
import zipfile
from pathlib import Path

import httpx2
import pytest
import soundfile

from synth.audio.label import read_label, read_provenance


def spoken(client: httpx2.Client, text: str, **settings: object) -> str:
    answer = client.post("/synthesize", json={"text": text, **settings})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_a_task_is_called_by_a_name_and_found_by_it(client: httpx2.Client) -> None:
    task = spoken(client, "没有名字的一句")
    renamed = client.patch(f"/api/tasks/{task}", json={"name": "  第一幕  "})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "第一幕")
    assert [found["id"] for found in client.get("/api/tasks", params={"q": "第一幕"}).json()["tasks"]] == [task]
    assert client.patch(f"/api/tasks/{task}", json={"name": " "}).json()["name"] is None
    assert client.get("/api/tasks", params={"q": "第一幕"}).json()["total"] == 0
    assert client.patch("/api/tasks/nothing", json={"name": "x"}).status_code == 404
    assert client.patch(f"/api/tasks/{task}", json={"name": "x" * 201}).status_code == 422


def test_a_name_that_is_given_while_it_is_spoken_stays(client: httpx2.Client) -> None:
    task = client.post("/api/tasks", json={"text": "慢。慢。慢。"}).json()["id"]
    client.patch(f"/api/tasks/{task}", json={"name": "正在说"})
    client.get(f"/api/tasks/{task}/events")
    done = client.get(f"/api/tasks/{task}").json()
    assert (done["status"], done["name"]) == ("done", "正在说")


def test_chosen_tasks_are_packed_in_the_order_in_which_they_are_named(client: httpx2.Client) -> None:
    first, second = spoken(client, "甲甲。", format="mp3"), spoken(client, "乙/乙。")
    client.patch(f"/api/tasks/{first}", json={"name": "第一/幕"})
    packed = client.get("/api/archive", params={"id": [second, first]})
    assert packed.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as file:
        assert file.testzip() is None
        assert file.namelist() == ["0001-乙-乙.wav", "0001-乙-乙.srt", "0002-第一-幕.mp3", "0002-第一-幕.srt", "all.srt"]
        assert file.read("0001-乙-乙.wav") == client.get(f"/api/tasks/{second}/audio").content
        assert file.read("all.srt").decode().splitlines()[4:7] == ["2", "00:00:00,400 --> 00:00:00,700", "甲甲。"]


def test_what_a_filter_finds_is_packed_and_what_has_no_audio_is_left_out(client: httpx2.Client) -> None:
    client.post("/synthesize", json={"text": "打包错"})
    spoken(client, "打包一")
    spoken(client, "打包二")
    packed = client.get("/api/archive", params={"q": "打包"})
    with zipfile.ZipFile(io.BytesIO(packed.content)) as file:
        assert [name for name in file.namelist() if name.endswith(".wav")] == ["0001-打包二.wav", "0002-打包一.wav"]
    nothing = client.get("/api/archive", params={"q": "打包错"})
    assert (nothing.status_code, nothing.json()["code"]) == (404, "E_NO_AUDIO")


def test_joined_tasks_are_one_recording_with_the_captions_of_all(client: httpx2.Client, tmp_path: Path) -> None:
    lines = [spoken(client, "你好。世界。", format="flac"), spoken(client, "再见。", emotion="happy", format="flac")]
    answer = client.post("/api/joined", json={"tasks": lines, "pause": 0.5, "format": "flac", "name": "对话"})
    assert answer.status_code == 201, answer.text
    whole = answer.json()
    assert (whole["status"], whole["name"], whole["text"]) == ("done", "对话", "你好。世界。\n再见。")
    parts = [client.get(f"/api/tasks/{id_}").json() for id_ in lines]
    assert whole["duration"] == pytest.approx(sum(part["duration"] for part in parts) + 0.5, abs=0.001)
    body = client.get(whole["audio_url"]).content
    # The samples are those of the lines, to the bit.
    samples, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    one, _ = soundfile.read(io.BytesIO(client.get(parts[0]["audio_url"]).content), dtype="int16")
    assert (samples[: len(one)] == one).all()
    assert not samples[len(one) : len(one) + rate // 2].any()
    said = [(at["text"], at["start"]) for at in whole["segments"]]
    assert [text for text, _ in said] == ["你好。", "世界。", "再见。"]
    assert said[-1][1] == pytest.approx(parts[0]["duration"] + 0.5, abs=0.001)
    srt = client.get(f"/api/tasks/{whole['id']}/captions", params={"format": "srt"}).text
    assert srt.count("-->") == 3
    # It is labelled as generated, as what it is.
    label, provenance = read_label(body), read_provenance(body)
    assert label is not None
    assert provenance is not None
    assert provenance.task == whole["id"]


@pytest.mark.parametrize(("form", "said"), [("aac", "AAC"), ("pcm", "raw")])
def test_what_is_no_file_of_samples_is_not_joined(client: httpx2.Client, form: str, said: str) -> None:
    lines = [spoken(client, "你好。", format=form)]
    refused = client.post("/api/joined", json={"tasks": lines})
    assert (refused.status_code, refused.json()["code"]) == (422, "E_JOIN")
    assert said in refused.json()["title"]


def test_what_is_not_there_or_not_done_is_not_joined(client: httpx2.Client) -> None:
    assert client.post("/api/joined", json={"tasks": ["nothing"]}).status_code == 404
    assert client.post("/api/joined", json={"tasks": []}).status_code == 422
    client.post("/synthesize", json={"text": "错"})
    failed = client.get("/api/tasks", params={"status": "failed"}).json()["tasks"][0]["id"]
    assert client.post("/api/joined", json={"tasks": [failed]}).json()["code"] == "E_JOIN"


def test_a_service_without_keys_says_that_it_asks_nobody(client: httpx2.Client) -> None:
    assert client.get("/api/session").json() == {"asks": False, "name": None, "scopes": ["admin", "read", "speak"]}
