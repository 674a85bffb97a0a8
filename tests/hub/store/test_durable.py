"""A file is whole or absent, whatever the disk says."""

import errno
import os
from pathlib import Path

import pytest

from indextts_hub.errors import StorageError
from indextts_hub.store import durable
from indextts_hub.store.durable import adopt_file, make_folder, write_durably


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    write_durably(path, b"old")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["names.json"]


def test_where_folders_can_not_be_synced_the_rename_is_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_FOLDERS_SYNC", False)
    write_durably(tmp_path / "a", b"body")
    assert (tmp_path / "a").read_bytes() == b"body"


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_knows_no_sync_of_folders_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    sync = os.fsync

    def picky(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), tmp_path.stat()):
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", picky)
    write_durably(tmp_path / "a", b"body")
    assert (tmp_path / "a").read_bytes() == b"body"


def test_after_a_failed_sync_the_file_is_thrown_away_and_the_old_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S07: the kernel may have dropped what it could not write, and would say 'done' to a second sync."""
    write_durably(tmp_path / "a", b"old")
    synced = []

    def broken(descriptor: int) -> None:
        synced.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    (tmp_path / "part").write_bytes(b"new")
    with pytest.raises(StorageError) as failed:
        adopt_file(tmp_path / "part", tmp_path / "a")
    assert failed.value.code == "E_IO"
    assert len(synced) == 1
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "E_NO_SPACE"), (errno.EDQUOT, "E_QUOTA"), (errno.EFBIG, "E_FILE_TOO_LARGE"),
        (errno.EMFILE, "E_TOO_MANY_FILES"), (errno.ENFILE, "E_TOO_MANY_FILES"), (errno.EIO, "E_IO"),
        (errno.EROFS, "E_READ_ONLY"), (errno.EACCES, "E_PERMISSION"), (errno.ESTALE, "E_STORAGE"),
    ],
)  # fmt: skip
def test_each_trouble_of_a_disk_has_its_code_and_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    """S05, S06, S09."""

    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError) as failed:
        write_durably(tmp_path / "names.json", b"")
    assert failed.value.code == code
    assert "names.json" in failed.value.message
    assert failed.value.remedy


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
