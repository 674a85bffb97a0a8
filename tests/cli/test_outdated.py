"""What is newer than what is here, in the catalogue and upstream, and who is told."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import BODY, PROGRAM, Machine, refused
from tests.origins.origin import Origin, status

pytestmark = pytest.mark.slow

PINNED, LATER = "740dcaff396282ffb241903d150ac011cd4b1ede", "e" * 40
CONFIG = b"{}"


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def tree(**digests: str | None) -> bytes:
    entries: list[dict[str, object]] = [{"type": "directory", "path": "folder", "oid": "0" * 40}]
    for path, digest in digests.items():
        lfs = {"lfs": {"oid": digest, "size": 1, "pointerSize": 130}} if digest else {}
        entries.append({"type": "file", "path": path, "size": 1, "oid": "1" * 40, **lfs})
    return json.dumps(entries).encode()


def listing(**digests: str) -> bytes:
    files = [{"Path": path, "Name": path, "Type": "blob", "Size": 1, "Sha256": digest} for path, digest in digests.items()]
    return json.dumps({"Code": 200, "Success": True, "Data": {"Files": files}}).encode()


HEAD, TREE, FILES = "api/models/a/b/revision/main", f"api/models/a/b/tree/{LATER}", "api/v1/models/c/d/repo/files"
AS_PINNED = json.dumps({"id": "a/b", "sha": PINNED}).encode()
MOVED = json.dumps({"id": "a/b", "sha": LATER}).encode()
SAME = {"model.bin": sha256(BODY), "folder/config.json": sha256(CONFIG)}


@pytest.fixture
def upstream(machine: Machine) -> Iterator[Origin]:
    """A machine that has `tiny`, of which the catalogue says that it is on the Hugging Face Hub and on ModelScope, too."""
    machine.run("pull", "tiny").check_returncode()
    with Origin({HEAD: AS_PINNED, FILES: listing(**SAME), "hook": b"ok"}) as origin:
        catalog = machine.folder / "mirrors.yaml"
        text = catalog.read_text("utf-8")
        kinds = f"  hf: {{kind: huggingface, endpoint: '{origin.url}'}}\n  ms: {{kind: modelscope, endpoint: '{origin.url}'}}\n"
        sources = f"[{{mirror: cdn}}, {{mirror: hf, repo: a/b, revision: {PINNED}}}, {{mirror: ms, repo: c/d}}]"
        text = text.replace("versions:\n", f"{kinds}versions:\n").replace("[{mirror: cdn}]", sources, 1)
        catalog.write_text(text, "utf-8")
        yield origin


def rows(machine: Machine) -> dict[str, dict[str, object]]:
    found = machine.document("outdated", "--upstream")
    assert isinstance(found, dict)
    return {row["mirror"]: row for row in found["upstream"]}


def test_repositories_that_are_as_they_were_pinned_are_not_newer(machine: Machine, upstream: Origin) -> None:
    found = rows(machine)
    assert {name: (row["moved"], row["files"], row["error"]) for name, row in found.items()} == {
        "hf": (False, [], None),
        "ms": (False, [], None),
    }
    assert [asked.path for asked in upstream.requests] == [HEAD, FILES]
    shown = machine.run("outdated", "--upstream").stdout
    assert "Everything here is what the catalogue has." in shown
    assert "as pinned" in shown


def test_a_branch_that_moved_on_is_told_with_the_files_that_changed(machine: Machine, upstream: Origin) -> None:
    upstream.files |= {
        HEAD: MOVED,
        TREE: tree(**{"model.bin": "a" * 64, "folder/config.json": None, "more.bin": "b" * 64}),
        FILES: listing(**{"model.bin": "c" * 64}),
    }
    found = rows(machine)
    assert (found["hf"]["moved"], found["hf"]["latest"], found["hf"]["files"]) == (True, LATER, ["model.bin"])
    assert (found["ms"]["moved"], sorted(found["ms"]["files"])) == (True, ["folder/config.json", "model.bin"])  # type: ignore[call-overload]
    assert "moved" in machine.run("outdated", "--upstream").stdout


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"sha": "main"}', b"null", b'{"Data": {"Files": 5}}'])
def test_what_a_repository_does_not_tell_is_no_news(machine: Machine, upstream: Origin, body: bytes) -> None:
    upstream.files |= {HEAD: body, FILES: body}
    found = rows(machine)
    assert {(row["moved"], row["code"]) for row in found.values()} == {(False, "E_LIED")}
    upstream.faults["*"] = status(500)
    assert {row["moved"] for row in rows(machine).values()} == {False}
    refused(machine.run("watch", "--once", "--upstream"), 5, "E_NO_SOURCE")


def test_a_webhook_is_told_once_what_is_newer_and_can_check_who_says_so(machine: Machine, upstream: Origin) -> None:
    upstream.files |= {HEAD: MOVED, TREE: tree(**SAME)}
    settings = {"INDEXTTS_HUB_WEBHOOK": f"{upstream.url}/hook?token=planted-secret", "INDEXTTS_HUB_WEBHOOK_KEY": "shared"}
    done = machine.run("watch", "--once", "--upstream", **settings)
    assert done.returncode == 0, done.stderr
    assert "a/b on hf has moved from 740dcaff3962 to eeeeeeeeeeee" in done.stdout
    (told,) = [asked for asked in upstream.requests if asked.path == "hook"]
    signed = hmac.new(b"shared", told.body, hashlib.sha256).hexdigest()
    assert told.headers["x-indextts-signature"] == f"sha256={signed}"
    document = json.loads(told.body)
    assert "a/b on hf has moved" in document["text"]
    assert [row["mirror"] for row in document["upstream"] if row["moved"]] == ["hf"]


def test_nobody_is_told_where_nothing_is_newer(machine: Machine, upstream: Origin) -> None:
    machine.run("watch", "--once", "--upstream", "--webhook", f"{upstream.url}/hook").check_returncode()
    assert [asked for asked in upstream.requests if asked.path == "hook"] == []


def test_a_webhook_that_takes_nothing_is_named_without_its_secret(machine: Machine, upstream: Origin) -> None:
    upstream.files |= {HEAD: MOVED, TREE: tree(**SAME)}
    for address in (f"{upstream.url}/absent?token=planted-secret", "http://127.0.0.1:9/planted-secret"):
        done = machine.run("watch", "--once", "--upstream", INDEXTTS_HUB_WEBHOOK=address)
        refused(done, 5, "E_WEBHOOK")
        assert "planted-secret" not in done.stdout + done.stderr
    refused(machine.run("watch", "--once", "--upstream", "--webhook", "ftp://x/"), 2, "E_WEBHOOK")


def test_a_watch_goes_on_through_trouble_and_tells_only_changes(machine: Machine, upstream: Origin, tmp_path: Path) -> None:
    upstream.faults["hook"] = status(503)
    upstream.files |= {HEAD: MOVED, TREE: tree(**SAME)}
    environment = {**os.environ, "INDEXTTS_HUB_CACHE": str(machine.cache), "INDEXTTS_HUB_WEBHOOK": f"{upstream.url}/hook"}
    # A run of the tests that was begun in the background hands down that it is not to be interrupted.
    begin = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", begin, PROGRAM, "watch", "--every", "1s", "--upstream"]
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(command, cwd=machine.folder, env=environment, stderr=said) as watching,
    ):

        def asked(path: str) -> int:
            return len([request for request in upstream.requests if request.path == path])

        def until_asked(path: str, more: int) -> None:
            end, before = time.monotonic() + 60, asked(path)
            while asked(path) < before + more:
                assert time.monotonic() < end
                time.sleep(0.05)

        try:
            until_asked("hook", 2)
            del upstream.faults["hook"]
            until_asked("hook", 1)
            told = asked("hook")
            until_asked(HEAD, 2)
            assert asked("hook") == told
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 130
        finally:
            watching.kill()
    assert "E_WEBHOOK" in (tmp_path / "said").read_text()


def test_another_digest_in_the_catalogue_is_newer(machine: Machine) -> None:
    machine.run("pull", "tiny").check_returncode()
    assert machine.document("outdated") == []
    catalog = machine.folder / "mirrors.yaml"
    catalog.write_text(catalog.read_text("utf-8").replace("folder/config.json, size: 2", "folder/other.json, size: 2"), "utf-8")
    (row,) = machine.document("outdated")  # type: ignore[misc]
    assert row["version"] == "tiny"
    assert "tiny: the catalogue has" in machine.run("watch", "--once").stdout
