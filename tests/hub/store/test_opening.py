"""A folder is a store, becomes one, or is refused."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from indextts_hub.errors import StorageError
from indextts_hub.store import open_store


@pytest.mark.parametrize("exists", [True, False])
def test_a_missing_or_an_empty_folder_becomes_a_store(tmp_path: Path, exists: bool) -> None:
    root = tmp_path / "deep" / "hub"
    if exists:
        root.mkdir(parents=True)
    store = open_store(root)
    assert "no scratch cache" in (root / "README").read_text()
    assert store.blobs.folder.is_dir()
    assert open_store(root) == store


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(StorageError, match=r"thesis\.doc") as refused:
        open_store(tmp_path)
    assert refused.value.code == "E_NOT_A_STORE"
    assert os.listdir(tmp_path) == ["thesis.doc"]


def test_a_file_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("")
    with pytest.raises(StorageError):
        open_store(tmp_path / "hub")


def test_a_store_of_a_newer_program_is_not_touched(tmp_path: Path) -> None:
    store = open_store(tmp_path / "hub")
    (store.root / "store.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(StorageError) as refused:
        open_store(store.root)
    assert refused.value.code == "E_STORE_FORMAT"


def test_a_store_whose_making_was_cut_off_is_finished_and_loses_no_name(tmp_path: Path) -> None:
    """S01: whatever of it was written before the process was killed."""
    store = open_store(tmp_path / "hub")
    digest = "a" * 64
    store.names.pin("lite", digest)  # type: ignore[arg-type]
    (store.root / "store.json").unlink()
    assert list(open_store(store.root).names.read().pins) == [digest]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_read_only_store_is_read_and_a_write_says_why_not() -> None:
    """S08: serving and verify work in a store that can't be written."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        store = open_store(Path(folder) / "hub")
        for part in (store.root, *store.folders()):
            part.chmod(0o555)
        # The superuser may write anywhere: what is tried is tried as somebody who may not.
        body = f"""
import filelock, getpass, os
from pathlib import Path
from indextts_hub.store import open_store
from indextts_hub.errors import HubError
if os.getuid() == 0: os.setresuid(65534, 65534, 65534)
store = open_store(Path({str(store.root)!r}))
print(len(store.names.read().pins), list(store.snapshots.list()))
try: store.names.pin("lite", "a" * 64)
except HubError as error: print(error.exit_code, error.code)
"""
        done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, timeout=30, check=False)
        for part in (store.root, *store.folders()):
            part.chmod(0o755)
    assert done.stdout.splitlines() == ["0 []", "6 E_PERMISSION"], done.stderr


def test_importing_the_store_brings_no_database_with_it() -> None:
    """`indextts-hub list` must start in 400 ms, and SQLModel alone takes more."""
    body = "import indextts_hub.store, sys; print(sorted({'sqlmodel', 'sqlalchemy', 'pydantic', 'filelock'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
