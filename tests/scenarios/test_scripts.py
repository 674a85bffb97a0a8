"""The two scripts as a new user runs them: in a fresh clone, in a folder with a space in its name, with nothing set up."""

import os
import shutil
import socket
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.skipif(os.name == "nt", reason="bash"),
    pytest.mark.timeout(1200),
    pytest.mark.xdist_group("scripts"),
]


class Clone:
    """A clone of the working tree's commit, with a home and caches of its own; pip keeps its cache of downloads."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home
        home.mkdir()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("INDEXTTS_HUB")} | {
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip")),
        }

    def run(
        self, *arguments: str, cwd: Path, script: str = "start_app.sh", seconds: float = 1100
    ) -> subprocess.CompletedProcess[str]:
        command = ["bash", str(self.folder / script), *arguments]
        return subprocess.run(
            command,
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone in which the first command of a new user was run; what it wrote is in the clone's home."""
    base = tmp_path_factory.mktemp("a new machine")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(base / "the hub")], check=True, timeout=120)
    made = Clone(base / "the hub", base / "home")
    done = made.run("say", "欢迎使用语音合成服务", "-o", "hello.wav", cwd=made.home)
    assert done.returncode == 0, done.stderr
    yield made
    shutil.rmtree(base)


def test_an_empty_machine_speaks_a_sentence(clone: Clone) -> None:
    with wave.open(str(clone.home / "hello.wav")) as sound:
        assert sound.getframerate() == 24_000
        assert 1.5 < sound.getnframes() / 24_000 < 5


def test_the_second_time_nothing_is_set_up_again_and_it_works_through_a_link(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "start").symlink_to(clone.folder / "start_app.sh")
    command = ["bash", str(tmp_path / "start"), "list", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=clone.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"lite"' in done.stdout
    assert "Setting up" not in done.stderr


def test_a_taken_port_is_said_in_two_lines_and_its_owner_lives_on(clone: Clone, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = clone.run("serve", "--port", str(port), cwd=tmp_path, seconds=60)
        assert done.returncode == 2
        assert str(port) in done.stderr
        assert len(done.stderr.strip().splitlines()) == 2
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_an_interrupted_installation_is_not_taken_for_a_finished_one(clone: Clone, tmp_path: Path) -> None:
    stamp = clone.folder / ".venv" / ".indextts-hub-all"
    stamp.write_text("half")
    done = clone.run("version", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Setting up" in done.stderr
    assert stamp.read_text() != "half"


def test_run_tests_refuses_what_it_does_not_know(clone: Clone, tmp_path: Path) -> None:
    done = clone.run("--fast", cwd=tmp_path, script="run_tests.sh", seconds=30)
    assert done.returncode == 2
    assert "--quick" in done.stderr


def test_without_a_new_enough_python_it_says_what_to_install(clone: Clone, tmp_path: Path) -> None:
    shadow = tmp_path / "bin"
    shadow.mkdir()
    for name in ("bash", "dirname", "cat", "cksum", "readlink"):
        (shadow / name).symlink_to(shutil.which(name) or name)
    fresh = tmp_path / "hub"
    shutil.copytree(clone.folder, fresh, ignore=shutil.ignore_patterns(".venv", ".git"))
    done = subprocess.run(
        ["bash", str(fresh / "start_app.sh")], env={"PATH": str(shadow)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "Python 3.11" in done.stderr
