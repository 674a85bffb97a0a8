"""The README teaches by commands that run as they are written."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="bash"), pytest.mark.timeout(600)]


def tour(readme: str) -> list[str]:
    """The commands of the tour; those of the first screen are what tests/scenarios/test_scripts.py runs."""
    text = (ROOT / readme).read_text("utf-8").partition("start_app.sh`")[2]
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ indextts-hub")]


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_every_command_of_the_tour_runs(readme: str, tmp_path: Path, lite_snapshot: Path) -> None:
    commands = tour(readme)
    assert len(commands) > 5
    # The tests' own copy of lite stands in for the package index: the tour is run often, and pulling has tests of its own.
    (tmp_path / "weights").mkdir()
    for file in lite_snapshot.iterdir():
        shutil.copy(file, tmp_path / "weights")
    catalogue = (ROOT / "mirrors.yaml").read_text("utf-8")
    from_index = re.search(r"- \{mirror: pypi,[^\n]*\}", catalogue)
    assert from_index is not None
    catalogue = catalogue.replace(from_index.group(), "- {mirror: here}").replace(
        "mirrors:\n", f"mirrors:\n  here: {{kind: file, base: '{tmp_path / 'weights'}'}}\n", 1
    )
    (tmp_path / "mirrors.yaml").write_text(catalogue, "utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INDEXTTS_HUB")} | {
        "INDEXTTS_HUB_CACHE": str(tmp_path / "cache_hub"),
        "INDEXTTS_HUB_SERVER": "http://127.0.0.1:9",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for command in commands:
        done = subprocess.run(
            shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
