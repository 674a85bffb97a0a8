"""The whole service against tools that know the contracts: schemathesis, promtool, OpenAI's client for Node."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from synth.audio.label import read_label

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def address(lite_snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The service as `serve` starts it, with `lite`."""
    folder = tmp_path_factory.mktemp("contract")
    environment = {
        **os.environ,
        "INDEXTTS_HUB_CACHE": str(lite_snapshot.parents[2]),
        "INDEXTTS_HUB_DATABASE_URL": f"sqlite:///{folder / 'hub.sqlite3'}",
    }
    command = [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--model", "lite", "--queue", "50"]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            found = process.stdout.readline().split()[-1]
            assert httpx2.post(f"{found}/synthesize", json={"text": "你好"}, timeout=60).status_code == 200
            yield found
        finally:
            process.terminate()
            process.wait(60)


def test_every_operation_answers_as_its_document_says(address: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    config = Path(__file__).with_name("schemathesis.toml")
    done = subprocess.run(
        [program, "--config-file", config, "run", f"{address}/openapi.json", "--max-examples", "25", "--continue-on-failure"],
        cwd=tmp_path, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_numbers_are_as_prometheus_wants_them(address: str) -> None:
    numbers = httpx2.get(f"{address}/metrics").content
    done = subprocess.run(["promtool", "check", "metrics"], input=numbers, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    for name in (
        b"indextts_queue_waiting",
        b"indextts_real_time_factor",
        b"indextts_first_segment_seconds",
        b"indextts_model_info",
    ):
        assert name in numbers


NODE = """
import OpenAI from "openai";
import { writeFileSync } from "node:fs";
const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
for (const response_format of ["mp3", "opus", "aac", "flac", "wav", "pcm"]) {
  const spoken = await client.audio.speech.create({ model: "lite", voice: "alloy", input: "你好。再见。", response_format });
  writeFileSync("speech." + response_format, Buffer.from(await spoken.arrayBuffer()));
}
const asked = { model: "lite", voice: "alloy", input: "你好。再见。", response_format: "pcm", stream_format: "sse" };
const stream = await client.audio.speech.create(asked);
const text = await stream.text();
if (!text.includes('"speech.audio.delta"') || !text.includes('"speech.audio.done"')) throw new Error(text.slice(0, 200));
const names = [];
for await (const model of client.models.list()) names.push(model.id);
if (!names.includes("lite")) throw new Error(names.join());
const failures = {};
for (const [name, asked] of Object.entries({ NotFoundError: { model: "gpt-9" }, BadRequestError: { input: "😀" } })) {
  try {
    await client.audio.speech.create({ model: "lite", voice: "alloy", input: "你好", ...asked });
  } catch (error) {
    failures[name] = [error.constructor.name, error.status, Boolean(error.requestID)];
  }
}
console.log(JSON.stringify(failures));
"""


@pytest.mark.network
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_openais_client_for_node_speaks_in_every_format(address: str, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module", "private": true}')
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "openai@7"],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    (tmp_path / "speak.js").write_text(NODE)
    done = subprocess.run(["node", "speak.js", address], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == '{"NotFoundError":["NotFoundError",404,true],"BadRequestError":["BadRequestError",400,true]}'
    for form in ("mp3", "opus", "aac", "flac", "wav"):
        body = (tmp_path / f"speech.{form}").read_bytes()
        assert len(body) > 5000
        assert read_label(body) is not None
    assert (tmp_path / "speech.pcm").stat().st_size > 24_000
