"""The command as users and scripts meet it: exit codes, two lines of message, one JSON document, nothing under a final name."""

import contextlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli.main import COMMANDS
from cli.terms import terms
from indextts_hub.catalog import load_catalog
from indextts_hub.shipped import shipped
from tests.cli.machine import BODY, PROGRAM, Machine, refused
from tests.origins.origin import cut, flipped, page, status


def test_a_version_is_pulled_listed_shown_found_and_verified(machine: Machine) -> None:
    pulled = machine.document("pull", "tiny")
    assert isinstance(pulled, dict)
    assert (pulled["version"], pulled["bytes_fetched"], pulled["bytes_wasted"]) == ("tiny", len(BODY) + 2, 0)
    assert {file["status"] for file in pulled["files"]} == {"fetched"}
    assert pulled["files"][1]["sources"][0]["name"] == "cdn"
    (listed,) = machine.document("list")  # type: ignore[misc]
    assert (listed["version"], listed["state"], listed["pinned"]) == ("tiny", "complete", False)
    shown = machine.document("show", "tiny")
    assert isinstance(shown, dict)
    assert {file["state"] for file in shown["files"]} == {"present"}
    found = machine.run("path", "small", "model.bin")
    assert Path(found.stdout.strip()).read_bytes() == BODY
    verified = machine.document("verify")
    assert isinstance(verified, dict)
    assert verified["ok"]


def test_a_second_pull_asks_nobody(machine: Machine) -> None:
    machine.document("pull", "tiny")
    asked = len(machine.origin.requests)
    again = machine.document("pull", "tiny")
    assert isinstance(again, dict)
    assert {file["status"] for file in again["files"]} == {"present"}
    assert len(machine.origin.requests) == asked


def test_wrong_bytes_are_exit_4_and_nothing_has_a_final_name(machine: Machine) -> None:
    machine.origin.faults["model.bin"] = flipped(at=7)
    refused(machine.run("pull", "tiny", "--include", "model.bin"), 4, "E_DIGEST_MISMATCH")
    assert machine.finished == []


def test_a_page_is_exit_5_and_is_called_one(machine: Machine) -> None:
    machine.origin.faults["model.bin"] = page(b"<!doctype html><title>Log in</title>")
    done = machine.run("pull", "tiny", "--include", "model.bin")
    refused(done, 5, "E_NO_SOURCE")
    assert "a page" in done.stderr
    assert machine.finished == []


def test_a_body_that_is_always_cut_at_its_start_is_exit_5(machine: Machine) -> None:
    machine.origin.faults["model.bin"] = status(404)
    refused(machine.run("pull", "tiny", "--include", "model.bin"), 5, "E_NO_SOURCE")
    assert machine.finished == []


def test_a_body_that_is_cut_goes_on_where_it_was_cut(machine: Machine) -> None:
    machine.origin.faults["model.bin"] = cut(300_000)
    pulled = machine.document("pull", "tiny")
    assert isinstance(pulled, dict)
    assert pulled["bytes_wasted"] == 0


def test_an_unknown_version_is_exit_3_and_the_nearest_is_named(machine: Machine) -> None:
    done = machine.run("pull", "tinny")
    refused(done, 3, "E_NO_VERSION")
    assert "tiny" in done.stderr


def test_a_folder_that_can_not_be_written_is_exit_6(machine: Machine) -> None:
    machine.cache.write_bytes(b"a file stands where the store should be")
    done = machine.run("pull", "tiny")
    assert done.returncode == 6
    assert len(done.stderr.splitlines()) == 2


def test_a_folder_of_something_else_is_exit_6(machine: Machine) -> None:
    machine.cache.mkdir()
    (machine.cache / "holiday.jpg").write_bytes(b"x")
    refused(machine.run("pull", "tiny"), 6, "E_NOT_A_STORE")


def test_a_licence_must_be_accepted_once(machine: Machine) -> None:
    refused(machine.run("pull", "strict"), 8, "E_LICENSE")
    assert machine.finished == []
    assert machine.run("pull", "strict", "--accept-license", "-q").returncode == 0


def test_offline_nothing_is_asked_and_what_is_here_is_enough(machine: Machine) -> None:
    refused(machine.run("pull", "tiny", "--offline"), 8, "E_OFFLINE")
    assert machine.origin.requests == []
    machine.document("pull", "tiny")
    assert machine.run("pull", "tiny", "--offline", "-q").returncode == 0


def test_a_dry_run_says_what_would_be_fetched_and_fetches_nothing(machine: Machine) -> None:
    (planned,) = machine.document("pull", "tiny", "--dry-run")  # type: ignore[misc]
    assert planned["bytes_needed"] == len(BODY) + 2
    assert machine.origin.requests == []


