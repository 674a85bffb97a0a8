"""A machine on which the command is used as users use it."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.origins.origin import Origin

BODY = bytes(range(256)) * 4096
PROGRAM = str(Path(sys.executable).with_name("indextts-hub"))


class Machine:
    """A machine with a catalogue that names one web server, and a store of its own."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        self.cache = folder / "cache_hub"
        self.origin = origin
        (folder / "mirrors.yaml").write_text(
            f"""\
schema: 1
mirrors:
  cdn: {{kind: http, base: "{origin.url}", max_connections: 2}}
versions:
  tiny:
    title: a test
    engine: fastspeech2
    license: {{name: MIT, url: "https://example.com/mit"}}
    aliases: [small]
    sources: [{{mirror: cdn}}]
    files:
      - {{path: model.bin, size: {len(BODY)}, sha256: {hashlib.sha256(BODY).hexdigest()}}}
      - {{path: folder/config.json, size: 2, sha256: {hashlib.sha256(b"{}").hexdigest()}}}
  strict:
    title: another
    engine: fastspeech2
    license: {{name: Company, url: "https://example.com/terms", accept: true}}
    sources: [{{mirror: cdn}}]
    files: [{{path: model.bin, size: {len(BODY)}, sha256: {hashlib.sha256(BODY).hexdigest()}}}]
""",
            "utf-8",
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("INDEXTTS_HUB")}
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=inherited | {"INDEXTTS_HUB_CACHE": str(self.cache), "LANG": "C.UTF-8"} | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def document(self, *arguments: str) -> object:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def finished(self) -> list[Path]:
        """Everything that stands under a final name."""
        return [path for folder in ("blobs", "versions") for path in (self.cache / folder).rglob("*") if path.is_file()]


def refused(done: subprocess.CompletedProcess[str], code: int, name: str) -> None:
    """Held to the contract: the exit code, two lines with a stable code in them, no traceback."""
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.endswith(("verified", "already"))]
    assert len(lines) == 2
    assert lines[0].startswith(f"error[{name}]: ")
    assert lines[1].startswith("try: ")
    assert "Traceback" not in done.stderr
