"""The power may go at any moment: what is found afterwards is right, and what was reported done is there."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from indextts_hub.audit import AuditLog
from indextts_hub.store import SnapshotState, open_store
from tests.hub.store import life
from tests.hub.store.powerloss import Disk, Kept
from tests.hub.store.shelf import manifest_of
from tests.hub.store.test_faults import assert_lived_to_the_end, assert_sound

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace records the calls"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    root = tmp_path / "hub"
    root.mkdir()
    return Disk.recorded([sys.executable, "-m", "tests.hub.store.life", str(root)], root)


@pytest.mark.parametrize(
    ("names", "bytes_"),
    [(Kept.SYNCED, Kept.SYNCED), (Kept.ALL, Kept.SYNCED), (Kept.SYNCED, Kept.ALL)],
    ids=["names and bytes lost", "names without their bytes", "bytes without their names"],
)
def test_after_a_power_loss_nothing_wrong_is_seen_and_the_next_run_goes_on(
    disk: Disk, tmp_path: Path, names: Kept, bytes_: Kept
) -> None:
    """S02, S03, S04."""
    moments = 0
    for moment in disk.moments():
        found = tmp_path / "found"
        moment.lay_out(found, names=names, bytes_=bytes_)
        assert_sound(found)
        assert_lived_to_the_end(found)
        shutil.rmtree(found)
        moments += 1
    assert moments > 30


def test_what_was_reported_done_is_there(disk: Disk, tmp_path: Path) -> None:
    """S02: at the end, with nothing kept but what was synced."""
    for moment in disk.moments():
        end = moment
    end.lay_out(tmp_path / "found", names=Kept.SYNCED, bytes_=Kept.SYNCED)
    store = open_store(tmp_path / "found")
    new = manifest_of(life.NEW)
    assert store.snapshots.state("v23", new) is SnapshotState.COMPLETE
    assert store.names.read().aliases["stable"].target.digest == new.digest
    assert [event.act for event in AuditLog(store.audit).events()] == ["pull", "pull", "remove", "gc"]


def test_the_recording_plays_back_to_what_is_on_the_disk(disk: Disk, tmp_path: Path) -> None:
    """Of the test itself: nothing was overlooked."""
    for moment in disk.moments():
        end = moment
    end.lay_out(tmp_path / "found", names=Kept.ALL, bytes_=Kept.ALL)

    def listing(root: Path) -> dict[str, bytes]:
        files = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
        return {str(path.relative_to(root)): path.read_bytes() for path in files if path.suffix != ".lock"}

    assert listing(tmp_path / "found") == listing(disk.root)
