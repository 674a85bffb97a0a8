"""Links by the command: made, listed, revoked."""

import json
from urllib.parse import urlsplit

import pytest

from tests.cli.machine import Machine, refused

pytestmark = pytest.mark.slow


def test_a_link_is_one_line_that_wget_can_use(machine: Machine) -> None:
    machine.run("pull", "tiny")
    done = machine.run("link", "tiny", "folder/config.json", "--ttl", "30m", "--uses", "2", "--base", "http://hub.intranet:7860/")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    split = urlsplit(line)
    assert (split.scheme, split.netloc) == ("http", "hub.intranet:7860")
    assert split.path.endswith("/folder/config.json")
    (row,) = json.loads(machine.run("links", "list", "--json").stdout)
    assert (row["version"], row["file"], row["uses"], row["used"]) == ("tiny", "folder/config.json", 2, 0)
    assert "key" not in row
    assert row["id"] in line
    assert json.loads(machine.run("links", "revoke", row["id"], "--json").stdout)["revoked"]
    assert "revoked" in machine.run("links", "list").stdout
    acts = [json.loads(event)["act"] for event in machine.run("audit", "log", "--json").stdout.splitlines()]
    assert {"link create", "link revoke"} <= set(acts)


def test_a_link_to_a_whole_version_says_how_a_catalogue_names_it(machine: Machine) -> None:
    machine.run("pull", "tiny")
    told = json.loads(machine.run("link", "tiny", "--ttl", "90d", "--scheme", "tencent-d", "--json").stdout)
    assert told["base"].startswith("http://127.0.0.1:7860/links/")
    assert len(told["key"]) >= 32
    assert told["key"] not in machine.run("audit", "log", "--json").stdout


def test_what_no_link_can_be_made_of_is_refused(machine: Machine) -> None:
    refused(machine.run("link", "tiny", "model.bin"), 3, "E_NO_SNAPSHOT")
    machine.run("pull", "tiny")
    refused(machine.run("link", "tiny", "absent.bin"), 3, "E_NO_FILE")
    refused(machine.run("link", "tiny", "model.bin", "--ttl", "soon"), 2, "E_USAGE")
    refused(machine.run("link", "tiny", "model.bin", "--ip", "somewhere"), 2, "E_USAGE")
    refused(machine.run("links", "revoke", "nothing"), 3, "E_NO_LINK")
