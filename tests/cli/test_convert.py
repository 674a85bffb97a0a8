"""`convert`: a checkpoint of a version, or one that lies anywhere, as safetensors; both digests in the log."""

import hashlib
from pathlib import Path

import pytest

from indextts_hub.audit import AuditLog
from tests.cli.machine import Machine, refused
from tests.cli.test_scan import GOOD, with_version
from tests.hub.gate.pickling import call, checkpoint, put, tensor

pytestmark = pytest.mark.slow

STATE = checkpoint(b"\x80\x02}" + put("a") + tensor() + b"s.")


def events(machine: Machine) -> list[tuple[str, str, dict[str, object]]]:
    found = AuditLog(machine.cache / "audit").events()
    return [(event.subject, event.outcome, dict(event.details)) for event in found if event.act == "convert"]


def test_a_version_s_checkpoint_is_converted_and_both_digests_are_written_down(machine: Machine) -> None:
    with_version(machine)
    machine.document("pull", "v23")
    told = machine.document("convert", "v23", "gpt.pth", "-o", "out.safetensors")
    assert isinstance(told, dict)
    made = hashlib.sha256((machine.folder / "out.safetensors").read_bytes()).hexdigest()
    assert (told["from"], told["to"], told["tensors"]) == (hashlib.sha256(GOOD).hexdigest(), made, 1)
    ((subject, outcome, details),) = events(machine)
    assert (subject.startswith("v23@sha256:"), subject.endswith("/gpt.pth"), outcome) == (True, True, "done")
    assert (details["from"], details["to"]) == (told["from"], made)


def test_a_file_is_converted_beside_its_name(machine: Machine) -> None:
    (machine.folder / "gpt.pth").write_bytes(STATE)
    first = machine.run("convert", "gpt.pth")
    assert first.returncode == 0, first.stderr
    body = (machine.folder / "gpt.safetensors").read_bytes()
    assert hashlib.sha256(body).hexdigest() in first.stdout
    assert machine.run("convert", "./gpt.pth").returncode == 0
    assert (machine.folder / "gpt.safetensors").read_bytes() == body


def test_a_bad_checkpoint_is_exit_8_and_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    (machine.folder / "gpt.pth").write_bytes(checkpoint(call("posix", "system", f"touch {tmp_path / 'canary'}", protocol=2)))
    refused(machine.run("convert", "gpt.pth", "-o", "out.safetensors"), 8, "E_PICKLE")
    assert not (machine.folder / "out.safetensors").exists()
    assert not (tmp_path / "canary").exists()
    assert [(subject, outcome) for subject, outcome, _ in events(machine)] == [("gpt.pth", "E_PICKLE")]


def test_what_is_not_there_is_said(machine: Machine) -> None:
    with_version(machine)
    machine.document("pull", "v23")
    refused(machine.run("convert", "v23", "nothing.pth"), 3, "E_NO_FILE")
    refused(machine.run("convert", "./nothing.pth"), 3, "E_NO_FILE")
    refused(machine.run("convert", "v23"), 2, "E_USAGE")
    refused(machine.run("convert", "v23", "config.yaml"), 8, "E_PICKLE")
