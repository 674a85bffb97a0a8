"""The links: which mirrors there are, how they do, and telling other clients and other catalogues of a version."""

import json
from pathlib import Path
from xml.etree import ElementTree

from tests.cli.machine import BODY, Machine, refused
from tests.origins.origin import page, status, without_ranges


def test_a_mirror_that_works_says_how_fast(machine: Machine) -> None:
    (row,) = json.loads(machine.run("mirrors", "test", "--bytes", "64K", "--json").stdout)
    assert (row["name"], row["kind"], row["ok"], row["ranges"], row["error"]) == ("cdn", "http", True, True, None)
    assert row["latency_ms"] >= 0
    assert row["bytes_per_second"] > 0
    assert machine.origin.requests[-1].range == (len(BODY) - 65536, len(BODY))
    assert "cdn: ok, first byte after" in machine.run("mirrors", "test").stdout


def test_a_mirror_without_ranges_is_said_to_have_none(machine: Machine) -> None:
    machine.origin.faults["*"] = without_ranges
    (row,) = json.loads(machine.run("mirrors", "test", "cdn", "--bytes", "64K", "--json").stdout)
    assert (row["ok"], row["ranges"]) == (True, False)


def test_where_no_mirror_works_each_has_its_reason_and_the_exit_code_is_5(machine: Machine) -> None:
    machine.origin.faults["*"] = status(403)
    done = machine.run("mirrors", "test", "--json")
    refused(done, 5, "E_NO_SOURCE")
    assert json.loads(done.stdout)[0]["code"] == "E_HTTP_403"
    machine.origin.faults["*"] = page(b"<html>log in</html>")
    assert "a page" in machine.run("mirrors", "test").stdout


def test_a_mirror_that_is_not_in_the_catalogue_is_named(machine: Machine) -> None:
    refused(machine.run("mirrors", "test", "cnd"), 2, "E_NO_MIRROR")
    refused(machine.run("pull", "tiny", "--source", "cnd"), 2, "E_NO_MIRROR")


def test_stats_remember_a_pull(machine: Machine) -> None:
    machine.run("pull", "tiny")
    (row,) = json.loads(machine.run("mirrors", "stats", "--json").stdout)
    assert (row["name"], row["failures"], row["lies"]) == ("cdn", 0, 0)
    assert row["successes"] >= 1


def test_chunk_digests_are_added_from_what_is_here_and_the_next_pull_checks_by_them(machine: Machine) -> None:
    machine.run("pull", "tiny")
    told = json.loads(machine.run("manifest", "chunks", "tiny", "--size", "256K", "--json").stdout)
    assert (told["files"], told["chunks"]) == (2, 5)
    text = (machine.folder / "mirrors.yaml").read_text("utf-8")
    assert text.count("chunks: {size: 262144") == 3  # both files of `tiny`, and the one that `strict` has too
    again = json.loads(machine.run("pull", "tiny", "--json", INDEXTTS_HUB_CACHE=str(machine.folder / "other")).stdout)
    assert [use["chunks"] for file in again["files"] for use in file["sources"]] in ([1, 4], [4, 1])


def test_a_version_that_is_not_here_has_no_chunk_digests_to_add(machine: Machine) -> None:
    refused(machine.run("manifest", "chunks", "tiny"), 3, "E_NO_SNAPSHOT")
    refused(machine.run("manifest", "chunks", "tiny", "--size", "5"), 2, "E_CHUNKS")


def test_a_metalink_is_written_for_other_clients(machine: Machine, tmp_path: Path) -> None:
    done = machine.run("export", "--metalink", "tiny", "-o", "tiny.meta4")
    assert done.returncode == 0, done.stderr
    root = ElementTree.fromstring((machine.folder / "tiny.meta4").read_bytes())
    names = [element.get("name") for element in root if element.tag.endswith("file")]
    assert names == ["folder/config.json", "model.bin"]
