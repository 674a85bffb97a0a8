"""Looking at files when somebody asks, a version's or one that lies anywhere: a line over the store, the gate and the log."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import NotFound
from indextts_hub.gate import Findings, check
from indextts_hub.hub import Hub
from indextts_hub.manifest import Digest
from indextts_hub.store.blobs import digest_of, open_regular
from indextts_hub.store.trouble import storage_errors

__all__ = ["Opinion", "Scanned", "has_second_opinion", "scan_file", "scan_version"]

# A gigabyte takes picklescan seconds; what takes it longer is built to.
_PATIENCE = 300.0
_ASK = """
import json, sys
from picklescan.scanner import SafetyLevel, scan_file_path
found = scan_file_path(sys.argv[1])
bad = sorted(f"{g.module}.{g.name}" for g in found.globals if g.safety is SafetyLevel.Dangerous)
print(json.dumps({"issues": found.issues_count, "imports": bad, "failed": found.scan_err}))
"""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What picklescan says of a file.

    Attributes:
        issues: how many dangerous imports it found.
        imports: which, `module.name`.
        trouble: why it could not tell; None if it could.
    """

    issues: int
    imports: tuple[str, ...]
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Scanned:
    """A file that was looked at.

    Attributes:
        opinion: picklescan's; None if it is not installed.
    """

    sha256: Digest
    findings: Findings
    opinion: Opinion | None

    @property
    def ok(self) -> bool:
        """Whether neither says anything against it."""
        return self.findings.ok and (self.opinion is None or not self.opinion.issues)


def has_second_opinion() -> bool:
    """Whether picklescan is installed."""
    return importlib.util.find_spec("picklescan") is not None


def scan_version(hub: Hub, reference: str) -> Iterator[Scanned]:
    """Look at every file of a version in the store, and write down what was found.

    Raises:
        NotFound: E_NO_SNAPSHOT.
        StorageError: a file can't be read.
    """
    snapshot = hub.snapshot(reference)
    for file in snapshot.files:
        place = hub.store.blobs.path(file.sha256)
        with hub.store.blobs.open(file.sha256) as opened, storage_errors(place):
            findings = check(opened, file.path)
        # By the version's own file: picklescan goes by the name.
        yield _noted(hub, Scanned(file.sha256, hub.books.held(findings), _asked(snapshot.path / file.path)))


def scan_file(hub: Hub, path: Path) -> Scanned:
    """Look at a file wherever it lies, and write down what was found.

    Raises:
        NotFound: E_NO_FILE.
        StorageError: it can't be read, or is no regular file.
    """
    place = path.resolve()
    if not place.exists():
        raise NotFound(f"{path} is not there", remedy="give a file, or a version that `indextts-hub list` shows", code="E_NO_FILE")
    with open_regular(place) as opened, storage_errors(path):
        findings = check(opened, path.name)
        digest = digest_of(opened)
    return _noted(hub, Scanned(digest, hub.books.held(findings), _asked(place)))


def _noted(hub: Hub, scanned: Scanned) -> Scanned:
    if hub.store.can_be_written():
        opinion = scanned.opinion
        said = None if opinion is None else (opinion.trouble or ", ".join(opinion.imports) or "nothing")
        hub.books.log_findings(scanned.sha256, scanned.findings, said)
    return scanned


def _asked(path: Path) -> Opinion | None:
    """Ask picklescan, in a process of its own: it reads what is built against readers."""
    if not has_second_opinion():
        return None
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "SYSTEMROOT", "LANG"}}
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _ASK, str(path)], capture_output=True, timeout=_PATIENCE, env=kept, check=False
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return Opinion(0, (), f"it took longer than {_PATIENCE:.0f} s")
    except ValueError:
        return Opinion(0, (), "it fell over")
    imports = tuple(ascii(name)[1:-1][:120] for name in said["imports"])
    return Opinion(said["issues"], imports, "it could not read all of it" if said["failed"] else None)
