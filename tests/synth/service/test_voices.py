"""Voices are kept with a consent, checked before they are decoded, and gone with all traces when they are deleted."""

import io
import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import openai
import pytest
import soundfile

from indextts_hub.audit import AuditLog
from tests.synth.audio.voices import tone
from tests.synth.service.conftest import RunningService, configured_service

PERSON = {"name": "旁白", "person": "王小明", "statement": "我同意用我的声音合成语音。", "language": "zh-CN"}


def clip(form: str = "WAV", seconds: float = 2.0, rate: int = 24_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(rate, seconds), rate, format=form)
    return file.getvalue()


@pytest.fixture(scope="module")
def cloning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("cloning")
    (folder / "clones").touch()
    with configured_service(folder) as running:
        yield running


@pytest.fixture
def client(cloning: RunningService) -> Iterator[httpx2.Client]:
    with cloning.client() as opened:
        yield opened


def keep(client: httpx2.Client, body: bytes, **changes: str) -> httpx2.Response:
    return client.post("/api/voices", data={**PERSON, **changes}, files={"clip": ("../../etc/passwd", body, "audio/wav")})


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3", "OGG"])
def test_a_clip_is_kept_with_its_consent_and_spoken_with(client: httpx2.Client, cloning: RunningService, form: str) -> None:
    kept = keep(client, clip(form))
    assert kept.status_code == 201, kept.text
    voice = kept.json()
    assert (voice["name"], voice["sample_rate"]) == ("旁白", 24_000)
    assert voice["seconds"] == pytest.approx(2, abs=0.1)
    assert voice in client.get("/api/voices").json()["voices"]
    consent = next(found for found in client.get("/api/consents").json()["consents"] if found["id"] == voice["consent"])
    assert (consent["name"], consent["statement"], consent["recorded"]) == (PERSON["person"], PERSON["statement"], False)
    # What is kept is decoded sound in a file of our own naming.
    assert {path.name for path in (cloning.folder / "voices").iterdir()} >= {f"{voice['id']}.wav"}
    with wave.open(io.BytesIO(client.get(f"/api/voices/{voice['id']}/clip").content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
    spoken = client.post("/synthesize", json={"text": "你好", "voice": voice["id"]})
    assert spoken.status_code == 200
    assert client.get(f"/api/tasks/{spoken.json()['id']}").json()["voice"] == voice["id"]


def test_a_deleted_voice_is_gone_with_its_traces(client: httpx2.Client, cloning: RunningService) -> None:
    voice = keep(client, clip()).json()["id"]
    client.put("/api/roles/甲", json={"voice": voice})
    task = client.post("/synthesize", json={"text": "你好", "voice": voice}).json()["id"]
    assert client.delete(f"/api/voices/{voice}").status_code == 204
    assert client.delete(f"/api/voices/{voice}").json()["code"] == "E_NO_VOICE"
    assert not (cloning.folder / "voices" / f"{voice}.wav").exists()
    assert client.get(f"/api/tasks/{task}").json()["voice"] is None
    assert next(role for role in client.get("/api/roles").json()["roles"] if role["name"] == "甲")["voice"] is None
    assert client.post("/synthesize", json={"text": "你好", "voice": voice}).json()["code"] == "E_VOICE"
    acts = [(event.act, event.subject) for event in AuditLog(cloning.folder / "audit").events()]
    assert ("voice add", voice) in acts
    assert ("voice delete", voice) in acts


def test_a_withdrawn_consent_takes_every_voice_under_it_along(client: httpx2.Client, cloning: RunningService) -> None:
    voice = keep(client, clip()).json()
    assert client.delete(f"/api/consents/{voice['consent']}").status_code == 204
    assert voice["id"] not in {kept["id"] for kept in client.get("/api/voices").json()["voices"]}
    assert not (cloning.folder / "voices" / f"{voice['id']}.wav").exists()


def riff(fmt: bytes, sound: bytes, size: int | None = None, data_size: int | None = None) -> bytes:
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt
    body += b"data" + struct.pack("<I", len(sound) if data_size is None else data_size) + sound
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


PCM = struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 2, 16)
SECOND = bytes(48_000)
HOSTILE = {
    "lying RIFF size": riff(PCM, SECOND, size=10),
    "2^31 frames": riff(PCM, SECOND, data_size=2**31),
    "ADPCM": riff(struct.pack("<HHIIHH", 2, 1, 24_000, 48_000, 2, 16), SECOND),
    "NaN": riff(struct.pack("<HHIIHH", 3, 1, 24_000, 96_000, 4, 32), np.full(24_000, np.nan, "<f4").tobytes()),
    "0 Hz": riff(struct.pack("<HHIIHH", 1, 1, 0, 0, 2, 16), SECOND),
    "65,535 channels": riff(struct.pack("<HHIIHH", 1, 65_535, 24_000, 24_000 * 131_070 % 2**32, 65_534, 16), SECOND),
    "a script behind the sound": riff(PCM, SECOND) + b"<script>alert(1)</script>",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "nothing": b"",
    "a FLAC header and noise": b"fLaC\x00\x00\x00\x22"
    + bytes(10)
    + (24_000 << 44 | 1 << 36 | 24_000).to_bytes(8, "big")
    + bytes(5000),
    "too short": clip(seconds=0.3),
    "too long": clip("FLAC", seconds=61.0, rate=8000),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_clip_is_refused_and_nothing_of_it_is_kept(client: httpx2.Client, cloning: RunningService, what: str) -> None:
    """A02."""
    before = client.get("/api/consents").json()
    answer = keep(client, HOSTILE[what])
    assert (answer.status_code, answer.json()["code"]) == (422, "E_AUDIO")
    assert client.get("/api/consents").json() == before
    assert client.post("/synthesize", json={"text": "你好"}).status_code == 200


def test_an_upload_that_is_too_large_is_413(client: httpx2.Client) -> None:
    """A01."""
    assert keep(client, bytes(22 * 2**20)).status_code == 413


def test_ten_thousand_parts_are_refused(client: httpx2.Client) -> None:
    """A01."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    answer = client.post(
        "/api/voices", content=part * 10_000 + b"--x--", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("missing", ["person", "statement", "name"])
def test_without_a_consent_no_voice_is_kept(client: httpx2.Client, missing: str) -> None:
    assert keep(client, clip(), **{missing: ""}).status_code == 422
    assert keep(client, clip(), **{missing: "   "}).status_code == 422


def test_openais_client_keeps_and_deletes_voices(cloning: RunningService, client: httpx2.Client) -> None:
    theirs: Any = openai.OpenAI(base_url=f"{cloning.address}/v1", api_key="none", max_retries=0)
    consent = theirs.audio.voice_consents.create(language="zh-CN", name="王小明", recording=("c.wav", clip(), "audio/wav"))
    assert (consent.object, consent.language) == ("audio.voice_consent", "zh-CN")
    assert theirs.audio.voice_consents.retrieve(consent.id).name == "王小明"
    assert theirs.audio.voice_consents.update(consent.id, name="王大明").name == "王大明"
    assert consent.id in [found.id for found in theirs.audio.voice_consents.list(limit=1)]
    voice = theirs.audio.voices.create(name="旁白", consent=consent.id, audio_sample=("v.wav", clip(), "audio/wav"))
    assert (voice.object, voice.type) == ("audio.voice", "audio_sample")
    assert voice.id in {found["id"] for found in client.get("/v1/audio/voices").json()["voices"]}
    spoken = theirs.audio.speech.create(model="sine", voice={"id": voice.id}, input="你好", response_format="wav")
    assert spoken.read()[:4] == b"RIFF"
    deleted = theirs.audio.voices.delete(voice.id)
    assert (deleted.object, deleted.deleted) == ("audio.voice.deleted", True)
    with pytest.raises(openai.NotFoundError):
        theirs.audio.voices.delete(voice.id)
    with pytest.raises(openai.BadRequestError):
        theirs.audio.voices.create(name="x", prompt="a deep voice", type="prompt")
    assert theirs.audio.voice_consents.delete(consent.id).deleted


def test_an_engine_that_can_not_clone_says_so(tmp_path: Path) -> None:
    with configured_service(tmp_path) as service, service.client() as client:
        voice = keep(client, clip()).json()["id"]
        refused = client.post("/synthesize", json={"text": "你好", "voice": voice}).json()
        assert "own voice" in refused["title"]
