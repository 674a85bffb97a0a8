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


def test_captions_are_written_beside_the_speech(environment: dict[str, str], tmp_path: Path) -> None:
    text = "你好。<break 1s>[happy 0.8]再见！"
    for name in ("a.srt", "a.vtt"):
        done = command("say", text, "-o", "a.wav", "--captions", name, environment=environment, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    srt = (tmp_path / "a.srt").read_text("utf-8")
    assert srt.startswith("1\n00:00:00,000 --> ")
    assert "\n再见!\n" in srt.replace("！", "!")
    assert (tmp_path / "a.vtt").read_text("utf-8").startswith("WEBVTT\n")
    wrong = command("say", text, "--captions", "a.txt", environment=environment, folder=tmp_path)
    assert (wrong.returncode, wrong.stderr.startswith("error[E_FORMAT]")) == (2, True)


def test_captions_by_the_word_are_the_same_from_a_worker_and_from_a_service(environment: dict[str, str], tmp_path: Path) -> None:
    text = "你好。<break 1s>再见了。"

    def written(environment: dict[str, str], *by: str) -> str:
        done = command("say", text, "-o", "a.wav", "--captions", "a.srt", *by, environment=environment, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return (tmp_path / "a.srt").read_text("utf-8")

    alone, by_segment = written(environment, "--captions-by", "word"), written(environment)
    assert [cue.splitlines()[2] for cue in alone.split("\n\n")] == list("你好再见了")
    assert written(environment, "--captions-by", "segment") == by_segment
    with serving(environment, tmp_path) as (address, _):
        asking = {**environment, "INDEXTTS_HUB_SERVER": address}
        assert written(asking, "--captions-by", "word") == alone
        assert written(asking) == by_segment


def test_a_files_label_leads_to_its_task_and_its_event(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, tmp_path) as (address, _):
        asking = {
            **environment,
            "INDEXTTS_HUB_SERVER": address,
            "INDEXTTS_HUB_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.sqlite3'}",
        }
        assert command("say", "从哪里来", "-o", "a.mp3", environment=asking, folder=tmp_path).returncode == 0
        found = json.loads(command("whence", "a.mp3", "--json", environment=asking, folder=tmp_path).stdout)
    assert (found["version"], found["text"], found["generated"], found["same_bytes"]) == ("lite", "从哪里来", True, True)
    assert len(found["digest"]) == 64
    with (tmp_path / "a.mp3").open("ab") as file:
        file.write(b"x")
    changed = json.loads(command("whence", "a.mp3", "--json", environment=asking, folder=tmp_path).stdout)
    assert (changed["task"], changed["same_bytes"]) == (found["task"], False)
    soundfile.write(tmp_path / "b.wav", [0.0] * 100, 24_000)
    nothing = command("whence", "b.wav", environment=asking, folder=tmp_path)
    assert (nothing.returncode, nothing.stderr.startswith("error[E_NO_LABEL]")) == (3, True)


def test_a_batch_is_spoken_line_by_line_and_goes_on_where_it_stopped(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "lines.csv").write_bytes("text,name,emotion\n你好。,hello,高兴\n再见。,,\n".encode("gb18030"))
    first = command("batch", "lines.csv", "--json", environment=environment, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert [(line["file"], line["before"]) for line in json.loads(first.stdout)["lines"]] == [
        ("hello.wav", False),
        ("00002.wav", False),
    ]
    folder = tmp_path / "lines"
    assert {path.name for path in folder.iterdir()} == {
        "hello.wav", "hello.srt", "00002.wav", "00002.srt", "all.srt", "batch.jsonl"
    }  # fmt: skip
    assert (folder / "all.srt").read_text("utf-8").count("-->") == 2
    # One file was damaged, and the journal's last line was cut off by a power cut: just those are spoken again.
    (folder / "hello.wav").write_bytes(b"damaged")
    with (folder / "batch.jsonl").open("ab") as journal:
        journal.write(b'{"asked": "')
    again = command("batch", "lines.csv", "--json", environment=environment, folder=tmp_path)
    assert [line["before"] for line in json.loads(again.stdout)["lines"]] == [False, True]
    assert soundfile.info(folder / "hello.wav").samplerate == 24_000
    third = command("batch", "lines.csv", "--json", environment=environment, folder=tmp_path)
    assert [line["before"] for line in json.loads(third.stdout)["lines"]] == [True, True]
    louder = command("batch", "lines.csv", "--json", "--speed", "1.5", environment=environment, folder=tmp_path)
    assert [line["before"] for line in json.loads(louder.stdout)["lines"]] == [False, False]


def test_the_cues_of_an_srt_are_joined_at_their_times(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "film.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\n你好。\n\n2\n00:00:05,000 --> 00:00:06,000\n再见。\n", "utf-8"
    )
    done = command("batch", "film.srt", "-o", "out", "--join", environment=environment, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    samples, rate = soundfile.read(tmp_path / "out" / "all.wav")
    assert not samples[: int(0.99 * rate)].any()
    assert abs(samples[rate : 2 * rate]).max() > 0.05
    assert not samples[3 * rate : int(4.99 * rate)].any()
    assert abs(samples[5 * rate : 6 * rate]).max() > 0.05
    captions = (tmp_path / "out" / "all.srt").read_text("utf-8")
    assert "00:00:01,000 --> " in captions
    assert "00:00:05,000 --> " in captions


def test_an_alias_that_is_moved_is_followed_by_a_running_service(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, tmp_path) as (address, _):
        wanted = {"text": "你好", "model": "a-new-name"}
        assert httpx2.post(f"{address}/synthesize", json=wanted, timeout=30).status_code == 404
        assert command("alias", "set", "a-new-name", "lite", environment=environment, folder=tmp_path).returncode == 0
        deadline = time.monotonic() + 10
        while httpx2.post(f"{address}/synthesize", json=wanted, timeout=30).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert command("alias", "rm", "a-new-name", environment=environment, folder=tmp_path).returncode == 0


def test_a_setting_that_can_not_be_meant_is_named(environment: dict[str, str], tmp_path: Path) -> None:
    for wrong in (["--cue", "loud"], ["--memory", "much"], ["--limit-requests", "many"], ["--log-format", "xml"]):
        done = command("serve", "--port", "0", *wrong, environment=environment, folder=tmp_path)
        assert done.returncode == 2, wrong
        assert done.stderr.startswith("error[E_"), done.stderr


def test_what_is_served_and_what_it_spoke_stands_in_the_audit_log(environment: dict[str, str], tmp_path: Path) -> None:
    # A store of its own: the one that all tests share is older than some of the log's rules.
    shared, environment = environment["INDEXTTS_HUB_CACHE"], {**environment, "INDEXTTS_HUB_CACHE": str(tmp_path / "cache_hub")}
    found_at = command("path", "lite", environment={**environment, "INDEXTTS_HUB_CACHE": shared}, folder=tmp_path).stdout.strip()
    assert command("adopt", "lite", found_at, environment=environment, folder=tmp_path).returncode == 0

    def events() -> list[dict[str, object]]:
        lines = command("audit", "log", "--json", environment=environment, folder=tmp_path).stdout.splitlines()
        return [json.loads(line) for line in lines]

    before = len(events())
    with serving(environment, tmp_path) as (address, _):
        spoken = httpx2.post(f"{address}/synthesize", json={"text": "你好"}, timeout=60).json()
    found = events()[before:]
    assert any(event["act"] == "serve" and str(event["subject"]).startswith("lite@sha256:") for event in found)
    assert any(event["act"] == "speak" and event["details"]["task"] == spoken["id"] for event in found)  # type: ignore[index]
    assert command("audit", "verify", environment=environment, folder=tmp_path).returncode == 0


def test_the_log_for_programs_has_a_line_an_answer_and_no_texts(environment: dict[str, str], tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--model", "lite", "--log-format", "json"]
    surroundings = {**environment, "INDEXTTS_HUB_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.sqlite3'}"}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(asked, env=surroundings, cwd=tmp_path, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        spoken = httpx2.post(
            f"{address}/synthesize?secret=1",
            json={"text": "一个秘密"},
            headers={"Accept": "audio/wav", "X-Request-Id": "mine"},
            timeout=60,
        )
        process.terminate()
        process.wait(60)
    text = (tmp_path / "log").read_text("utf-8")
    assert "秘密" not in text
    assert "secret" not in text
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    answer = next(line for line in lines if line.get("request") == "mine")
    assert (answer["method"], answer["path"], answer["status"]) == ("POST", "/synthesize", 200)
    assert answer["task"] == spoken.headers["x-task-id"]
    assert answer["ms"] > 1


def test_a_second_service_over_the_same_history_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, tmp_path):
        same = {**environment, "INDEXTTS_HUB_DATABASE_URL": f"sqlite:///{tmp_path / 'hub.sqlite3'}"}
        second = command("serve", "--port", "0", "--model", "lite", environment=same, folder=tmp_path)
    assert second.returncode == 7
    assert second.stderr.startswith("error[E_DATABASE_SERVED]")


def test_a_batch_comes_back_to_a_service_that_is_busy(environment: dict[str, str], tmp_path: Path) -> None:
    from tests.synth.service.conftest import configured_service

    (tmp_path / "service").mkdir()
    (tmp_path / "lines.jsonl").write_text('{"text": "你好。"}\n' * 3, "utf-8")
    with configured_service(tmp_path / "service", requests="2/2second") as service:
        asking = {**environment, "INDEXTTS_HUB_SERVER": service.address}
        done = command("batch", "lines.jsonl", "--model", "sine", "--json", environment=asking, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["lines"]) == 3
