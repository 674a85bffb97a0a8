"""Bringing versions to mirrors and checking these, by the command."""

import json
from pathlib import Path

from tests.cli.machine import BODY, Machine, refused


def with_share(machine: Machine) -> Path:
    share = machine.folder / "share"
    share.mkdir()
    catalog = machine.folder / "mirrors.yaml"
    text = catalog.read_text("utf-8").replace("versions:\n", f"  share: {{kind: file, base: '{share}'}}\nversions:\n", 1)
    catalog.write_text(text.replace("sources: [{mirror: cdn}]", "sources: [{mirror: cdn}, {mirror: share}]", 1), "utf-8")
    return share


def test_a_version_is_brought_to_a_mirror_and_the_mirror_then_passes(machine: Machine) -> None:
    share = with_share(machine)
    machine.run("pull", "tiny", "--source", "cdn")
    missing = machine.run("mirrors", "check", "share")
    assert missing.returncode == 4
    assert "model.bin is missing" in missing.stdout
    told = machine.document("mirrors", "sync", "tiny", "--to", "share")
    assert isinstance(told, dict)
    assert told["bytes_sent"] == len(BODY) + 2
    assert (share / "model.bin").read_bytes() == BODY
    rows = machine.document("mirrors", "check", "share")
    assert isinstance(rows, list)
    assert {(row["path"], row["state"]) for row in rows} == {("model.bin", "right"), ("folder/config.json", "right")}
    assert "mirrors sync" in machine.run("audit", "log").stdout
    assert "share" in machine.run("mirrors", "check").stdout


def test_a_wrong_file_ends_the_check_with_4_and_a_silent_mirror_with_5(machine: Machine) -> None:
    share = with_share(machine)
    machine.run("pull", "tiny", "--source", "cdn")
    machine.run("mirrors", "sync", "tiny", "--to", "share")
    (share / "model.bin").write_bytes(b"x" + BODY[1:])
    done = machine.run("mirrors", "check", "share", "--json")
    refused(done, 4, "E_MIRROR")
    assert [row["state"] for row in json.loads(done.stdout)] == ["right", "wrong"]
    machine.origin.files.clear()
    refused(machine.run("mirrors", "check", "cdn", "--json"), 4, "E_MIRROR")
    refused(machine.run("mirrors", "sync", "tiny", "--to", "cdn"), 2, "E_KIND")
