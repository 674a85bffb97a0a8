"""`scan`: what a version's files, or a file, would do; by the gate, and by picklescan where it is installed."""

import hashlib
import json
from pathlib import Path

import pytest

from indextts_hub.audit import AuditLog
from tests.cli.machine import Machine, refused
from tests.hub.gate.pickling import call, checkpoint, tensor

GOOD = checkpoint(b"\x80\x02" + tensor() + b".")


def events(machine: Machine) -> list[tuple[str, str, object]]:
    found = AuditLog(machine.cache / "audit").events()
    return [(event.subject, event.outcome, event.details.get("picklescan")) for event in found if event.act == "scan"]


def with_version(machine: Machine) -> None:
    """A version of one checkpoint and one text, in a folder."""
    (machine.folder / "models").mkdir()
    for name, body in (("gpt.pth", GOOD), ("config.yaml", b"a: 1\n")):
        (machine.folder / "models" / name).write_bytes(body)
    listed = "".join(
        f"      - {{path: {name}, size: {len(body)}, sha256: {hashlib.sha256(body).hexdigest()}}}\n"
        for name, body in (("gpt.pth", GOOD), ("config.yaml", b"a: 1\n"))
    )
    (machine.folder / "mirrors.yaml").write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{machine.folder / 'models'}'}}\nversions:\n  v23:\n    title: v23\n"
        f"    engine: indextts2\n    license: {{name: MIT}}\n    sources: [{{mirror: usb}}]\n    files:\n{listed}",
        "utf-8",
    )


def test_a_version_is_looked_at_file_by_file(machine: Machine) -> None:
    with_version(machine)
    machine.document("pull", "v23")
    scanned = machine.document("scan", "v23")
    assert isinstance(scanned, dict)
    assert scanned["ok"]
    text, weights = scanned["files"]
    assert (text["form"], text["imports"], text["problem"]) == ("other", [], None)
    assert (weights["form"], weights["ok"], weights["sha256"]) == ("torch archive", True, hashlib.sha256(GOOD).hexdigest())
    assert "torch._utils._rebuild_tensor_v2" in weights["imports"]
    if scanned["picklescan"]:
        assert weights["picklescan"] == {"issues": 0, "imports": [], "trouble": None}
    assert [(subject, outcome) for subject, outcome, _ in events(machine)] == [("gpt.pth", "done")] * 2
    assert "harmless" in machine.run("scan", "v23").stdout


def test_a_bad_file_is_exit_8_and_says_what_it_would_do(machine: Machine, tmp_path: Path) -> None:
    """P01."""
    (machine.folder / "gpt.pth").write_bytes(checkpoint(call("posix", "system", f"touch {tmp_path / 'canary'}", protocol=2)))
    refused(machine.run("scan", "gpt.pth", "-q"), 8, "E_PICKLE")
    shown = machine.run("scan", "./gpt.pth")
    assert "it imports posix.system, which is not on the allow-list (archive/data.pkl at byte 2)" in shown.stdout
    told = json.loads(machine.run("scan", "gpt.pth", "--json").stdout)
    assert (told["ok"], told["files"][0]["code"], told["files"][0]["imports"]) == (False, "E_PICKLE", ["posix.system"])
    assert not (tmp_path / "canary").exists()
    assert {(subject, outcome) for subject, outcome, _ in events(machine)} == {("gpt.pth", "E_PICKLE")}


def test_picklescan_is_asked_too(machine: Machine) -> None:
    pytest.importorskip("picklescan")
    (machine.folder / "a.pkl").write_bytes(call("posix", "system", "true"))
    told = json.loads(machine.run("scan", "a.pkl", "--json").stdout)
    assert told["files"][0]["picklescan"] == {"issues": 1, "imports": ["posix.system"], "trouble": None}
    assert events(machine) == [("a.pkl", "E_PICKLE", "posix.system")]


def test_what_is_not_there_is_exit_3(machine: Machine) -> None:
    refused(machine.run("scan", "./nothing.pth"), 3, "E_NO_FILE")
    refused(machine.run("scan", "tiny"), 3, "E_NO_SNAPSHOT")
    (machine.folder / "a.pipe").mkdir()
    refused(machine.run("scan", "./a.pipe"), 6, "E_NOT_A_FILE")
