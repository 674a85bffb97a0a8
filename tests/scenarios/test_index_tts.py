"""The story of a machine that gets IndexTTS: its engine is installed, the network goes, a version comes from a disk, it speaks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.scenarios.test_airgap import PROGRAM, isolated
from tests.synth.audio.voices import tone
from tests.synth.engines.environments import tried_engine
from tests.synth.engines.test_indextts_served import listed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.network,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("indextts25"),
    pytest.mark.skipif(
        shutil.which("unshare") is None or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="unshare -n, as root"
    ),
]

CATALOGUE = """\
schema: 1
mirrors:
  disk: {{kind: file, base: "{weights}"}}
versions:
  {version}:
    title: IndexTTS on small weights
    engine: {engine}
    license: {{name: bilibili Model Use License Agreement, url: "https://example.com/license", accept: true, note: "conflicts"}}
    sources: [{{mirror: disk}}]
    files:
{files}"""


def test_an_empty_machine_installs_the_engine_pulls_and_speaks_without_a_network(tmp_path: Path) -> None:
    tell_the_story("indextts25", tmp_path)


def tell_the_story(engine: str, folder: Path) -> None:
    tried = tried_engine(engine)
    (folder / "mirrors.yaml").write_text(
        CATALOGUE.format(weights=tried.weights, version=tried.version, engine=engine, files=listed(tried.weights))
    )
    soundfile.write(folder / "voice.wav", tone(24_000, 3.0), 24_000)
    environment = os.environ | {"INDEXTTS_HUB_CACHE": str(folder / "cache_hub")}
    installed = subprocess.run(
        [PROGRAM, "engine", "install", engine, "--json"], env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert installed.returncode == 0, installed.stderr
    assert json.loads(installed.stdout)["engine"] == engine

    # From here on there is a loopback interface, and nothing else.
    pull = (PROGRAM, "pull", tried.version, "--catalog", str(folder / "mirrors.yaml"))
    refused = isolated(folder, *pull)
    assert (refused.returncode, "error[E_LICENSE]" in refused.stderr) == (8, True), refused.stderr
    pulled = isolated(folder, *pull, "--accept-license")
    assert pulled.returncode == 0, pulled.stderr
    spoken = isolated(folder, PROGRAM, "say", "你好，世界。", "--model", tried.version, "--voice", "voice.wav", "-o", "hello.wav")
    assert spoken.returncode == 0, spoken.stderr
    samples, rate = soundfile.read(folder / "hello.wav")
    assert rate == 22_050
    assert len(samples) > rate / 2
    assert samples.any()


if __name__ == "__main__":
    tell_the_story(sys.argv[1], Path(sys.argv[2]))
