"""The hub's verbs over a folder as the only mirror: what is pulled is verified, kept, mended and accounted for."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.audit import AuditLog
from indextts_hub.audit.search import EventQuery, find_events
from indextts_hub.db import open_database
from indextts_hub.errors import HubError, NotFound, PolicyError, StorageError, UsageError
from indextts_hub.store import SnapshotState
from indextts_hub.transfer import Silent

FILES = {"config.yaml": b"version: 2\n", "model.bin": os.urandom(50_000), "hf_cache/w2v/weights.bin": os.urandom(30_000)}
CHUNK = 8192


class Place:
    """A folder with the files of versions, and a catalogue that lists them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.catalog = root / "mirrors.yaml"
        self.versions: list[str] = []

    def publish(self, name: str, files: Mapping[str, bytes], *, more: str = "", accept: bool = False) -> None:
        """Put a version there, and into the catalogue with chunk digests."""
        listed = []
        for path, body in files.items():
            (self.root / name / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name / path).write_bytes(body)
            chunks = ", ".join(hashlib.sha256(body[at : at + CHUNK]).hexdigest() for at in range(0, len(body), CHUNK))
            digest = hashlib.sha256(body).hexdigest()
            listed.append(
                f"      - {{path: {path}, size: {len(body)}, sha256: {digest}, chunks: {{size: {CHUNK}, sha256: [{chunks}]}}}}\n"
            )
        license_ = f"{{name: MIT, accept: {str(accept).lower()}}}"
        self.versions.append(
            f"  {name}:\n    title: {name}\n    engine: fastspeech2\n    license: {license_}\n{more}"
            f'    sources: [{{mirror: folder, path: "{name}/{{path}}"}}]\n    files:\n{"".join(listed)}'
        )
        head = f"schema: 1\nmirrors:\n  folder: {{kind: file, base: {self.root}}}\nversions:\n"
        self.catalog.write_text(head + "".join(self.versions))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "mirror").mkdir()
    place = Place(tmp_path / "mirror")
    place.publish("v23", FILES, more="    aliases: [demo]\n")
    return place


@pytest.fixture
def hub(tmp_path: Path, place: Place) -> Hub:
    return Hub(tmp_path / "cache", place.catalog)


