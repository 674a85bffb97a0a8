"""The environments of IndexTTS's engines and small weights for them: made once, and shared by all processes and runs of the tests.

IndexTTS 2.5 is tried everywhere. Where IndexTTS 2 can't be installed its tests are skipped, and say why.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

from indextts_hub.errors import UsageError
from synth.environments import ENGINES, environment_of, interpreter_of, is_installed
from synth.installing import install_engine

__all__ = ["Tried", "tried", "tried_engine"]

ROOT = Path(__file__).parents[3]
TINY = {"indextts25": "tiny25.py", "indextts2": "tiny2.py"}
VERSIONS = {"indextts25": "v25", "indextts2": "v23"}


@dataclass(frozen=True)
class Tried:
    """An engine that is installed, and small weights for it.

    Attributes:
        engines: the folder of the environments, with no other engine's in it.
        version: the name that the catalogue has for it.
    """

    engine: str
    engines: Path
    weights: Path

    @property
    def version(self) -> str:
        return VERSIONS[self.engine]

    @property
    def python(self) -> Path:
        return interpreter_of(environment_of(self.engine, self.engines))


def tried_engine(engine: str) -> Tried:
    """Install an engine from the package index, and make weights for it, if that was not done before."""
    folder = _lasting(engine)
    engines, weights = folder / "engines", folder / f"weights-{_scripts(engine)}"
    with FileLock(folder / "lock", timeout=900):
        if not is_installed(engine, engines):
            install_engine(engine, engines)
        if not weights.exists():
            with tempfile.TemporaryDirectory(dir=folder) as making:
                script = ROOT / "tests/synth/engines" / TINY[engine]
                python = interpreter_of(environment_of(engine, engines))
                subprocess.run([python, script, Path(making) / "weights"], check=True, timeout=300)
                (Path(making) / "weights").rename(weights)
    return Tried(engine, engines, weights)


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("indextts25", "indextts2")]
)
def tried(request: pytest.FixtureRequest) -> Tried:
    """Each of the engines in turn."""
    try:
        return tried_engine(request.param)
    except UsageError as error:
        if request.param == "indextts25":
            raise
        pytest.skip(f"IndexTTS 2 can't be installed here, so v23 is not tried: {error.message}")


def _lasting(engine: str) -> Path:
    """A folder that lasts from one run to the next: one for each set of pins and each environment of the program."""
    made_of = "\n".join((*ENGINES[engine].packages(), sys.prefix, sys.version)).encode()
    cache = os.environ.get("INDEXTTS_HUB_TEST_CACHE") or platformdirs.user_cache_path("indextts-hub-tests") / "cache_hub"
    folder = Path(cache).parent / f"{engine}-{hashlib.sha256(made_of).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _scripts(engine: str) -> str:
    made_by = b"".join((ROOT / "tests/synth/engines" / name).read_bytes() for name in ("tiny.py", TINY[engine]))
    return hashlib.sha256(made_by).hexdigest()[:12]
