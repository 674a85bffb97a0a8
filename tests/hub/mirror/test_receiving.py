"""A version is brought to another hub: by `mirrors sync`, and by whoever speaks the protocol, well or badly."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.audit import AuditLog
from indextts_hub.audit.search import EventQuery, copy_events, find_events
from indextts_hub.db import open_database
from indextts_hub.db.keys import Scope, create_key
from indextts_hub.errors import Refused
from indextts_hub.manifest import FileEntry, License, Manifest
from indextts_hub.mirror.sync import Synced, sync
from indextts_hub.store import SnapshotState
from tests.hub.gate.pickling import call, checkpoint
from tests.hub.mirror.lender import lending

pytestmark = pytest.mark.slow

BIG = random.Random(8).randbytes((9 << 20) + 77)
FILES = {"gpt.bin": BIG, "folder/配置 1.json": b"{}"}


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Inner:
    """The hub inside, which takes versions in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        catalog = folder / "inner.yaml"
        catalog.write_text("schema: 1\nmirrors: {}\nversions: {}\n")
        self.catalog = catalog
        self.hub = Hub(folder / "inner", catalog)
        self.hub.store  # noqa: B018 - made here
        with closing(open_database(self.hub.database_url)) as database:
            now = datetime.now(UTC)
            self.admin = create_key(database, "boss", frozenset({Scope.READ, Scope.ADMIN}), now, None)[1]
            self.reader = create_key(database, "reader", frozenset({Scope.READ, Scope.SPEAK}), now, None)[1]

    def events(self, act: str) -> list[tuple[str, str, str]]:
        with closing(open_database(self.hub.database_url)) as database:
            copy_events(AuditLog(self.hub.store.audit), database)
            return [(e.actor, e.subject, e.outcome) for e in find_events(database, EventQuery(act, None, None, None, None, 100))]


@pytest.fixture
def inner(tmp_path: Path) -> Inner:
    return Inner(tmp_path)


@pytest.fixture
def address(inner: Inner) -> Iterator[str]:
    with lending(inner.folder / "inner", inner.catalog, "--keys") as started:
        yield started


@pytest.fixture
def client(inner: Inner, address: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {inner.admin}"}
    with httpx2.Client(base_url=address, headers=headers, timeout=30, trust_env=False) as opened:
        yield opened


def outer(folder: Path, endpoint: str) -> Hub:
    """The hub with a way out: it has the version, and its catalogue names the other."""
    for path, body in FILES.items():
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / path).write_bytes(body)
    listed = "".join(f"      - {{path: '{path}', size: {len(body)}, sha256: {sha256(body)}}}\n" for path, body in FILES.items())
    (folder / "outer.yaml").write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{folder / 'files'}'}}\n"
        f"  inner: {{kind: hub, endpoint: '{endpoint}', token_env: INNER_KEY}}\n"
        "versions:\n  v23:\n    title: t\n    engine: e\n    license: {name: MIT}\n"
        f"    sources: [{{mirror: usb}}, {{mirror: inner}}]\n    files:\n{listed}",
        "utf-8",
    )
    hub = Hub(folder / "outer", folder / "outer.yaml")
    hub.pull("v23", PullOptions(sources=("usb",)))
    return hub


def synced(hub: Hub) -> dict[str, Synced]:
    return {row.file.path: row for row in sync(hub, "v23", "inner", random.Random(1))}


