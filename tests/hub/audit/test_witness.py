"""Whoever takes a bundle in is a witness of the log of whoever wrote it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from indextts_hub import Hub
from indextts_hub.audit import AuditLog
from indextts_hub.audit.checkpoints import log_key, sign_checkpoint
from indextts_hub.audit.verify import Checkpoint
from indextts_hub.audit.witness import witnessed_notes
from indextts_hub.bundle import ExportOptions, ImportOptions
from indextts_hub.bundles import export_versions, import_versions, to_export
from indextts_hub.transfer import Silent
from tests.hub.mirror.lender import FILES, listed

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture
def outer(tmp_path: Path) -> Hub:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "gpt.bin").write_bytes(FILES["gpt.bin"])
    catalog = tmp_path / "mirrors.yaml"
    catalog.write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{tmp_path / 'files'}'}}\nversions:\n  v23:\n    title: t\n"
        f"    engine: e\n    license: {{name: MIT}}\n    sources: [{{mirror: usb}}]\n    files: [{listed('gpt.bin')}]\n"
    )
    hub = Hub(tmp_path / "outer", catalog)
    hub.pull("v23")
    return hub


@pytest.fixture
def inner(tmp_path: Path) -> Hub:
    return Hub(tmp_path / "inner", tmp_path / "mirrors.yaml")


def carried(outer: Hub, inner: Hub, folder: Path, created: int | None) -> None:
    options = ExportOptions(created=created)
    export_versions(outer, to_export(outer, ["v23"]), [], folder / "v23.tar", options, Silent(), witness=created is not None)
    import_versions(inner, folder / "v23.tar", ImportOptions(allow_older=True), Silent())


def test_a_bundle_brings_what_the_log_was_when_it_was_written(outer: Hub, inner: Hub, tmp_path: Path) -> None:
    events = len(list(AuditLog(outer.store.audit).events()))
    carried(outer, inner, tmp_path, int(time.time()))
    (note,) = witnessed_notes(AuditLog(inner.store.audit))
    assert (note.size, note.key) == (events, str(log_key(outer.store.audit).verifier))
    # The export itself came after it, and the log that went on agrees with it.
    assert AuditLog(outer.store.audit).verify([Checkpoint(note.origin, note.size, _root(outer, events))]).ok


def _root(hub: Hub, events: int) -> str:
    from itertools import islice

    from indextts_hub.audit.verify import check_lines

    return check_lines(islice(AuditLog(hub.store.audit).lines(), events)).root


def test_an_operator_who_rewrites_history_with_the_true_key_is_found_by_a_receiver(outer: Hub, inner: Hub, tmp_path: Path) -> None:
    """L03, L04: by the stand-alone verifier, with the note that the receiver's own log has."""
    carried(outer, inner, tmp_path, int(time.time()))
    (note,) = witnessed_notes(AuditLog(inner.store.audit))
    (tmp_path / "note").write_text(note.checkpoint)
    log = AuditLog(outer.store.audit)
    verifier = [
        sys.executable,
        str(ROOT / "indextts_hub/audit/verify.py"),
        str(log.path),
        "--key",
        note.key,
        "--checkpoint",
        str(tmp_path / "note"),
    ]
    assert subprocess.run(verifier, check=False, capture_output=True).returncode == 0
    # The same number of events, another past, signed with the same key: the log in itself is right.
    kept = list(log.events())
    log.path.unlink()
    (log.folder / "checkpoint").unlink()
    for event in kept:
        log.append(event.act, event.subject, outcome=event.outcome, actor="somebody else", at=event.at)
    sign_checkpoint(log, log_key(log.folder))
    assert log.verify().ok
    found = subprocess.run(verifier, check=False, capture_output=True, text=True)
    assert found.returncode == 4
    assert "rewritten" in json.loads(found.stdout)["problem"]


def test_a_bundle_that_is_to_be_the_same_each_time_brings_none(outer: Hub, inner: Hub, tmp_path: Path) -> None:
    carried(outer, inner, tmp_path, None)
    assert list(witnessed_notes(AuditLog(inner.store.audit))) == []


def test_the_command_shows_and_writes_what_was_witnessed(outer: Hub, inner: Hub, tmp_path: Path) -> None:
    carried(outer, inner, tmp_path, int(time.time()))
    command = [sys.executable, "-m", "cli.main", "audit", "witnessed", "--cache-dir", str(tmp_path / "inner")]
    shown = subprocess.run([*command, "-o", str(tmp_path / "notes")], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (note,) = witnessed_notes(AuditLog(inner.store.audit))
    assert note.origin in shown
    assert (tmp_path / "notes" / f"{note.seq}.checkpoint").read_text() == note.checkpoint
    (row,) = json.loads(subprocess.run([*command, "--json"], cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert row["note"] == note.checkpoint
