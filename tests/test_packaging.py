"""The wheel works without the checkout: what stands at the top level travels in it."""

import json
import os
import site
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("packaging")]


class Installed:
    """The wheel in an environment of its own, which borrows only its dependencies from the tests' environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("INDEXTTS_HUB")} | {
            "INDEXTTS_HUB_CACHE": str(folder / "cache_hub"),
            "HOME": str(folder),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / "indextts-hub"), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("elsewhere")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    venv.create(folder / "venv", with_pip=True)
    there = Installed(folder)
    python = str(there.bin / "python")
    (wheel,) = folder.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-qq", "--no-deps", str(wheel)], check=True, timeout=120)
    found = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True
    )
    # A plain line in a .pth file adds a folder without reading the .pth files in it: the checkout stays out.
    (Path(found.stdout.strip()) / "borrowed.pth").write_text(site.getsitepackages()[0] + "\n")
    return there


def test_the_command_and_what_it_ships_come_from_the_wheel(installed: Installed) -> None:
    code = "\n".join(
        (
            "import indextts_hub",
            "from indextts_hub.shipped import shipped",
            "print(indextts_hub.__file__, *map(shipped, ('alembic', 'mirrors.yaml', 'web')))",
        )
    )
    done = subprocess.run(
        [str(installed.bin / "python"), "-c", code], cwd=installed.folder, capture_output=True, text=True, check=True
    )
    paths = [Path(path) for path in done.stdout.split()]
    assert all(installed.folder in path.parents and path.exists() for path in paths)
    assert installed.run("version").stdout.startswith("indextts-hub ")


def test_a_version_is_pulled_from_a_folder_and_the_database_is_made(installed: Installed) -> None:
    body = b"weights" * 1000
    (installed.folder / "usb").mkdir()
    (installed.folder / "usb" / "model.bin").write_bytes(body)
    (installed.folder / "mirrors.yaml").write_text(
        f"""
schema: 1
mirrors:
  usb: {{kind: file, base: {json.dumps(str(installed.folder / "usb"))}}}
versions:
  tiny:
    title: a test
    engine: fastspeech2
    license: {{name: MIT}}
    sources: [{{mirror: usb}}]
    files: [{{path: model.bin, size: {len(body)}, sha256: {sha256(body).hexdigest()}}}]
"""
    )
    done = installed.run("pull", "tiny", "--json")
    assert done.returncode == 0, done.stderr
    assert (Path(json.loads(done.stdout)["path"]) / "model.bin").read_bytes() == body
    current = installed.run("db", "current", "--json")
    assert current.returncode == 0, current.stderr
    assert (installed.folder / "cache_hub" / "hub.sqlite3").exists()
    assert installed.run("doctor").returncode == 0


@pytest.fixture
def address(installed: Installed, lite_snapshot: Path) -> Iterator[str]:
    command = [str(installed.bin / "indextts-hub"), "serve", "--port", "0", "--cache-dir", str(lite_snapshot.parents[2])]
    with subprocess.Popen(command, cwd=lite_snapshot, env=installed.environment, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        line = serving.stdout.readline()
        yield line.split("http://")[1].split()[0].rstrip("/.,")
        serving.terminate()
        serving.wait(30)


def test_it_serves_its_page(address: str) -> None:
    with urllib.request.urlopen(f"http://{address}/", timeout=30) as page:
        assert b"<html" in page.read()
    with urllib.request.urlopen(f"http://{address}/healthz", timeout=30) as health:
        assert health.status == 200