def test_a_version_is_whole_on_the_other_hub_and_a_second_time_nothing_moves(
    inner: Inner, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNER_KEY", inner.admin)
    hub = outer(tmp_path, address)
    rows = synced(hub)
    assert {path: row.sent for path, row in rows.items()} == {path: len(body) for path, body in FILES.items()}
    arrived = inner.hub.snapshot(f"v23@sha256:{hub.snapshot('v23').digest}")
    assert {path: (arrived.path / path).read_bytes() for path in FILES} == FILES
    assert {row.status for row in synced(hub).values()} == {"present"}
    ((actor, subject, outcome),) = inner.events("receive")
    assert (actor.partition(" ")[0], subject, outcome) == ("boss", f"v23@sha256:{arrived.digest}", "done")
    # And from there others pull it.
    monkeypatch.setenv("INNER_KEY", inner.reader)
    third = Hub(tmp_path / "third", tmp_path / "outer.yaml")
    assert (third.pull("v23", PullOptions(sources=("inner",))).path / "gpt.bin").read_bytes() == BIG


def test_an_upload_that_broke_off_goes_on_where_it_was(
    inner: Inner, address: str, client: httpx2.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INNER_KEY", inner.admin)
    hub = outer(tmp_path, address)
    digest = hub.snapshot("v23").digest
    base = f"/hub/versions/v23/sha256/{digest}"
    client.put(base, content=hub.store.manifests.read(digest).canonical()).raise_for_status()
    part = client.put(f"{base}/files/gpt.bin", content=BIG[:5_000_000], headers=extent(0, 5_000_000, len(BIG)))
    assert part.json() == {"here": 5_000_000}
    assert synced(hub)["gpt.bin"].sent == len(BIG) - 5_000_000


def test_a_key_that_only_reads_brings_nothing(inner: Inner, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INNER_KEY", inner.reader)
    hub = outer(tmp_path, address)
    with pytest.raises(Refused):
        synced(hub)
    assert list(inner.hub.store.snapshots.list()) == []


def extent(start: int, stop: int, size: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}


def announced(client: httpx2.Client, files: dict[str, bytes], name: str = "v23") -> str:
    """Announce a version of some files; its address."""
    entries = tuple(FileEntry(path, len(body), sha256(body)) for path, body in sorted(files.items()))  # type: ignore[arg-type]
    manifest = Manifest("e", License("MIT"), entries)
    base = f"/hub/versions/{name}/sha256/{manifest.digest}"
    answer = client.put(base, content=manifest.canonical())
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"missing": sorted(files)}
    return base


def bring(client: httpx2.Client, base: str, path: str, body: bytes) -> httpx2.Response:
    return client.put(f"{base}/files/{path}", content=body, headers=extent(0, len(body), len(body)))


def test_until_all_files_are_there_it_is_partial(inner: Inner, client: httpx2.Client) -> None:
    base = announced(client, {"a.bin": b"one", "b.bin": b"two"})
    assert bring(client, base, "a.bin", b"one").json() == {"here": 3}
    ((name, digest),) = inner.hub.store.snapshots.list()
    manifest = inner.hub.store.manifests.read(digest)
    assert inner.hub.store.snapshots.state(name, manifest) is SnapshotState.PARTIAL
    assert inner.hub.gc().freed_bytes == 0
    assert bring(client, base, "b.bin", b"two").json() == {"here": 3}
    assert inner.hub.store.snapshots.state(name, manifest) is SnapshotState.COMPLETE


def test_other_bytes_than_the_manifest_says_are_refused_and_forgotten(inner: Inner, client: httpx2.Client) -> None:
    base = announced(client, {"a.bin": b"right"})
    refused = bring(client, base, "a.bin", b"wrong")
    assert (refused.status_code, refused.json()["code"]) == (422, "E_UPLOAD")
    assert client.get(f"{base}/files/a.bin").json() == {"here": 0}
    assert bring(client, base, "a.bin", b"right").json() == {"here": 5}


def test_a_pickle_that_would_run_something_is_refused_and_written_down(inner: Inner, client: httpx2.Client) -> None:
    evil = checkpoint(call("os", "system", "true"))
    base = announced(client, {"gpt.pth": evil})
    refused = bring(client, base, "gpt.pth", evil)
    assert (refused.status_code, refused.json()["code"]) == (403, "E_PICKLE")
    assert not inner.hub.store.blobs.has(sha256(evil), len(evil))  # type: ignore[arg-type]
    assert [outcome for _, _, outcome in inner.events("scan")] == ["E_PICKLE"]
    assert client.get(f"{base}/files/gpt.pth").json() == {"here": 0}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"abc"),
        (extent(1, 4, 10), b"abc"),
        (extent(0, 5, 10), b"abc"),
        (extent(0, 2, 10), b"abc"),
        (extent(0, 11, 11), b"abcdefghijk"),
        (extent(0, 17 << 20, 17 << 20), b"abc"),
        ({"Content-Range": "bytes 5-1/10"}, b"abc"),
    ],
)
def test_parts_that_can_not_be_meant_are_refused(client: httpx2.Client, headers: dict[str, str], body: bytes) -> None:
    base = announced(client, {"a.bin": b"0123456789"})
    refused = client.put(f"{base}/files/a.bin", content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "E_UPLOAD")
    assert client.get(f"{base}/files/a.bin").json() == {"here": 0}


def test_only_what_was_announced_can_be_brought(client: httpx2.Client) -> None:
    base = announced(client, {"a.bin": b"x"})
    for address in (f"{base}/files/b.bin", f"{base}/files/../a.bin", f"/hub/versions/v23/sha256/{'0' * 64}/files/a.bin"):
        assert client.put(address, content=b"x", headers=extent(0, 1, 1)).status_code == 404
    assert client.get("/hub/versions/v23/sha256/xyz/files/a.bin").status_code == 404


@pytest.mark.parametrize("body", [b"{}", b"", b"x" * 100, '{"schema": 1}'.encode("utf-16")])
def test_a_manifest_that_is_none_is_refused(client: httpx2.Client, body: bytes) -> None:
    for digest in (sha256(body), "0" * 64):
        refused = client.put(f"/hub/versions/v23/sha256/{digest}", content=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "E_UPLOAD")


def test_a_name_that_is_none_is_refused(client: httpx2.Client) -> None:
    manifest = Manifest("e", License("MIT"), (FileEntry("a.bin", 1, sha256(b"x")),))  # type: ignore[arg-type]
    for name in ("UPPER", "a..b", "-", "%2e%2e"):
        answer = client.put(f"/hub/versions/{name}/sha256/{manifest.digest}", content=manifest.canonical())
        assert answer.status_code in {404, 405, 422}
