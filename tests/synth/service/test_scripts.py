"""Scripts, roles and captions, over HTTP; and the cue that says that speech is generated."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest

from synth.audio.cue import rhythm_cue
from tests.synth.audio.voices import read_audio
from tests.synth.service.conftest import configured_service
from tests.synth.service.test_tasks import events

SOUND = {"pitch": 0.0, "volume": 0.0}


def said(client: httpx2.Client, **asked: object) -> dict[str, object]:
    answer = client.post("/synthesize", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_break_is_heard_and_stands_in_the_captions(client: httpx2.Client) -> None:
    spoken = said(client, text="<break 1s>你好。<break 2s>再见。")
    first, second = spoken["segments"]  # type: ignore[misc]
    assert (first["start"], second["start"]) == (pytest.approx(1.0), pytest.approx(1.3 + 2.0))
    samples, rate = read_audio(client.get(str(spoken["audio_url"])).content)
    assert not samples[: round(0.9 * rate)].any()
    assert len(samples) / rate == pytest.approx(spoken["duration"], abs=0.001)


def test_an_emotion_mark_changes_how_its_part_is_spoken(client: httpx2.Client) -> None:
    def pitch(text: str) -> list[float]:
        spoken = said(client, text=text)
        samples, rate = read_audio(client.get(str(spoken["audio_url"])).content)
        parts = [samples[round(at["start"] * rate) :][: round(0.2 * rate)] for at in spoken["segments"]]  # type: ignore[attr-defined]
        return [float(np.count_nonzero(np.diff(np.signbit(part))) / 2 / 0.2) for part in parts]

    plain, happy, again = pitch("你好。[happy 0.5]你好。[neutral]你好。")
    assert (plain, happy, again) == (pytest.approx(440, rel=0.02), pytest.approx(660, rel=0.02), pytest.approx(440, rel=0.02))


def test_a_role_is_kept_and_speaks_whenever_it_is_named(client: httpx2.Client) -> None:
    kept = client.put("/api/roles/小明", json={"emotion": "高兴", "intensity": 0.8, "speed": 2.0})
    assert kept.json() == {"name": "小明", "emotion_vector": {"happy": 0.8}, "speed": 2.0, "voice": None, **SOUND}
    assert [role["name"] for role in client.get("/api/roles").json()["roles"]] == ["小明"]
    slow = said(client, text="你好你好。")["duration"]
    fast = said(client, text="小明：你好你好。")
    assert fast["duration"] == pytest.approx(slow / 2)  # type: ignore[operator]
    own = said(client, text="小明：你好你好。", roles={"小明": {"speed": 1.0}})
    assert own["duration"] == pytest.approx(slow)
    assert client.delete("/api/roles/小明").status_code == 204
    assert client.delete("/api/roles/小明").json()["code"] == "E_NO_ROLE"


@pytest.mark.parametrize("name", ["a:b", "a%0Ab", "[x]", " x", "x" * 41, "a|b"])
def test_what_can_not_stand_before_a_colon_is_no_name_of_a_role(client: httpx2.Client, name: str) -> None:
    assert client.put(f"/api/roles/{name}", json={}).status_code == 422


@pytest.mark.parametrize(("text", "code"), [("[hapy 0.8]你好", "E_SCRIPT"), ("[sad]你好", "E_EMOTION"), ("[happy]😀", "E_TEXT")])
def test_a_script_that_can_not_be_spoken_is_refused(client: httpx2.Client, text: str, code: str) -> None:
    assert client.post("/synthesize", json={"text": text}).json()["code"] == code


def test_every_word_has_its_time_in_the_file(client: httpx2.Client) -> None:
    spoken = client.post("/synthesize", json={"text": "你好。<break 500ms>一段"}).json()
    first, second = spoken["segments"]
    assert first["words"] == []  # the engine does not know
    at = second["start"]
    assert second["words"] == [
        {"text": "一", "start": pytest.approx(at), "end": pytest.approx(at + 0.1)},
        {"text": "段", "start": pytest.approx(at + 0.1), "end": pytest.approx(at + 0.2)},
    ]
    assert client.get(f"/api/tasks/{spoken['id']}").json()["segments"] == spoken["segments"]
    by_word = client.get(f"/api/tasks/{spoken['id']}/captions", params={"by": "word", "format": "vtt"}).text
    assert [block.splitlines()[-1] for block in by_word.strip().split("\n\n")[1:]] == ["你好。", "一", "段"]


def test_captions_are_had_as_srt_and_as_webvtt(client: httpx2.Client) -> None:
    spoken = said(client, text="你好。再见。")
    srt = client.get(f"/api/tasks/{spoken['id']}/captions")
    assert srt.text == "1\n00:00:00,000 --> 00:00:00,600\n你好。\n\n2\n00:00:00,600 --> 00:00:00,900\n再见。\n"
    assert srt.headers["content-type"].startswith("application/x-subrip")
    vtt = client.get(f"/api/tasks/{spoken['id']}/captions", params={"format": "vtt"})
    assert vtt.text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.600\n你好。")
    assert client.get(f"/api/tasks/{spoken['id']}/captions", params={"format": "ass"}).status_code == 422


def test_a_task_that_was_not_spoken_has_no_captions(client: httpx2.Client) -> None:
    task = client.post("/api/tasks", json={"text": "错"}).json()
    events(client, task["id"])
    assert client.get(f"/api/tasks/{task['id']}/captions").json()["code"] == "E_NO_AUDIO"


@pytest.fixture(scope="module", params=["start", "end"])
def cued(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, httpx2.Client]]:
    folder: Path = tmp_path_factory.mktemp("cued")
    with configured_service(folder, cue=request.param) as service, service.client() as client:
        yield request.param, client


def test_by_policy_it_is_heard_that_speech_is_generated(cued: tuple[str, httpx2.Client]) -> None:
    where, client = cued
    spoken = said(client, text="你好。")
    samples, rate = read_audio(client.get(str(spoken["audio_url"])).content)
    cue = rhythm_cue(rate)
    heard = samples[: len(cue)] if where == "start" else samples[-len(cue) :]
    assert abs(heard - cue).max() < 1e-3
    at = spoken["segments"][0]  # type: ignore[index]
    assert at["start"] == pytest.approx(len(cue) / rate if where == "start" else 0, abs=0.001)
    assert spoken["duration"] == pytest.approx(len(samples) / rate, abs=0.001)


def test_a_stream_has_the_cue_too(cued: tuple[str, httpx2.Client]) -> None:
    where, client = cued
    asked = {"model": "sine", "voice": "alloy", "input": "你好。再见。", "response_format": "wav"}
    body = client.post("/v1/audio/speech", json=asked).content
    # Its header can't say how long it is.
    start = body.index(b"data") + 8
    samples, rate = read_audio(body[: start - 4] + (len(body) - start).to_bytes(4, "little") + body[start:])
    cue = rhythm_cue(rate)
    assert abs((samples[: len(cue)] if where == "start" else samples[-len(cue) :]) - cue).max() < 1e-3
