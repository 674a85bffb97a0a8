"""`export` and `import` as users and scripts meet them."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.machine import BODY, Machine, refused

pytestmark = pytest.mark.slow


@pytest.fixture
def key(machine: Machine) -> Path:
    key = machine.folder / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", machine.folder / "key.pub"], check=True)
    return key


def other(machine: Machine) -> dict[str, str]:
    """A machine with no catalogue's mirror in reach, and a store of its own."""
    return {"INDEXTTS_HUB_CACHE": str(machine.folder / "other")}


def test_a_version_is_carried_to_another_machine(machine: Machine) -> None:
    machine.run("pull", "tiny")
    written = json.loads(machine.run("export", "tiny", "-o", "tiny.tar", "--json").stdout)
    assert written["bundle"] == ["tiny.tar"]
    assert [each["version"] for each in written["versions"]] == ["tiny"]
    machine.origin.files.clear()
    taken = json.loads(machine.run("import", "tiny.tar", "--json", **other(machine)).stdout)
    assert (taken["blobs_added"], taken["blobs_present"]) == (2, 0)
    assert (Path(taken["versions"][0]["path"]) / "model.bin").read_bytes() == BODY
    assert machine.run("verify", **other(machine)).returncode == 0
    events = [json.loads(line) for line in machine.run("audit", "log", "--json", **other(machine)).stdout.splitlines()]
    assert [event["act"] for event in events] == ["import", "verify"]


def test_a_signed_bundle_in_volumes_is_verified(machine: Machine, key: Path) -> None:
    machine.run("pull", "tiny")
    written = json.loads(machine.run("export", "tiny", "-o", "t.tar", "--split", "1M", "--sign", str(key), "--json").stdout)
    assert written["bundle"] == ["t.tar.001", "t.tar.002", "t.tar.volumes.json"]
    done = machine.run("import", "t.tar", "--verify-key", "key.pub", **other(machine))
    assert "signed by 1 of your keys" in done.stdout


def test_a_bundle_that_nobody_signed_is_refused_where_a_key_is_asked_for(machine: Machine, key: Path) -> None:
    machine.run("pull", "tiny")
    machine.run("export", "tiny", "-o", "t.tar")
    refused(machine.run("import", "t.tar", "--verify-key", "key.pub", **other(machine)), 8, "E_SIGNATURE")
    assert json.loads(machine.run("list", "--json", **other(machine)).stdout) == []


def test_a_signed_bundle_is_the_same_each_time_at_a_set_time(machine: Machine, key: Path) -> None:
    machine.run("pull", "tiny")
    for name in ("a.tar", "b.tar"):
        machine.run("export", "tiny", "-o", name, "--sign", str(key), "--expires", "90d", SOURCE_DATE_EPOCH="1800000000")
    assert (machine.folder / "a.tar").read_bytes() == (machine.folder / "b.tar").read_bytes()


def test_what_can_not_be_exported_or_imported_is_said(machine: Machine) -> None:
    refused(machine.run("export", "tiny", "-o", "t.tar"), 3, "E_NO_SNAPSHOT")
    machine.run("pull", "tiny", "--include", "folder/*")
    refused(machine.run("export", "tiny", "-o", "t.tar"), 3, "E_NO_BLOB")
    refused(machine.run("import", "t.tar"), 3, "E_NO_FILE")
    (machine.folder / "t.tar").write_bytes(b"x" * 2000)
    refused(machine.run("import", "t.tar"), 4, "E_BUNDLE")
    for wrong in (("--split", "5"), ("--expires", "soon"), ("--sign", "mirrors.yaml")):
        assert machine.run("export", "tiny", "-o", "t.tar", *wrong).returncode in {2, 3}