def test_a_lock_fixes_the_digest(machine: Machine) -> None:
    machine.document("pull", "tiny")
    locked = machine.document("lock")
    assert isinstance(locked, dict)
    assert machine.run("pull", "tiny", "--locked", "-q").returncode == 0
    lock = machine.folder / "indextts-hub.lock"
    lock.write_text(lock.read_text().replace(locked["versions"]["tiny"], "0" * 64))
    refused(machine.run("pull", "tiny", "--locked"), 4, "E_LOCKED")


def test_a_changed_blob_is_found_named_and_mended(machine: Machine) -> None:
    machine.document("pull", "tiny")
    blob = next(path for path in machine.finished if "blobs" in path.parts and path.stat().st_size == len(BODY))
    blob.chmod(0o644)
    blob.write_bytes(b"!" + BODY[1:])
    assert machine.run("verify").returncode == 4
    assert machine.run("verify", "--repair").returncode == 0
    assert Path(machine.run("path", "tiny", "model.bin").stdout.strip()).read_bytes() == BODY


def test_names_are_kept_moved_and_rolled_back(machine: Machine) -> None:
    machine.document("pull", "tiny")
    assert machine.run("alias", "set", "stable", "tiny").returncode == 0
    assert machine.run("path", "stable").stdout == machine.run("path", "tiny").stdout
    assert machine.run("pin", "tiny").returncode == 0
    refused(machine.run("remove", "tiny"), 8, "E_PINNED")
    assert machine.run("unpin", "tiny").returncode == 0
    assert machine.run("alias", "rm", "stable").returncode == 0
    assert machine.run("remove", "tiny").returncode == 0
    freed = machine.document("gc")
    assert isinstance(freed, dict)
    assert freed["freed_bytes"] >= len(BODY)


def test_what_was_done_stands_in_the_log(machine: Machine) -> None:
    machine.document("pull", "tiny")
    lines = [json.loads(line) for line in machine.run("audit", "log", "--json").stdout.splitlines()]
    assert lines[0]["act"] == "pull"
    assert lines[0]["outcome"] == "done"
    verified = machine.document("audit", "verify")
    assert isinstance(verified, dict)
    assert verified["ok"]


def test_a_wrong_catalogue_is_shown_where_it_is_wrong(machine: Machine) -> None:
    catalogue = machine.folder / "mirrors.yaml"
    catalogue.write_text(catalogue.read_text().replace("max_connections", "max_conections"))
    done = machine.run("list", "--all")
    refused(done, 2, "E_CATALOG")
    assert "mirrors.yaml:3:" in done.stderr
    assert "max_connections" in done.stderr


@pytest.mark.parametrize("arguments", [("nonsense",), ("pull",), ("pull", "tiny", "--jobs", "many"), ("list", "--frobnicate")])
def test_wrong_usage_is_exit_2(machine: Machine, arguments: tuple[str, ...]) -> None:
    refused(machine.run(*arguments), 2, "E_USAGE")


def test_messages_have_chinese_labels_where_users_read_chinese(machine: Machine) -> None:
    done = machine.run("pull", "nothing", LANG="zh_CN.UTF-8")
    assert done.stderr.splitlines()[0].startswith("错误[E_NO_VERSION]: ")
    assert done.stderr.splitlines()[1].startswith("建议: ")


def test_secrets_stand_in_no_output_and_no_log(machine: Machine) -> None:
    catalogue = machine.folder / "mirrors.yaml"
    catalogue.write_text(catalogue.read_text().replace("max_connections: 2", "token_env: CDN_TOKEN"))
    machine.origin.faults["*"] = status(403)
    done = machine.run("pull", "tiny", "-v", CDN_TOKEN="planted-secret")
    assert done.returncode == 5
    written = [path.read_bytes() for path in machine.cache.rglob("*") if path.is_file()]
    assert "planted-secret" not in done.stdout + done.stderr
    assert not any(b"planted-secret" in body for body in written)
    assert machine.origin.requests[0].headers["authorization"] == "Bearer planted-secret"


