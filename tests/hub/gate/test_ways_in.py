"""Every way into the store leads through the gate: a pull, a bundle, a folder that is taken over."""

import hashlib
import io
import pickle
from pathlib import Path

import pytest
import torch

from indextts_hub import Hub
from indextts_hub.audit import AuditLog
from indextts_hub.bundle import ImportOptions
from indextts_hub.bundles import import_versions
from indextts_hub.errors import PolicyError
from indextts_hub.gate import UnsafeFile
from indextts_hub.transfer import Silent
from tests.hub.bundle.carrier import Carrier
from tests.hub.gate.pickling import call, checkpoint
from tests.hub.test_hub import Place

BAD = ("gpt.pth", "hf_cache/campplus_cn_common.bin", "README.md")


def good() -> bytes:
    buffer = io.BytesIO()
    torch.save({"model": {"a": torch.ones(2)}}, buffer)
    return buffer.getvalue()


def hostile(canary: Path) -> bytes:
    return checkpoint(call("posix", "system", f"touch {canary}", protocol=2))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "mirror").mkdir()
    return Place(tmp_path / "mirror")


@pytest.fixture
def hub(tmp_path: Path, place: Place) -> Hub:
    return Hub(tmp_path / "cache", place.catalog)


def nothing_of(hub: Hub, body: bytes) -> bool:
    """No version can be seen, nor a blob of these bytes."""
    return not list(hub.store.snapshots.list()) and hashlib.sha256(body).hexdigest() not in {
        digest for digest, _ in hub.store.blobs
    }


def scans(hub: Hub) -> list[tuple[str, str, object]]:
    return [
        (event.subject, event.outcome, event.details.get("problem"))
        for event in AuditLog(hub.store.audit).events()
        if event.act == "scan"
    ]


@pytest.mark.parametrize("name", BAD)
def test_a_pull_refuses_it_and_writes_down_why(hub: Hub, place: Place, tmp_path: Path, name: str) -> None:
    """P01: the digests are right, and still it stays out; a second try ends the same."""
    body = hostile(tmp_path / "canary")
    place.publish("v23", {"config.yaml": b"a: 1\n", name: body})
    for _ in range(2):
        with pytest.raises(UnsafeFile) as refused:
            hub.pull("v23")
        assert (refused.value.code, refused.value.exit_code) == ("E_PICKLE", 8)
        assert "posix.system" in refused.value.message
    assert nothing_of(hub, body)
    assert not (tmp_path / "canary").exists()
    why = "it imports posix.system, which is not on the allow-list"
    assert scans(hub) == [(name, "E_PICKLE", why)] * 2
    assert [event.outcome for event in AuditLog(hub.store.audit).events() if event.act == "pull"] == ["E_PICKLE"] * 2


def test_a_pull_lets_a_checkpoint_in_and_writes_down_what_was_seen(hub: Hub, place: Place) -> None:
    """P03."""
    place.publish("v23", {"config.yaml": b"a: 1\n", "gpt.pth": good()})
    assert torch.load(hub.pull("v23").path / "gpt.pth", weights_only=True)["model"]["a"].sum() == 2
    (event,) = [event for event in AuditLog(hub.store.audit).events() if event.act == "scan"]
    assert (event.subject, event.outcome, event.details["form"]) == ("gpt.pth", "done", "torch archive")
    assert event.details["sha256"] == hashlib.sha256(good()).hexdigest()
    assert "torch._utils._rebuild_tensor_v2" in event.details["imports"]  # type: ignore[operator]


def test_a_last_good_version_stays_when_a_new_one_is_refused(hub: Hub, place: Place, tmp_path: Path) -> None:
    place.publish("v23", {"gpt.pth": good()})
    before = hub.pull("v23")
    place.publish("v25", {"gpt.pth": hostile(tmp_path / "canary")})
    with pytest.raises(UnsafeFile):
        Hub(tmp_path / "cache", place.catalog).pull("v25")
    assert hub.snapshot("v23").digest == before.digest
    assert all(finding.ok for finding in hub.verify([]))


@pytest.mark.parametrize("name", BAD)
def test_a_folder_that_is_taken_over_is_looked_at(hub: Hub, place: Place, tmp_path: Path, name: str) -> None:
    """P01."""
    body = hostile(tmp_path / "canary")
    place.publish("v23", {name: body})
    with pytest.raises(UnsafeFile):
        hub.adopt("v23", place.root / "v23")
    assert nothing_of(hub, body)
    assert [outcome for _, outcome, _ in scans(hub)] == ["E_PICKLE"]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("name", BAD)
def test_a_bundle_is_looked_at_whoever_signed_it(hub: Hub, tmp_path: Path, name: str) -> None:
    """P01: whoever wrote the bundle had a store in which it was let in."""
    carrier = Carrier(tmp_path)
    body = hostile(tmp_path / "canary")
    carrier.write([carrier.version("v23", {"config.yaml": b"a: 1\n", name: body})])
    for _ in range(2):
        with pytest.raises(PolicyError) as refused:
            import_versions(hub, carrier.bundle, ImportOptions(allow_older=True), Silent())
        assert refused.value.code == "E_PICKLE"
    assert nothing_of(hub, body)
    assert [outcome for _, outcome, _ in scans(hub)] == ["E_PICKLE"] * 2
    assert [event.outcome for event in AuditLog(hub.store.audit).events() if event.act == "import"] == ["E_PICKLE"] * 2
    assert not (tmp_path / "canary").exists()


def test_a_pickle_with_no_checkpoint_around_it_says_where_it_acts(hub: Hub, place: Place) -> None:
    place.publish("v23", {"stats.pkl": pickle.dumps({"a": 1}) + call("os", "system", "true")})
    with pytest.raises(UnsafeFile) as refused:
        hub.pull("v23")
    assert "there is something behind its end (at byte 21)" in refused.value.message
