"""IndexTTS 2.5 and 2 through the hub and the service: pulled from a mirror, spoken by the command and over HTTP."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from synth.environments import ENGINES
from tests.synth.audio.voices import tone
from tests.synth.engines.environments import Tried, tried, tried_engine

__all__ = ["tried"]

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.timeout(900)]

PROGRAM = str(Path(sys.executable).with_name("indextts-hub"))
TEXT = "今天天气很好。我们一起去公园散步吧。"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "clip.wav"
    soundfile.write(path, tone(24_000, 3.0), 24_000)
    return str(path)


@pytest.fixture(scope="module")
def mood(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "mood.wav"
    wave = tone(24_000, 3.0) * np.linspace(0.2, 1, 72_000, dtype=np.float32)
    soundfile.write(path, wave, 24_000)
    return str(path)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, tried: Tried) -> Path:
    return stock(tmp_path_factory.mktemp("stocked"), [tried])


def stock(folder: Path, engines: Sequence[Tried]) -> Path:
    """A store that has the generated weights as their versions, pulled from a mirror, and their engines."""
    mirrors = "".join(f"  usb-{each.version}: {{kind: file, base: '{each.weights}'}}\n" for each in engines)
    versions = "".join(
        f"  {each.version}:\n    title: t\n    engine: {each.engine}\n    license: {{name: bilibili}}\n"
        f"    sources: [{{mirror: usb-{each.version}}}]\n    files:\n{listed(each.weights)}"
        for each in engines
    )
    (folder / "mirrors.yaml").write_text(f"schema: 1\nmirrors:\n{mirrors}versions:\n{versions}")
    hub = Hub(folder / "cache_hub", folder / "mirrors.yaml")
    hub.store.engines.mkdir()
    for each in engines:
        hub.pull(each.version, PullOptions())
        (hub.store.engines / each.engine).symlink_to(each.engines / each.engine, target_is_directory=True)
    return folder


def listed(weights: Path) -> str:
    return "".join(
        f"      - {{path: {path.relative_to(weights).as_posix()}, size: {path.stat().st_size}, "
        f"sha256: {hashlib.sha256(path.read_bytes()).hexdigest()}}}\n"
        for path in sorted(weights.rglob("*"))
        if path.is_file()
    )


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "INDEXTTS_HUB_CACHE": str(folder / "cache_hub"),
        "INDEXTTS_HUB_CATALOG": str(folder / "mirrors.yaml"),
        "INDEXTTS_HUB_SERVER": "http://127.0.0.1:9",
    }


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], env=environment(folder), cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


@contextmanager
def serving(folder: Path, *versions: str) -> Iterator[httpx2.Client]:
    command = [PROGRAM, "serve", "--port", "0", *(word for version in versions for word in ("--model", version))]
    with subprocess.Popen(command, env=environment(folder), cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with httpx2.Client(base_url=process.stdout.readline().split()[-1], timeout=300, trust_env=False) as client:
                end = time.monotonic() + 300
                while client.get("/readyz").status_code != 200:
                    assert time.monotonic() < end
                    time.sleep(0.2)
                yield client
        finally:
            process.terminate()


def kept_voice(client: httpx2.Client, clip: str) -> str:
    form = {"name": "test", "person": "me", "statement": "I agree.", "language": "en"}
    with Path(clip).open("rb") as file:
        answer = client.post("/api/voices", data=form, files={"clip": ("clip.wav", file, "audio/wav")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def said(client: httpx2.Client, **asked: object) -> bytes:
    """The audio of a request, without what names it; a version that is being loaded is waited for."""
    end = time.monotonic() + 300
    while True:
        answer = client.post("/synthesize", json={"text": TEXT, "format": "pcm", **asked}, headers={"Accept": "audio/*"})
        if answer.status_code != 503 or time.monotonic() > end:
            break
        time.sleep(1)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_sentence_is_spoken_by_the_command(stocked: Path, tried: Tried, clip: str) -> None:
    done = run(stocked, "say", "你好", "--model", tried.version, "--voice", clip, "--emotion", "高兴", "-o", "hello.wav")
    assert done.returncode == 0, done.stderr
    found = soundfile.info(stocked / "hello.wav")
    assert (found.samplerate, found.channels) == (22_050, 1)
    assert found.duration > 0.5
    refused = run(stocked, "say", "你好", "--model", tried.version)
    assert (refused.returncode, "error[E_VOICE]" in refused.stderr, "Traceback" in refused.stderr) == (2, True, False)


def test_over_http_it_speaks_streams_feels_and_survives(stocked: Path, tried: Tried, clip: str, mood: str) -> None:
    with serving(stocked, tried.version) as client:
        voice, other = kept_voice(client, clip), kept_voice(client, mood)
        plain = said(client, voice=voice, seed=5)
        # The same again over OpenAI's way of asking, piece by piece.
        openai = {"model": tried.version, "voice": voice, "input": TEXT, "response_format": "pcm", "seed": 5}
        with client.stream("POST", "/v1/audio/speech", json=openai) as stream:
            assert stream.status_code == 200, stream.read()
            assert b"".join(stream.iter_raw()) == plain
        # What reaches the network is seen elsewhere: a random one need not sound otherwise for it.
        for how in (
            {"emotion": "sad", "intensity": 0.7},
            {"emotion_vector": {"happy": 0.5, "surprised": 0.3}},
            {"emotion_voice": other, "intensity": 0.6},
            {"emotion": "auto", "sampling": {"temperature": 0.5, "top_k": 5}},
        ):
            assert len(said(client, voice=voice, seed=5, **how)) > 22_050
        assert said(client, voice=voice, seed=5, volume=-6.0) != plain
        by_text = client.post("/synthesize", json={"text": "好", "voice": voice, "emotion_text": "我很难过"})
        assert by_text.status_code == (200 if tried.engine == "indextts2" else 422)
        refused = client.post("/synthesize", json={"text": TEXT})
        assert (refused.status_code, refused.json()["code"]) == (422, "E_VOICE")
        # A worker that is killed is replaced, and the task is spoken all the same.
        pids = subprocess.run(
            ["pgrep", "-f", f"synth.worker.main.*{stocked}"], capture_output=True, text=True, check=True
        ).stdout.split()
        os.kill(int(pids[0]), signal.SIGKILL)
        assert said(client, voice=voice, seed=5) == plain
        # A task is cancelled between two segments.
        task = client.post("/api/tasks", json={"text": "今天天气很好。" * 40, "voice": voice}).json()["id"]
        time.sleep(1)
        client.post(f"/api/tasks/{task}/cancel").raise_for_status()
        end = time.monotonic() + 120
        while (status := client.get(f"/api/tasks/{task}").json()["status"]) not in {"cancelled", "done"}:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert status == "cancelled"


def test_a_file_that_was_changed_or_lost_does_not_speak(stocked: Path, tried: Tried, tmp_path: Path, clip: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(stocked / "cache_hub", broken / "cache_hub", symlinks=True, ignore=shutil.ignore_patterns("locks"))
    (broken / "cache_hub" / "locks").mkdir()
    shutil.copy(stocked / "mirrors.yaml", broken)
    file = next((broken / "cache_hub" / "versions").rglob("gpt.pth"))
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    for written, code in ((bytes(body), "E_INTEGRITY"), (None, "E_")):
        file.chmod(0o644)
        file.unlink()
        if written is not None:
            file.write_bytes(written)
        done = run(broken, "say", "你好", "--model", tried.version, "--voice", clip)
        assert done.returncode in {3, 4}, done.stderr
        assert code in done.stderr
        assert "gpt.pth" in done.stderr
        assert not (broken / "speech.wav").exists()


def test_the_engine_is_listed_checked_and_missed(stocked: Path, tried: Tried, tmp_path: Path) -> None:
    rows = {row["engine"]: row["installed"] for row in json.loads(run(stocked, "engine", "list", "--json").stdout)}
    assert rows == {name: name in {"fastspeech2", tried.engine} for name in ENGINES}
    checked = run(stocked, "engine", "check", tried.engine, "--json")
    assert checked.returncode == 0, checked.stderr
    assert "transformers" in json.loads(checked.stdout)["packages"]
    bare = tmp_path / "bare"
    shutil.copytree(stocked / "cache_hub", bare / "cache_hub", symlinks=True, ignore=shutil.ignore_patterns("engines", "locks"))
    (bare / "cache_hub" / "locks").mkdir()
    shutil.copy(stocked / "mirrors.yaml", bare)
    done = run(bare, "say", "你好", "--model", tried.version)
    assert done.returncode == 3
    assert "error[E_NO_ENVIRONMENT]" in done.stderr
    assert f"engine install {tried.engine}" in done.stderr


def test_two_versions_speak_at_once_each_from_its_own_environment(tried: Tried, tmp_path: Path, clip: str) -> None:
    if tried.engine != "indextts2":
        pytest.skip("it is tried once, where both engines are")
    folder = stock(tmp_path, [tried, tried_engine("indextts25")])
    with serving(folder, "v23", "v25") as client, ThreadPoolExecutor() as threads:
        voice = kept_voice(client, clip)
        alone = [said(client, voice=voice, model=version, seed=1) for version in ("v23", "v25")]
        both = threads.map(lambda version: said(client, voice=voice, model=version, seed=1), ("v23", "v25"))
        assert list(both) == alone
        assert alone[0] != alone[1]
