"""`serve` and `say` as a person runs them, with the real version."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import soundfile

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(lite_snapshot: Path, tmp_path: Path) -> dict[str, str]:
    """A store that has lite, and no service: nothing listens on the port that `say` would ask."""
    cache = lite_snapshot.parents[2]
    return {**os.environ, "INDEXTTS_HUB_CACHE": str(cache), "INDEXTTS_HUB_SERVER": "http://127.0.0.1:9", "HOME": str(tmp_path)}


def command(*arguments: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        check=False,
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@contextmanager
def serving(environment: dict[str, str], folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--model", "lite"],
        env={**environment, "INDEXTTS_HUB_DATABASE_URL": f"sqlite:///{folder / 'hub.sqlite3'}"},
        cwd=folder, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1], process
        finally:
            process.terminate()


def test_a_text_is_spoken_into_a_file_by_a_worker_of_its_own(environment: dict[str, str], tmp_path: Path) -> None:
    done = command("say", "欢迎使用语音合成服务", "-o", "hello.wav", environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hello.wav: ")
    found = soundfile.info(tmp_path / "hello.wav")
    assert (found.samplerate, found.channels) == (24_000, 1)
    assert 1.5 < found.duration < 5


def test_a_running_service_is_used(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, tmp_path) as (address, _):
        asking = {**environment, "INDEXTTS_HUB_SERVER": address}
        done = command("say", "你好", "-o", "hello.flac", "--json", environment=asking, folder=tmp_path)
        said = json.loads(done.stdout)
        assert (said["by"], said["format"], said["model"]["version"]) == ("service", "flac", "lite")
        assert soundfile.info(tmp_path / "hello.flac").duration == pytest.approx(said["duration"], abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["😀"], 2),
        (["你好", "-o", "hello.xyz"], 2),
        (["你好", "--emotion", "bored"], 2),
        (["你好", "--model", "nothing"], 3),
        (["你好", "-o", "no/such/folder/hello.wav"], 6),
    ],
)
def test_what_can_not_be_spoken_is_two_lines_and_a_code(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], code: int
) -> None:
    done = command("say", *arguments, environment=environment, folder=tmp_path)
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert list(tmp_path.glob("*.wav")) == []


def test_a_taken_port_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command("serve", "--port", port, environment=environment, folder=tmp_path)
    assert done.returncode == 2
    assert port in done.stderr.splitlines()[0]
    assert len(done.stderr.splitlines()) == 2


def test_the_service_ends_when_it_is_told_to_and_leaves_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, tmp_path) as (_, process):
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        assert not Path(f"/proc/{process.pid}").exists()


def test_weights_that_change_on_the_disk_change_no_speech_and_are_refused_when_they_are_loaded_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """A07, S24: written over in place and cut short, as no hub would do."""
    cache = tmp_path / "cache_hub"
    shutil.copytree(environment["INDEXTTS_HUB_CACHE"], cache, ignore=shutil.ignore_patterns("*.sqlite3*", "locks"))
    (cache / "locks").mkdir()
    asked = {"text": "你好", "format": "wav"}
    with (
        serving({**environment, "INDEXTTS_HUB_CACHE": str(cache)}, tmp_path) as (address, process),
        httpx2.Client(base_url=address, timeout=60, trust_env=False) as client,
    ):
        wait_until(lambda: client.get("/readyz").status_code == 200)
        before = client.post("/synthesize", json=asked, headers={"Accept": "audio/wav"})
        assert before.status_code == 200
        weights = next((cache / "versions" / "lite").rglob("mb_melgan.tflite"))
        weights.chmod(0o644)
        weights.write_bytes(b"\0" * 1000)
        after = client.post("/synthesize", json=asked, headers={"Accept": "audio/wav"})
        assert speech(after.content) == speech(before.content)
        for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        wait_until(lambda: client.get("/readyz").json()[0]["state"] == "failing")
        assert "mb_melgan.tflite" in client.get("/readyz").json()[0]["trouble"]
        refused = client.post("/synthesize", json=asked)
        assert refused.status_code == 503
        cache.rename(tmp_path / "taken away")
        assert (client.get("/readyz").status_code, client.get("/readyz").json()[0]["state"]) == (503, "unreached")
        assert "Retry-After" in refused.headers


def speech(wav: bytes) -> bytes:
    """The samples, without the labels, which name the task."""
    samples, _ = soundfile.read(io.BytesIO(wav), dtype="int16")
    return bytes(samples.tobytes())


def wait_until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not so():
        assert time.monotonic() < deadline
        time.sleep(0.1)