@pytest.mark.slow
@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_explains_itself(machine: Machine, command: str) -> None:
    done = machine.run(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_a_difference_between_two_versions_is_shown_file_by_file(machine: Machine) -> None:
    document = machine.document("show", "--diff", "tiny", "strict")
    assert isinstance(document, dict)
    assert [(row["path"], row["change"]) for row in document["files"]] == [("folder/config.json", "removed"), ("model.bin", "same")]
    assert document["bytes_more"] == 0
    assert "folder/config.json  removed" in machine.run("show", "--diff", "tiny", "strict").stdout
    refused(machine.run("show", "--diff", "tiny"), 2, "E_USAGE")
    refused(machine.run("show", "tiny", "strict"), 2, "E_USAGE")


def test_doctor_looks_around_too_and_shows_no_password(machine: Machine) -> None:
    machine.run("pull", "tiny")
    proxy = {"https_proxy": "http://user:planted@proxy.example.com:3128"}
    done = machine.run("doctor", **proxy)
    assert done.returncode == 0, done.stderr
    names = [line.partition(":")[0] for line in done.stdout.splitlines()]
    assert names[:3] == ["disk", "memory", "gpu"]
    assert names[-2:] == ["mirror cdn", "store"]
    assert "proxy.example.com:3128" in done.stdout
    assert "planted" not in done.stdout
    machine.origin.faults["*"] = status(403)
    around = json.loads(machine.run("doctor", "--json").stdout)["around"]
    assert [(each["name"], each["ok"]) for each in around][-1] == ("mirror cdn", False)
    assert not any(
        each["name"].startswith("mirror") for each in json.loads(machine.run("doctor", "--offline", "--json").stdout)["around"]
    )


def test_the_store_is_scrubbed_and_a_folder_is_adopted_and_laid_out(machine: Machine) -> None:
    folder = machine.folder / "checkpoints"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "renamed.bin").write_bytes(BODY)
    adopted = json.loads(machine.run("adopt", "tiny", str(folder), "--json").stdout)
    assert adopted["adopted"] == ["model.bin"]
    assert adopted["missing"] == ["folder/config.json"]
    scrubbed = json.loads(machine.run("scrub", "--budget", "1m", "--json").stdout)
    assert scrubbed["bad"] == []
    blob = next(path for path in (machine.cache / "blobs").rglob("*") if path.is_file())
    blob.chmod(0o644)
    blob.write_bytes(b"!" + BODY[1:])
    refused(machine.run("verify", "tiny"), 4, "E_INTEGRITY")
    refused(machine.run("path", "tiny", "--layout", "hf"), 3, "E_NO_REPO")


def test_keys_are_made_shown_once_listed_and_revoked(machine: Machine) -> None:
    machine.run("pull", "tiny")
    made = json.loads(machine.run("key", "create", "studio", "--scope", "speak", "--expires", "90d", "--json").stdout)
    assert made["key"].startswith(f"ihk_{made['id']}_")
    assert made["scopes"] == ["speak"]
    listed = machine.run("key", "list")
    assert "studio" in listed.stdout
    assert made["key"] not in listed.stdout + machine.run("audit", "log", "--json").stdout
    assert machine.run("key", "revoke", made["id"]).returncode == 0
    assert "revoked" in machine.run("key", "list").stdout
    refused(machine.run("key", "revoke", "nobody"), 3, "E_NO_KEY")
    refused(machine.run("key", "create", "x", "--scope", "fly"), 2, "E_USAGE")


def test_a_version_that_was_revoked_is_shown_not_pulled_and_not_served(machine: Machine) -> None:
    """K08."""
    machine.run("pull", "tiny")
    digest = json.loads(machine.run("list", "--json").stdout)[0]["digest"]
    place = machine.folder / "mirrors.yaml"
    text = place.read_text("utf-8")
    place.write_text(text.replace("    aliases: [small]\n", f"    revoked: [{{digest: {digest}, reason: it stutters}}]\n"), "utf-8")
    assert json.loads(machine.run("list", "--all", "--json").stdout)[0]["revoked"] == "it stutters"
    assert "revoked" in machine.run("list", "--all").stdout
    assert "revoked: it stutters" in machine.run("show", "tiny").stdout
    refused(machine.run("pull", "tiny"), 8, "E_REVOKED")
    refused(machine.run("serve", "--model", "tiny", "--port", "0"), 8, "E_REVOKED")
    event = json.loads(machine.run("audit", "log", "--json").stdout.splitlines()[-1])
    assert (event["act"], event["outcome"]) == ("serve revoked", "E_REVOKED")
    refused(machine.run("serve", "--port", "0"), 3, "E_NO_MODEL")


