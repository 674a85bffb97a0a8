"""What is asked of an engine reaches it, whichever way it was asked. `able` in the folder: the tests' engine follows all of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.speaking import clip_of
from indextts_hub import Hub
from tests.synth.service.conftest import RunningService, configured_service
from tests.synth.service.test_batches import over
from tests.synth.service.test_voices import clip, keep

PLAIN = {
    "emotion": [0.0] * 8, "speed": 1.0, "seed": 0, "voice": None, "emotion_voice": None, "emotion_text": None, "intensity": 1.0,
    "pitch": 0.0, "volume": 0.0, "language": "",
    "sampling": dict.fromkeys(
        ("temperature", "top_p", "top_k", "num_beams", "repetition_penalty", "length_penalty", "max_mel_tokens")
    ),
}  # fmt: skip
SOUND = {"pitch": -3.5, "volume": 6.0, "language": "en", "sampling": {"temperature": 0.7, "top_k": 5}, "seed": 4}
HEARD = {**SOUND, "sampling": {**PLAIN["sampling"], "temperature": 0.7, "top_k": 5}}  # type: ignore[dict-item]


@pytest.fixture(scope="module")
def able(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("able")
    (folder / "able").touch()
    (folder / "clones").touch()
    with configured_service(folder) as running:
        yield running


@pytest.fixture
def client(able: RunningService) -> Iterator[httpx2.Client]:
    (able.folder / "told").unlink(missing_ok=True)
    with able.client() as opened:
        yield opened


def told(service: RunningService) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (service.folder / "told").read_text().splitlines()]


def voice(client: httpx2.Client) -> str:
    return str(keep(client, clip()).json()["id"])


def test_the_list_of_versions_tells_what_each_follows(client: httpx2.Client) -> None:
    client.post("/synthesize", json={"text": "好"}).raise_for_status()
    (version,) = client.get("/readyz").json()
    assert version["controls"] == ["pitch", "volume", "emotion_voice", "emotion_text", "temperature", "top_k"]
    assert version["languages"] == ["zh", "en"]


def test_what_is_not_asked_for_is_left_to_the_engine(client: httpx2.Client, able: RunningService) -> None:
    client.post("/synthesize", json={"text": "好"}).raise_for_status()
    assert told(able) == [{"text": "好", **PLAIN}]


def test_sound_language_and_sampling_reach_the_engine_and_stand_in_the_history(client: httpx2.Client, able: RunningService) -> None:
    spoken = client.post("/synthesize", json={"text": "好", **SOUND}).json()
    assert told(able) == [{"text": "好", **PLAIN, **HEARD}]
    settings = client.get(f"/api/tasks/{spoken['id']}").json()["settings"]
    assert {name: settings[name] for name in SOUND} == SOUND


def test_a_mood_from_a_voice_is_its_clip_and_the_intensity(client: httpx2.Client, able: RunningService) -> None:
    id_ = voice(client)
    asked = {"text": "好", "emotion_voice": id_, "intensity": 0.6, "voice": id_}
    spoken = client.post("/synthesize", json=asked).json()
    (heard,) = told(able)
    assert heard["emotion_voice"] == heard["voice"] == str(able.folder / "voices" / f"{id_}.wav")
    assert heard["intensity"] == 0.6
    client.delete(f"/api/voices/{id_}").raise_for_status()
    kept = client.get(f"/api/tasks/{spoken['id']}").text
    assert id_ not in kept
    assert client.post("/synthesize", json=asked).json()["code"] == "E_VOICE"


def test_a_mood_from_a_text_holds_until_a_mark_says_otherwise(client: httpx2.Client, able: RunningService) -> None:
    client.post("/synthesize", json={"text": "好。[happy 0.8]很好。", "emotion_text": "今天真高兴"}).raise_for_status()
    first, second = told(able)
    assert (first["emotion_text"], first["intensity"], first["emotion"]) == ("今天真高兴", 0.5, [0.0] * 8)
    assert (second["emotion_text"], second["emotion"][0]) == (None, 0.8)


@pytest.mark.parametrize(
    "two",
    [
        {"emotion": "happy", "emotion_text": "高兴"},
        {"emotion_vector": {"happy": 0.5}, "emotion_voice": "voice_1"},
        {"emotion_voice": "voice_1", "emotion_text": "高兴"},
    ],
)
def test_two_ways_to_give_an_emotion_are_refused(client: httpx2.Client, two: dict[str, object]) -> None:
    answer = client.post("/synthesize", json={"text": "好", **two})
    assert (answer.status_code, answer.json()["code"]) == (422, "E_EMOTION")


def test_a_task_and_a_batch_speak_as_a_request_does(client: httpx2.Client, able: RunningService) -> None:
    client.post("/api/tasks", json={"text": "好", **SOUND}).raise_for_status()
    lines = '{"text": "你", "pitch": 2}\n{"text": "他", "emotion_text": "难过"}'
    ask = {"text": "", **SOUND, "emotion": "happy"}
    batch = client.post("/api/batches", json={"form": "jsonl", "content": lines, "ask": ask}).json()
    assert over(client, batch["id"])["states"]["done"] == 2
    by_text = {heard.pop("text"): heard for heard in told(able)}
    happy = {"emotion": [0.5, *[0.0] * 7]}
    assert by_text["好"] == {**PLAIN, **HEARD}
    assert by_text["你"] == {**PLAIN, **HEARD, **happy, "pitch": 2.0}
    assert by_text["他"] == {**PLAIN, **HEARD, "emotion_text": "难过", "intensity": 0.5}


def test_openai_s_request_takes_the_same_keys(client: httpx2.Client, able: RunningService) -> None:
    asked = {"model": "tts-1", "input": "好", "emotion_text": "今天真高兴", "intensity": 1, **SOUND}
    client.post("/v1/audio/speech", json=asked).raise_for_status()
    assert told(able) == [{"text": "好", **PLAIN, **HEARD, "emotion_text": "今天真高兴"}]


def test_a_role_has_a_pitch_and_a_volume(client: httpx2.Client, able: RunningService) -> None:
    kept = client.put("/api/roles/小红", json={"pitch": 4, "volume": -2}).json()
    assert (kept["pitch"], kept["volume"]) == (4, -2)
    client.post("/synthesize", json={"text": "小红：好。\n不好。", "pitch": 1.0}).raise_for_status()
    assert [(heard["pitch"], heard["volume"]) for heard in told(able)] == [(4.0, -2.0), (1.0, 0.0)]


def test_say_asks_a_service_for_all_of_it(client: httpx2.Client, able: RunningService, tmp_path: Path) -> None:
    from tests.synth.service.test_commands import command

    environment = {"INDEXTTS_HUB_SERVER": able.address}
    options = ["--pitch", "-3.5", "--volume", "6", "--language", "en", "--sampling", "temperature=0.7", "--sampling", "top_k=5"]
    done = command("say", "好", "-o", "a.wav", "--emotion-text", "高兴", *options, environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert told(able) == [{"text": "好", **PLAIN, **HEARD, "seed": 0, "emotion_text": "高兴", "intensity": 0.5}]
    wrong = command("say", "好", "-o", "a.wav", "--sampling", "top_k=many", environment=environment, folder=tmp_path)
    assert (wrong.returncode, "E_CONTROL" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("name", ["auto", "自动"])
def test_by_itself_each_sentence_is_felt_as_its_words_suggest(client: httpx2.Client, able: RunningService, name: str) -> None:
    text = "太好了，我真高兴！桌子在门边。真让人难过。[happy 0.2]桌子。"
    spoken = client.post("/synthesize", json={"text": text, "emotion": name}).json()
    glad, plain, sad, marked = (heard["emotion"] for heard in told(able))
    assert glad[0] > 0.4
    assert plain == [0.0] * 8
    # What the engine can't feel is not suggested, and what a mark says holds.
    assert sad == [0.0] * 8
    assert marked[0] == 0.2
    assert client.get(f"/api/tasks/{spoken['id']}").json()["emotion"] == "auto"


def test_segments_are_as_short_as_is_asked_for(client: httpx2.Client, able: RunningService) -> None:
    text = "今天天气真的很好，我们一起去公园散步。"
    spoken = client.post("/synthesize", json={"text": text, "segment_length": 10}).json()
    assert [len(heard["text"]) <= 10 for heard in told(able)] == [True] * len(spoken["segments"])
    assert len(spoken["segments"]) > len(client.post("/synthesize", json={"text": text}).json()["segments"])
    assert client.post("/synthesize", json={"text": text, "segment_length": 5}).status_code == 422


def test_without_a_service_a_kept_voice_is_found_in_its_store(tmp_path: Path) -> None:
    store = Hub(tmp_path / "cache_hub").store.root
    (store / "voices").mkdir(parents=True)
    kept = store / "voices" / "voice_0123abcd.wav"
    kept.touch()
    assert clip_of("voice_0123abcd", tmp_path / "cache_hub") == str(kept)
    assert clip_of(str(kept), tmp_path / "cache_hub") == str(kept)
    for other in ("voice_ffff", "../voices/voice_0123abcd", None):
        assert clip_of(other, tmp_path / "cache_hub") == other
