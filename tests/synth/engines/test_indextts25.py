"""IndexTTS 2.5: the real package's code on generated weights, from its installation to a sentence over HTTP."""

import asyncio
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np
import pytest
import soundfile

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.errors import HubError, IntegrityError, UsageError
from synth.emotion import EMOTIONS
from synth.engines.indextts25 import BIAS, emotion_vector
from synth.engines.protocol import Segment, SegmentSpeech, Settings
from synth.environments import environment_of, interpreter_of, launch_for
from synth.worker.process import TimeLimits, Worker
from tests.synth.audio.voices import tone
from tests.synth.engines.environment25 import engines25, shared_folder, weights25

__all__ = ["engines25", "shared_folder", "weights25"]

pytestmark = [pytest.mark.slow, pytest.mark.network, pytest.mark.xdist_group("indextts25"), pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
PROGRAM = str(Path(sys.executable).with_name("indextts-hub"))
LIMITS = TimeLimits(start=120, segment=120)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("voice") / "clip.wav"
    soundfile.write(path, tone(24_000, 3.0), 24_000)
    return str(path)


def spoken(
    engines: Path, snapshot: Path, settings: Sequence[Settings], text: str = "你好，世界。", **more: str
) -> list[SegmentSpeech]:
    """What one worker says with each of these settings."""
    launch = launch_for("indextts25", snapshot, engines)

    async def speak() -> list[SegmentSpeech]:
        from dataclasses import replace

        worker = await Worker.start(replace(launch, environment={**os.environ, **more}), LIMITS)
        try:
            return [speech for each in settings async for speech in worker.speak([Segment(text, 0.1)], each)]
        finally:
            await worker.stop()

    return asyncio.run(speak())


def test_the_environment_shares_torch_and_has_what_the_engine_was_tried_with(engines25: Path) -> None:
    python = interpreter_of(environment_of("indextts25", engines25))
    code = (
        "import torch, transformers, indextts25; print(torch.__file__, transformers.__version__, transformers.__file__, sep='\\n')"
    )
    torch_file, version, own = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert not torch_file.startswith(str(engines25))
    assert version == "5.23.0"
    assert own.startswith(str(engines25))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(engines25: Path, weights25: Path, clip: str) -> None:
    settings = [Settings(voice=clip, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (speech.samples for speech in spoken(engines25, weights25, settings))
    assert first == again
    assert first != other
    samples = np.frombuffer(first, "<f4")
    assert np.isfinite(samples).all()
    assert 0 < np.abs(samples).max() <= 1
    assert not samples[-2205:].any()
    (elsewhere,) = spoken(engines25, weights25, [Settings(voice=clip, seed=1)])
    assert elsewhere.samples == first


def test_faster_is_shorter(engines25: Path, weights25: Path, clip: str) -> None:
    settings = [Settings(voice=clip, speed=speed) for speed in (0.5, 1.0, 2.0)]
    slow, plain, fast = (len(speech.samples) - 4 * 2205 for speech in spoken(engines25, weights25, settings))
    assert 1.8 < slow / plain < 2.2
    assert 0.45 < fast / plain < 0.55


PROBE = """
import json, os, sys
from pathlib import Path
from synth.engines import indextts25
from synth.engines.protocol import Segment, Settings
engine = indextts25.load(Path(sys.argv[1]))
given = []
infer = engine.tts.gpt.inference_speech
def watched(text, lang, emovec, style, **more):
    given.append(emovec.flatten().tolist())
    return infer(text, lang, emovec, style, **more)
engine.tts.gpt.inference_speech = watched
for weights in json.loads(sys.argv[3]):
    engine.speak(Segment("你好"), Settings(voice=sys.argv[2], emotion=tuple(weights)))
matrix = [part.tolist() for part in engine.tts.emo_matrix]
print(json.dumps([given, matrix]))
"""


def test_each_emotion_reaches_the_network_as_its_own_vector(engines25: Path, weights25: Path, clip: str) -> None:
    """Upstream's formula: the sum of each emotion's vector by its weight, and of the reference's own what is left of one."""
    wanted = [[0.0] * 8, *([1.0 if at == number else 0.0 for at in range(8)] for number in range(8)), [0.5, 0.5, 0, 0, 0, 0, 0, 0]]
    python = str(interpreter_of(environment_of("indextts25", engines25)))
    command = [python, "-c", PROBE, str(weights25), clip, json.dumps(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd=ROOT)
    given, matrix = json.loads(done.stdout.splitlines()[-1])
    plain = np.array(given[0])
    for weights, vector in zip(wanted[1:], given[1:], strict=True):
        scaled = emotion_vector(tuple(weights))
        assert scaled is not None
        rest = np.array(vector) - (1 - sum(scaled)) * plain
        # Which of an emotion's vectors is the nearest to the voice is upstream's choice: one of each.
        choices = [
            [np.zeros(len(plain))] if not weight else [weight * np.array(row) for row in part]
            for weight, part in zip(scaled, matrix, strict=True)
        ]
        sums = [np.zeros(len(plain))]
        for part in choices:
            sums = [total + one for total in sums for one in part]
        assert min(np.abs(rest - total).max() for total in sums) < 1e-4


def test_weights_are_biased_and_bounded_as_upstream_has_it() -> None:
    assert emotion_vector((0.0,) * 8) is None
    half = emotion_vector((0.5, 0, 0, 0, 0, 0, 0, 0))
    assert half == [0.5 * BIAS[0], 0, 0, 0, 0, 0, 0, 0]
    both = emotion_vector((1.0,) * 8)
    assert both is not None
    assert abs(sum(both) - 0.8) < 1e-9
    assert len(EMOTIONS) == len(BIAS)


def test_a_long_reference_is_cut_with_a_warning_and_none_is_refused(
    engines25: Path, weights25: Path, tmp_path: Path, clip: str
) -> None:
    long = tmp_path / "long.wav"
    soundfile.write(long, tone(24_000, 17.0), 24_000)
    cut, plain = spoken(engines25, weights25, [Settings(voice=str(long)), Settings(voice=clip)])
    assert "the reference is 17 s long, of which the first 15 count" in cut.warnings
    assert not any("reference" in warning for warning in plain.warnings)
    with pytest.raises(UsageError) as refused:
        spoken(engines25, weights25, [Settings()])
    assert refused.value.code == "E_VOICE"


def without(weights: Path, folder: Path, path: str, body: bytes | None = None) -> Path:
    shutil.copytree(weights, folder)
    (folder / path).unlink()
    if body is not None:
        (folder / path).write_bytes(body)
    return folder


@pytest.mark.parametrize("path", ["hf_cache/bigvgan/bigvgan_generator.pt", "hf_cache/w2v-bert-2.0/model.safetensors", "feat2.pt"])
def test_a_missing_file_is_named_before_anything_is_loaded(engines25: Path, weights25: Path, tmp_path: Path, path: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        spoken(engines25, without(weights25, tmp_path / "broken", path), [])
    assert path in refused.value.message


def test_a_checkpoint_that_would_run_something_is_not_loaded(engines25: Path, weights25: Path, tmp_path: Path) -> None:
    import torch

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    body = io.BytesIO()
    torch.save({"x": Evil()}, body)
    with pytest.raises(HubError) as refused:
        spoken(engines25, without(weights25, tmp_path / "evil", "s2mel.pth", body.getvalue()), [])
    assert refused.value.code == "E_PICKLE"
    assert not (tmp_path / "ran").exists()


def test_another_networks_weights_are_said_not_to_fit(engines25: Path, weights25: Path, tmp_path: Path) -> None:
    broken = without(weights25, tmp_path / "other", "gpt.pth", (weights25 / "codec.pth").read_bytes())
    with pytest.raises(IntegrityError) as refused:
        spoken(engines25, broken, [])
    assert refused.value.code == "E_WEIGHTS"


def test_the_worker_reaches_no_network(engines25: Path, weights25: Path, tmp_path: Path) -> None:
    """Without its auxiliary weights the package would ask the Hub: here the process may not even look a name up."""
    code = (
        "import socket, sys, urllib.request; from synth.worker.guard import watch; watch()\n"
        "try: socket.getaddrinfo('localhost', 80)\n"
        "except RuntimeError as error: print(error)\n"
        "try: socket.create_connection(('127.0.0.1', 9))\n"
        "except RuntimeError as error: print(error)\n"
        "import pickle\n"
        "try: pickle.loads(b'cos\\nsystem\\n.')\n"
        "except RuntimeError as error: print(error)\n"
    )
    python = interpreter_of(environment_of("indextts25", engines25))
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    assert [line.split("(")[-1] for line in said] == [
        "socket.getaddrinfo)",
        "socket.getaddrinfo)",
        "the engine tried to unpickle os.system",
    ]


# ---- through the hub and the service


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, engines25: Path, weights25: Path) -> Path:
    """A store that has the version `v25` of the generated weights, pulled from a mirror, and its engine."""
    folder = tmp_path_factory.mktemp("stocked")
    files = sorted(path for path in weights25.rglob("*") if path.is_file() and path.name != "done")
    listed = "".join(
        f"      - {{path: {path.relative_to(weights25).as_posix()}, size: {path.stat().st_size}, "
        f"sha256: {hashlib.sha256(path.read_bytes()).hexdigest()}}}\n"
        for path in files
    )
    (folder / "mirrors.yaml").write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{weights25}'}}\n"
        "versions:\n  v25:\n    title: t\n    engine: indextts25\n"
        f"    license: {{name: bilibili}}\n    sources: [{{mirror: usb}}]\n    files:\n{listed}"
    )
    hub = Hub(folder / "cache_hub", folder / "mirrors.yaml")
    hub.pull("v25", PullOptions())
    hub.store.engines.symlink_to(engines25, target_is_directory=True)
    return folder


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "INDEXTTS_HUB_CACHE": str(folder / "cache_hub"),
        "INDEXTTS_HUB_CATALOG": str(folder / "mirrors.yaml"),
        "INDEXTTS_HUB_SERVER": "http://127.0.0.1:9",
    }


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments], env=environment(folder), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


@contextmanager
def serving(folder: Path) -> Iterator[httpx2.Client]:
    command = [PROGRAM, "serve", "--port", "0", "--model", "v25"]
    with subprocess.Popen(command, env=environment(folder), cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with httpx2.Client(base_url=process.stdout.readline().split()[-1], timeout=120, trust_env=False) as client:
                end = time.monotonic() + 120
                while client.get("/readyz").status_code != 200:
                    assert time.monotonic() < end
                    time.sleep(0.2)
                yield client
        finally:
            process.terminate()


def test_a_sentence_is_spoken_by_the_command(stocked: Path, clip: str) -> None:
    done = run(stocked, "say", "你好", "--model", "v25", "--voice", clip, "--emotion", "高兴", "-o", "hello.wav")
    assert done.returncode == 0, done.stderr
    found = soundfile.info(stocked / "hello.wav")
    assert (found.samplerate, found.channels) == (22_050, 1)
    assert found.duration > 0.5


def test_without_a_voice_the_command_says_what_to_do(stocked: Path) -> None:
    done = run(stocked, "say", "你好", "--model", "v25")
    assert done.returncode == 2
    assert "error[E_VOICE]" in done.stderr
    assert "Traceback" not in done.stderr


def kept_voice(client: httpx2.Client, clip: str) -> str:
    form = {"name": "test", "person": "me", "statement": "I agree.", "language": "en"}
    with Path(clip).open("rb") as file:
        answer = client.post("/api/voices", data=form, files={"clip": ("clip.wav", file, "audio/wav")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_over_http_it_speaks_streams_and_survives_a_killed_worker(stocked: Path, clip: str) -> None:
    with serving(stocked) as client:
        voice = kept_voice(client, clip)
        text = "今天天气很好。我们一起去公园散步吧。"
        asked = {"text": text, "voice": voice, "emotion": "sad", "intensity": 0.7, "seed": 5}
        plain = client.post("/synthesize", json=asked)
        assert plain.status_code == 200, plain.text
        assert plain.json()["sample_rate"] == 22_050
        # The same again over OpenAI's way of asking, piece by piece.
        openai = {"model": "v25", "voice": voice, "input": text, "response_format": "pcm"}
        with client.stream("POST", "/v1/audio/speech", json=openai) as stream:
            assert stream.status_code == 200, stream.read()
            assert sum(map(len, stream.iter_raw())) > 22_050
        refused = client.post("/synthesize", json={"text": text})
        assert (refused.status_code, refused.json()["code"]) == (422, "E_VOICE")
        # A worker that is killed is replaced, and the task is spoken all the same.
        pids = subprocess.run(
            ["pgrep", "-f", f"synth.worker.main.*{stocked}"], capture_output=True, text=True, check=True
        ).stdout.split()
        os.kill(int(pids[0]), signal.SIGKILL)
        assert client.post("/synthesize", json=asked).status_code == 200


def test_a_task_is_cancelled_between_two_segments(stocked: Path, clip: str) -> None:
    with serving(stocked) as client:
        voice = kept_voice(client, clip)
        task = client.post("/api/tasks", json={"text": "今天天气很好。" * 40, "voice": voice}).json()["id"]
        time.sleep(1)
        client.post(f"/api/tasks/{task}/cancel").raise_for_status()
        end = time.monotonic() + 60
        while (status := client.get(f"/api/tasks/{task}").json()["status"]) not in {"cancelled", "done"}:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert status == "cancelled"


def test_the_engine_is_listed_checked_and_missed(stocked: Path, tmp_path: Path) -> None:
    rows = {row["engine"]: row["installed"] for row in json.loads(run(stocked, "engine", "list", "--json").stdout)}
    assert rows == {"fastspeech2": True, "indextts25": True}
    checked = run(stocked, "engine", "check", "indextts25", "--json")
    assert json.loads(checked.stdout)["packages"]["transformers"] == "5.23.0"
    bare = tmp_path / "bare"
    shutil.copytree(stocked / "cache_hub", bare / "cache_hub", symlinks=True, ignore=shutil.ignore_patterns("engines", "locks"))
    (bare / "cache_hub" / "locks").mkdir()
    shutil.copy(stocked / "mirrors.yaml", bare)
    done = run(bare, "say", "你好", "--model", "v25")
    assert done.returncode == 3
    assert "error[E_NO_ENVIRONMENT]" in done.stderr
    assert "engine install indextts25" in done.stderr