def test_a_kept_checkpoint_tells_a_store_that_was_put_back_from_a_backup(machine: Machine) -> None:
    """S22, L02: whoever puts the store back puts all of it back; the note lies elsewhere."""
    machine.run("pull", "tiny")
    backup = machine.folder / "backup"
    shutil.copytree(machine.cache, backup, symlinks=True)
    machine.run("pin", "tiny")
    assert machine.run("audit", "checkpoint", "-o", "note.txt").returncode == 0
    machine.run("unpin", "tiny")
    assert machine.run("audit", "verify", "--checkpoint", "note.txt").returncode == 0
    key = machine.run("audit", "checkpoint", "--json").stdout
    shutil.rmtree(machine.cache)
    backup.rename(machine.cache)
    assert machine.run("audit", "verify").returncode == 0  # by itself an old log is a good log
    done = machine.run("audit", "verify", "--checkpoint", "note.txt", "--key", json.loads(key)["key"])
    assert done.returncode == 4
    assert "error[E_LOG]" in done.stderr
    (machine.folder / "note.txt").write_text("rubbish")
    refused(machine.run("audit", "verify", "--checkpoint", "note.txt"), 4, "E_CHECKPOINT")


def test_what_is_here_is_listed_whatever_becomes_of_the_catalogue(machine: Machine) -> None:
    machine.run("pull", "tiny")
    (machine.folder / "mirrors.yaml").write_text("rubbish: [")
    assert "tiny" in machine.run("list").stdout
    refused(machine.run("list", "--all"), 2, "E_CATALOG")


def at_a_terminal(machine: Machine, answer: str, *arguments: str) -> tuple[int, str]:
    """Run the command as a person does who sits at it and types `answer`; its exit code, and what was seen."""
    import pty
    import select

    inherited = {name: value for name, value in os.environ.items() if not name.startswith("INDEXTTS_HUB")}
    environment = inherited | {"INDEXTTS_HUB_CACHE": str(machine.cache), "LANG": "C.UTF-8", "NO_COLOR": "1"}
    ours, theirs = pty.openpty()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with subprocess.Popen([PROGRAM, *arguments], cwd=machine.folder, env=environment, **streams) as process:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        seen = b""
        with contextlib.suppress(OSError):  # Linux says EIO where the other end has closed
            while select.select([ours], [], [], 30)[0] and (piece := os.read(ours, 4096)):
                seen += piece
        code = process.wait(30)
    os.close(ours)
    return code, seen.decode(errors="replace")


@pytest.mark.skipif(os.name == "nt", reason="terminals are something else there")
def test_a_licence_is_shown_and_asked_about_once(machine: Machine) -> None:
    code, seen = at_a_terminal(machine, "n", "pull", "strict")
    assert code == 8
    assert "Licence: Company, https://example.com/terms" in seen
    assert "E_LICENSE" in seen
    assert machine.finished == []
    code, seen = at_a_terminal(machine, "y", "pull", "strict")
    assert code == 0, seen
    assert "Do you accept Company for strict?" in seen
    machine.run("remove", "strict").check_returncode()
    code, seen = at_a_terminal(machine, "", "pull", "strict")
    assert code == 0, seen
    assert "Do you accept" not in seen


def test_what_a_version_needs_is_said_before_it_is_fetched_and_not_again(machine: Machine) -> None:
    assert "1.0 MB to fetch; it takes about" in machine.run("pull", "tiny").stdout.splitlines()[0]
    assert "to fetch" not in machine.run("pull", "tiny").stdout


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (
            "v23",
            ["RMB 1 billion", "apache-2.0, which conflicts", "CC-BY-NC-4.0, not for commercial use"],
        ),
        ("v25", ["RMB 1 billion", "hf_cache/w2v-bert-2.0: MIT"]),
    ],
)
def test_the_terms_of_index_tts_say_what_stands_against_each_other(version: str, said: list[str]) -> None:
    known = load_catalog(str(shipped("mirrors.yaml"))).versions[version]
    shown = "\n".join(terms(known.manifest, known.license_note))
    assert [part for part in said if part not in shown] == []
    assert ("may not be used commercially" in shown) == (version == "v23")


def test_a_version_without_an_engine_is_kept_and_its_speech_refused_with_the_reason(machine: Machine) -> None:
    """As v15: it can be pulled, verified and audited."""
    catalogue = machine.folder / "mirrors.yaml"
    catalogue.write_text(catalogue.read_text("utf-8").replace("fastspeech2", "indextts15"), "utf-8")
    for arguments in (("pull", "tiny"), ("verify", "tiny"), ("audit", "report", "tiny")):
        machine.run(*arguments).check_returncode()
    for arguments in (("say", "你好", "--model", "tiny"), ("serve", "--model", "tiny", "--port", "0")):
        done = machine.run(*arguments)
        refused(done, 3, "E_NO_ENGINE")
        assert "IndexTTS 1.5 is here to be pulled, mirrored and audited" in done.stderr
