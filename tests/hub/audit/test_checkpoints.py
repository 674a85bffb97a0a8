"""Whoever keeps an old checkpoint finds out when the log was cut or rewritten, even by someone with the key."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from indextts_hub.audit import AuditLog, Checkpoint, VerifierKey
from indextts_hub.audit import verify as verify_module
from indextts_hub.audit.checkpoints import log_key, newest_checkpoint, sign_checkpoint
from indextts_hub.audit.verify import MerkleTree, open_checkpoint
from indextts_hub.errors import IntegrityError, StorageError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

# The leaves and roots that the reference implementation of RFC 6962 is tested with.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    log = AuditLog(tmp_path)
    for number in range(5):
        log.append("pull", f"v{number}", at=NOON)
    return log


def rewritten(log: AuditLog) -> None:
    """The same log with one event changed and everything behind it made to follow, as its operator could."""
    subjects = [event.subject for event in log.events()]
    log.path.unlink()
    for subject in subjects:
        log.append("pull", "forged" if subject == "v2" else subject, at=NOON)


def test_the_tree_is_that_of_rfc_6962() -> None:
    tree = MerkleTree()
    roots = [tree.root()]
    for leaf in LEAVES:
        tree.append(bytes.fromhex(leaf))
        roots.append(tree.root())
    assert roots == ROOTS


def test_a_log_that_went_on_agrees_with_every_earlier_checkpoint(log: AuditLog) -> None:
    key = log_key(log.folder)
    notes = [sign_checkpoint(log, key)]
    log.append("pull", "v25")
    notes.append(sign_checkpoint(log, key))
    assert log.verify([open_checkpoint(note, [key.verifier]) for note in notes]).ok
    assert newest_checkpoint(log, key) == open_checkpoint(notes[1], [key.verifier])


def test_a_log_rewritten_with_the_true_key_is_found_by_whoever_kept_a_checkpoint(log: AuditLog) -> None:
    """L03: the operator as attacker."""
    key = log_key(log.folder)
    kept = open_checkpoint(sign_checkpoint(log, key), [key.verifier])
    rewritten(log)
    (log.folder / "checkpoint").unlink()
    forged = open_checkpoint(sign_checkpoint(log, key), [key.verifier])
    assert log.verify([forged]).ok
    finding = log.verify([kept])
    assert not finding.ok
    assert "rewritten" in (finding.problem or "")


def test_a_log_that_was_cut_or_begun_anew_is_found(log: AuditLog) -> None:
    """L02."""
    key = log_key(log.folder)
    kept = open_checkpoint(sign_checkpoint(log, key), [key.verifier])
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[:3]))
    assert log.verify().ok
    assert (log.verify([kept]).first_bad, log.verify([kept]).ok) == (3, False)
    log.path.unlink()
    assert not log.verify([kept]).ok


def test_two_views_of_one_log_are_exposed_by_comparing_them(log: AuditLog) -> None:
    """L04: each receiver was shown another log of the same size."""
    key = log_key(log.folder)
    one = open_checkpoint(sign_checkpoint(log, key), [key.verifier])
    rewritten(log)
    (log.folder / "checkpoint").unlink()
    other = open_checkpoint(sign_checkpoint(log, key), [key.verifier])
    assert one.size == other.size
    assert not log.verify([one, other]).ok


def test_a_damaged_log_or_one_that_forgot_is_never_signed(log: AuditLog) -> None:
    key = log_key(log.folder)
    sign_checkpoint(log, key)
    rewritten(log)
    with pytest.raises(IntegrityError, match="rewritten"):
        sign_checkpoint(log, key)


def test_the_key_is_made_once_and_is_its_owners_alone(log: AuditLog) -> None:
    key = log_key(log.folder)
    assert log_key(log.folder).verifier == key.verifier
    assert VerifierKey.parse(str(key.verifier)) == key.verifier
    assert (log.folder / "log.key").stat().st_mode & 0o077 == 0
    assert "private" not in repr(key)
    (log.folder / "log.key").write_bytes(b"short")
    with pytest.raises(StorageError):
        log_key(log.folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n5\n", "\n6\n"), lambda note: note.replace("— indextts", "— another"),
        lambda note: note.split("\n\n")[0], lambda note: "", lambda note: note.replace("\n5\n", "\n05\n"),
        lambda note: note[:-6] + "AAAA=\n", lambda note: note.replace("\n5\n", "\n5\n\n"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_was_changed_is_none(log: AuditLog, change) -> None:  # type: ignore[no-untyped-def]
    key = log_key(log.folder)
    note = sign_checkpoint(log, key)
    with pytest.raises(ValueError, match=r"checkpoint|signature|base64|padding|excess|Only"):
        open_checkpoint(change(note), [key.verifier])
    assert open_checkpoint(note, [key.verifier]) == Checkpoint(key.verifier.name, 5, log.verify().root)


def test_the_verifier_runs_alone(log: AuditLog, tmp_path: Path) -> None:
    """One file and `cryptography`: an auditor needs nothing of the project."""
    key = log_key(log.folder)
    (tmp_path / "kept").write_text(sign_checkpoint(log, key))
    alone = tmp_path / "alone.py"
    alone.write_text(Path(verify_module.__file__).read_text())
    assert "indextts_hub" not in [line.split()[1] for line in alone.read_text().splitlines() if line.startswith(("import", "from"))]

    def run() -> subprocess.CompletedProcess[str]:
        arguments = [str(log.path), "--key", str(key.verifier), "--checkpoint", str(tmp_path / "kept")]
        return subprocess.run(
            [sys.executable, "-I", str(alone), *arguments], capture_output=True, text=True, timeout=30, check=False
        )

    assert (run().returncode, json.loads(run().stdout)["events"]) == (0, 5)
    rewritten(log)
    assert run().returncode == 4
    assert json.loads(run().stdout)["first_bad"] == 5