def laid_out(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def damage(path: Path) -> None:
    """Flip one bit in the second chunk, as a failing disk would."""
    body = bytearray(path.read_bytes())
    body[CHUNK + 5] ^= 1
    path.chmod(0o644)
    path.write_bytes(body)


def test_a_pull_lays_out_what_the_catalogue_says_and_accounts_for_it(hub: Hub) -> None:
    snapshot = hub.pull("demo")
    assert laid_out(snapshot.path) == FILES
    report = hub.pull_reporting("v23", PullOptions(), Silent())
    assert (report.bytes_fetched, len(report.present)) == (0, 3)
    assert [row.state for row in hub.list_versions()] == [SnapshotState.COMPLETE]
    events = list(AuditLog(hub.store.audit).events())
    assert [(event.act, event.outcome, event.details["mirrors"]) for event in events] == [("pull", "done", ["folder"])]
    assert os.listdir(hub.store.partials) == []


def test_a_part_can_be_pulled_and_the_rest_later(hub: Hub) -> None:
    assert [file.path for file in hub.pull("v23", PullOptions(include=("*.yaml",))).files] == ["config.yaml"]
    assert [row.state for row in hub.list_versions()] == [SnapshotState.PARTIAL]
    assert len(hub.pull("v23").files) == 3
    with pytest.raises(UsageError):
        hub.pull("v23", PullOptions(include=("nothing",)))


def test_wrong_bytes_are_refused_and_nothing_of_them_is_seen(hub: Hub, place: Place) -> None:
    damage(place.root / "v23" / "model.bin")
    with pytest.raises(HubError) as refused:
        hub.pull("v23")
    assert refused.value.exit_code == 4
    assert list(hub.store.snapshots.list()) == []
    assert [event.outcome for event in AuditLog(hub.store.audit).events()] == [refused.value.code]
    (place.root / "v23" / "model.bin").write_bytes(FILES["model.bin"])
    assert laid_out(hub.pull("v23").path) == FILES


def test_a_damaged_blob_is_found_put_aside_and_mended_in_all_versions_by_its_bad_chunk_alone(hub: Hub, place: Place) -> None:
    """S14."""
    place.publish("v25", {"model.bin": FILES["model.bin"]})
    for name in ("v23", "v25"):
        hub.pull(name)
    damage(hub.snapshot("v23").path / "model.bin")
    findings = hub.verify(["v23"])
    assert [file.path for file in findings[0].files if not file.ok] == ["model.bin"]
    hub.put_aside(findings)
    assert {row.state for row in hub.list_versions()} == {SnapshotState.DEGRADED}
    hub.pull("v25")
    damage(hub.snapshot("v25").path / "model.bin")
    reports = hub.repair(hub.verify(["v25"]), PullOptions(), Silent())
    assert [report.bytes_fetched for report in reports] == [CHUNK]
    assert all(finding.ok for finding in hub.verify([]))
    assert {row.state for row in hub.list_versions()} == {SnapshotState.COMPLETE}


def test_a_licence_is_accepted_once_and_by_name(hub: Hub, place: Place) -> None:
    place.publish("v25", {"model.bin": b"x"}, accept=True)
    with pytest.raises(PolicyError) as refused:
        hub.pull("v25")
    assert refused.value.code == "E_LICENSE"
    hub.pull("v25", PullOptions(accept_license=True))
    hub.remove("v25")
    hub.gc()
    hub.pull("v25")
    accepted = [event for event in AuditLog(hub.store.audit).events() if event.act == "accept license"]
    assert [event.details["license"] for event in accepted] == ["MIT"]


def test_without_a_network_what_is_here_is_enough(hub: Hub) -> None:
    with pytest.raises(PolicyError) as refused:
        hub.pull("v23", PullOptions(offline=True))
    assert refused.value.code == "E_OFFLINE"
    hub.pull("v23")
    assert laid_out(hub.pull("v23", PullOptions(offline=True)).path) == FILES


def test_what_somebody_has_already_is_taken_over(hub: Hub, place: Place) -> None:
    assert len(hub.adopt("v23", place.root / "v23").adopted) == 3
    assert hub.pull_reporting("v23", PullOptions(), Silent()).bytes_fetched == 0


def test_names_are_moved_pinned_and_collected_around(hub: Hub, place: Place) -> None:
    place.publish("v25", {"model.bin": b"x"})
    for name in ("v23", "v25"):
        hub.pull(name)
    hub.set_alias("stable", "v23")
    hub.set_alias("stable", "v25")
    assert hub.locate("stable")[0] == "v25"
    hub.roll_back_alias("stable")
    assert hub.snapshot("stable").version == "v23"
    with pytest.raises(PolicyError):
        hub.remove("stable")
    hub.remove("v25")
    assert hub.gc().freed_bytes == 1
    with pytest.raises(NotFound):
        hub.snapshot("v25")
    assert [event.act for event in AuditLog(hub.store.audit).events()][-3:] == ["alias rollback", "remove", "gc"]


def test_the_store_is_scrubbed_and_what_is_bad_is_told(hub: Hub) -> None:
    hub.pull("v23")
    assert hub.scrub(60).bad == ()
    damage(hub.snapshot("v23").path / "model.bin")
    assert len(hub.scrub(60).bad) == 1
    assert [row.state for row in hub.list_versions()] == [SnapshotState.DEGRADED]


def test_a_folder_that_is_something_else_is_no_store(tmp_path: Path, place: Place) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "thesis.doc").write_text("years of work")
    with pytest.raises(StorageError):
        Hub(tmp_path / "cache", place.catalog).pull("v23")


@pytest.mark.parametrize("broken", ["header", "middle"])
def test_a_broken_database_is_named_and_begun_anew_with_the_log_in_it(hub: Hub, broken: str) -> None:
    """S15: nothing of the store is lost with it."""
    hub.pull("v23")
    assert hub.damage() == ()
    file = Path(hub.database_url.removeprefix("sqlite:///"))
    body = bytearray(file.read_bytes())
    body[slice(0, 100) if broken == "header" else slice(4096, 12_000)] = os.urandom(100 if broken == "header" else 7904)
    file.write_bytes(body)
    assert [damage.kind for damage in hub.damage()] == ["database"]
    hub.mend()
    assert hub.damage() == ()
    assert laid_out(hub.snapshot("v23").path) == FILES
    with closing(open_database(hub.database_url)) as database:
        assert [event.act for event in find_events(database, EventQuery())][-1:] == ["pull"]


def test_a_lost_manifest_comes_back_from_the_catalogue(hub: Hub) -> None:
    """S15."""
    digest = hub.pull("v23").digest
    hub.store.manifests.path(digest).unlink()
    assert [damage.kind for damage in hub.damage()] == ["manifest"]
    hub.mend()
    assert hub.damage() == ()
    assert hub.snapshot("v23").digest == digest


def test_a_version_of_more_files_than_a_process_may_open_is_pulled(tmp_path: Path, place: Place) -> None:
    """S06: EMFILE is not met, however many files a version has."""
    resource = pytest.importorskip("resource", reason="limits on open files are POSIX")
    many = {f"shard-{number:04}.bin": number.to_bytes(4, "big") for number in range(400)}
    place.publish("many", many)
    hub = Hub(tmp_path / "cache", place.catalog)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (320, before[1]))
    try:
        assert laid_out(hub.pull("many").path) == many
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
