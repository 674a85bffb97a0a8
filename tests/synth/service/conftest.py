import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class RunningService:
    address: str
    folder: Path
    process: subprocess.Popen[str]

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.address, timeout=30, trust_env=False)


@contextmanager
def sine_service(folder: Path, *options: str) -> Iterator[RunningService]:
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.synth.service.serve_sine", str(folder), *options],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, (folder / "log").read_text()
            yield RunningService(address, folder, process)
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()


@contextmanager
def configured_service(folder: Path, *options: str, **settings: object) -> Iterator[RunningService]:
    """The service with settings of its own; see `serve_sine`."""
    (folder / "settings.json").write_text(json.dumps(settings))
    if not (folder / "slow").exists():
        (folder / "slow").write_text("0.3")
    with sine_service(folder, *options) as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """The service with the sine engine in a process of its own; `slow` in its folder says how long 慢 takes."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "slow").write_text("0.3")
    with sine_service(folder) as running:
        yield running


@pytest.fixture
def client(service: RunningService) -> Iterator[httpx2.Client]:
    with service.client() as opened:
        yield opened
