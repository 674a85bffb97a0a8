"""What is in the store is what the log let in, and the other way round."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indextts_hub import Hub
from indextts_hub.audit import AuditLog
from indextts_hub.audit.against_store import contradictions
from tests.hub.audit.test_witness import outer

pytestmark = pytest.mark.slow

__all__ = ["outer"]

ROOT = Path(__file__).parents[3]


def found(hub: Hub, *, blobs: bool = False) -> list[tuple[str, str]]:
    return [(each.subject, each.problem) for each in contradictions(AuditLog(hub.store.audit), hub.store, blobs=blobs)]


def name(hub: Hub) -> str:
    return f"v23@sha256:{hub.snapshot('v23').digest}"


def test_a_store_that_only_the_program_touched_agrees_with_its_log(outer: Hub) -> None:
    assert found(outer, blobs=True) == []
    outer.remove("v23")
    outer.gc()
    assert found(outer, blobs=True) == []
    outer.pull("v23")
    assert found(outer, blobs=True) == []


def test_a_version_that_collecting_took_away_is_no_contradiction(outer: Hub, tmp_path: Path) -> None:
    first = name(outer)
    (tmp_path / "files" / "gpt.bin").write_bytes(b"newer")
    catalog = tmp_path / "mirrors.yaml"
    text = catalog.read_text()
    start = text.index("size: ")
    end = text.index("}", start)
    import hashlib

    catalog.write_text(f"{text[:start]}size: 5, sha256: {hashlib.sha256(b'newer').hexdigest()}{text[end:]}")
    newer = Hub(tmp_path / "outer", catalog)
    newer.pull("v23")
    assert len(list(newer.store.snapshots.list())) == 2
    newer.gc(keep=1)
    assert first not in [f"{n}@sha256:{d}" for n, d in newer.store.snapshots.list()]
    assert found(newer) == []


def test_a_version_whose_bytes_were_all_here_is_let_in_by_an_event_too(outer: Hub, tmp_path: Path) -> None:
    catalog = tmp_path / "mirrors.yaml"
    catalog.write_text(catalog.read_text().replace("{name: MIT}", "{name: Apache-2.0}"))
    again = Hub(tmp_path / "outer", catalog)
    again.pull("v23")
    assert len(list(again.store.snapshots.list())) == 2
    assert found(again) == []


def test_a_version_that_no_event_let_in_is_found(outer: Hub) -> None:
    """L07: somebody laid it out beside the program."""
    log = AuditLog(outer.store.audit)
    log.path.unlink()
    log.append("verify", "something else")
    assert found(outer) == [(name(outer), "is here, and no event let it in")]


def test_a_version_that_is_gone_without_an_event_is_found(outer: Hub) -> None:
    version = name(outer)
    shutil.rmtree(outer.snapshot("v23").path)
    assert found(outer) == [(version, "was let in, and is gone without an event")]


@pytest.mark.skipif(os.name == "nt", reason="hard links")
def test_a_blob_that_was_swapped_for_another_valid_one_is_found_by_hashing(outer: Hub, tmp_path: Path) -> None:
    """L07."""
    ((path, blob),) = [(file.path, outer.store.blobs.path(file.sha256)) for file in outer.snapshot("v23").files]
    size = blob.stat().st_size
    blob.chmod(0o644)
    blob.write_bytes(b"an older file, right in itself".ljust(size))
    assert found(outer) == []
    assert found(outer, blobs=True) == [(f"{name(outer)} {path}", "has other bytes than its version says")]
    command = [sys.executable, "-m", "cli.main", "audit", "verify", "--blobs", "--json", "--cache-dir", str(tmp_path / "outer")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    told = json.loads(done.stdout)
    assert (told["ok"], told["first_bad"], len(told["store"])) == (False, None, 1)
    assert "error[E_LOG]" in done.stderr
