"""The stories of machines that get IndexTTS: installed before the network goes, or carried there with all that its engines need."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile

from indextts_hub.errors import UsageError
from tests.scenarios.test_airgap import PROGRAM, isolated
from tests.synth.audio.voices import tone
from tests.synth.engines.environments import Tried, tried_engine
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

VERSION = """\
  {each.version}:
    title: IndexTTS on small weights
    engine: {each.engine}
    license: {{name: bilibili Model Use License Agreement, url: "https://example.com/license", accept: true, note: "conflicts"}}
    sources: [{{mirror: {each.version}-disk}}]
    files:
{files}"""


def test_an_empty_machine_installs_the_engine_pulls_and_speaks_without_a_network(tmp_path: Path) -> None:
    tell_the_story("indextts25", tmp_path)


def test_a_bundle_brings_versions_and_their_engines_to_a_machine_without_a_network(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "a machine without a network"
    here.mkdir()
    there.mkdir()
    carried = both_or_the_one_that_is_tried_everywhere()
    versions = [each.version for each in carried]
    write_catalogue(here, carried)
    for arguments in (
        ("pull", *versions, "--accept-license"),
        ("export", *versions, "--with-packages", "-o", str(there / "indextts.tar")),
    ):
        done = told(here, *arguments)
        assert done.returncode == 0, done.stderr

    taken = isolated(there, PROGRAM, "import", "indextts.tar", "--json")
    assert taken.returncode == 0, taken.stderr
    assert {each["version"] for each in json.loads(taken.stdout)["versions"]} == set(versions)
    soundfile.write(there / "voice.wav", tone(24_000, 3.0), 24_000)
    for each in carried:
        speaking = ("say", "你好，世界。", "--model", each.version, "--voice", "voice.wav", "-o", f"{each.version}.wav")
        missed = isolated(there, PROGRAM, *speaking)
        assert (missed.returncode, f"engine install {each.engine}" in missed.stderr) == (3, True), missed.stderr
        installed = isolated(there, PROGRAM, "engine", "install", each.engine)
        assert installed.returncode == 0, installed.stderr
        spoken = isolated(there, PROGRAM, *speaking)
        assert spoken.returncode == 0, spoken.stderr
        assert_heard(there / f"{each.version}.wav")


def both_or_the_one_that_is_tried_everywhere() -> list[Tried]:
    """They want different versions of the same packages, so together they are the harder load."""
    try:
        return [tried_engine("indextts25"), tried_engine("indextts2")]
    except UsageError:
        return [tried_engine("indextts25")]


def tell_the_story(engine: str, folder: Path) -> None:
    tried = tried_engine(engine)
    write_catalogue(folder, [tried])
    soundfile.write(folder / "voice.wav", tone(24_000, 3.0), 24_000)
    installed = told(folder, "engine", "install", engine, "--json")
    assert installed.returncode == 0, installed.stderr
    made = json.loads(installed.stdout)
    assert made["engine"] == engine
    rows = {row["engine"]: row for row in json.loads(told(folder, "engine", "list", "--json").stdout)}
    assert (rows[engine]["python"], rows[engine]["packages"]) == (made["python"], made["packages"])
    assert rows["fastspeech2"]["packages"] == {}

    # From here on there is a loopback interface, and nothing else.
    pull = (PROGRAM, "pull", tried.version, "--catalog", str(folder / "mirrors.yaml"))
    refused = isolated(folder, *pull)
    assert (refused.returncode, "error[E_LICENSE]" in refused.stderr) == (8, True), refused.stderr
    pulled = isolated(folder, *pull, "--accept-license")
    assert pulled.returncode == 0, pulled.stderr
    spoken = isolated(folder, PROGRAM, "say", "你好，世界。", "--model", tried.version, "--voice", "voice.wav", "-o", "hello.wav")
    assert spoken.returncode == 0, spoken.stderr
    assert_heard(folder / "hello.wav")


def write_catalogue(folder: Path, engines: Sequence[Tried]) -> None:
    disks = "".join(f'  {each.version}-disk: {{kind: file, base: "{each.weights}"}}\n' for each in engines)
    versions = "".join(VERSION.format(each=each, files=listed(each.weights)) for each in engines)
    (folder / "mirrors.yaml").write_text(f"schema: 1\nmirrors:\n{disks}versions:\n{versions}")


def told(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command where there is a network."""
    environment = os.environ | {"INDEXTTS_HUB_CACHE": str(folder / "cache_hub")}
    return subprocess.run(
        [PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def assert_heard(path: Path) -> None:
    samples, rate = soundfile.read(path)
    assert rate == 22_050
    assert len(samples) > rate / 2
    assert samples.any()


if __name__ == "__main__":
    tell_the_story(sys.argv[1], Path(sys.argv[2]))
