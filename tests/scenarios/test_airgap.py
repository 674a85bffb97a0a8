"""The story of a machine that has no network: a bundle arrives, installs the program, brings the version in, and it speaks."""

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("indextts-hub"))

# A network of its own has not even a loopback interface until it is switched on.
WITHOUT_NETWORK = """
import fcntl, os, socket, struct, sys
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))
os.execvp(sys.argv[1], sys.argv[1:])
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("scripts"),
    pytest.mark.skipif(
        shutil.which("unshare") is None or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="unshare -n, as root"
    ),
]


def isolated(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command where there is no way out."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("INDEXTTS_HUB", "PIP_", "HTTP"))}
    return subprocess.run(
        ["unshare", "-n", sys.executable, "-c", WITHOUT_NETWORK, *command],
        cwd=folder,
        env=environment | {"HOME": str(folder), "INDEXTTS_HUB_CACHE": str(folder / "cache_hub")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_a_bundle_installs_the_program_brings_the_version_and_speaks(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "a machine without a network"
    here.mkdir()
    there.mkdir()
    cache = {"INDEXTTS_HUB_CACHE": str(here / "cache_hub")}
    for arguments in (
        ("pull", "lite", "-q"),
        ("export", "lite", "-q", "--with-packages", "--split", "64M", "-o", str(here / "lite.tar")),
    ):
        subprocess.run([PROGRAM, *arguments], check=True, cwd=here, env=os.environ | cache, timeout=600)
    for path in here.glob("lite.tar.*"):
        shutil.copy(path, there)

    assert isolated(there, "sh", "-c", "cat lite.tar.0* | tar -xf - install_offline.sh 2>/dev/null").returncode in {0, 2}
    installed = isolated(there, "sh", "install_offline.sh", "lite.tar", "hub")
    assert installed.returncode == 0, installed.stderr
    program = str(there / "hub" / "venv" / "bin" / "indextts-hub")
    taken = isolated(there, program, "import", "lite.tar", "--json")
    assert taken.returncode == 0, taken.stderr
    assert json.loads(taken.stdout)["versions"][0]["version"] == "lite"
    spoken = isolated(there, program, "say", "这里没有网络", "-o", "hello.wav")
    assert spoken.returncode == 0, spoken.stderr
    with wave.open(str(there / "hello.wav")) as speech:
        assert speech.getframerate() == 24000
        assert speech.getnframes() > 24000 / 2
