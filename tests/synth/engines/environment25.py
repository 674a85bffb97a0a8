"""The environment of IndexTTS 2.5 and small weights for it: made once, and shared by all processes and runs of the tests."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from synth.environments import ENGINES, environment_of, interpreter_of, is_installed
from synth.installing import install_engine

__all__ = ["engines25", "shared_folder", "weights25"]

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """A folder that lasts from one run to the next: one for each set of pins and each environment of the program."""
    made_of = "\n".join((*ENGINES["indextts25"].packages(), sys.prefix, sys.version))
    name = f"engines-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"
    cache = os.environ.get("INDEXTTS_HUB_TEST_CACHE") or platformdirs.user_cache_path("indextts-hub-tests") / "cache_hub"
    folder = Path(cache).parent / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def engines25(shared_folder: Path) -> Path:
    """The folder of the engines' environments, with `indextts25` installed from the package index."""
    folder = shared_folder / "engines"
    with FileLock(shared_folder / "engines.lock", timeout=900):
        if not is_installed("indextts25", folder):
            install_engine("indextts25", folder)
    return folder


@pytest.fixture(scope="session")
def weights25(shared_folder: Path, engines25: Path) -> Path:
    """Generated weights in the layout of IndexTTS 2.5."""
    folder = shared_folder / "tiny25"
    with FileLock(shared_folder / "tiny25.lock", timeout=300):
        if not (folder / "done").exists():
            folder.mkdir(exist_ok=True)
            python = interpreter_of(environment_of("indextts25", engines25))
            subprocess.run([python, ROOT / "tests/synth/engines/tiny25.py", folder], check=True, timeout=280)
            (folder / "done").touch()
    return folder
