"""Files that are whole or absent, whatever moment the power goes.

The one way in: bytes are written beside their final name, synced, renamed onto it, and the folder is synced. A name that can be
seen has all its bytes behind it. A sync that failed is never tried again on the same file: the kernel may have dropped what it
could not write, and would say 'done'. Such a file is discarded.
"""

import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from indextts_hub.store.trouble import storage_errors

__all__ = [
    "adopt_file",
    "make_folder",
    "remove_file",
    "remove_tree",
    "sync_descriptor",
    "sync_file",
    "sync_folder",
    "temporary_beside",
    "unlink",
    "write_durably",
]

TEMPORARY_SUFFIX = ".tmp"

# Windows can't open a folder to sync it; NTFS journals a rename together with the folder's entry.
_FOLDERS_SYNC = hasattr(os, "O_DIRECTORY")

# Some network and FUSE file systems know no sync of folders and say so in one of these ways; their entries are then as durable
# as they get.
_CANNOT_SYNC_FOLDERS = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}


def write_durably(path: Path, body: bytes, *, mode: int = 0o644) -> None:
    """Make `path` hold exactly `body`, replacing what it held; readers see the old bytes or the new ones.

    Args:
        path: in a folder that exists.
        mode: the file's permissions.

    Raises:
        StorageError: the disk would not take it; `path` is as it was.
    """
    temporary = temporary_beside(path)
    try:
        with storage_errors(path):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
        adopt_file(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def adopt_file(temporary: Path, final: Path, *, mode: int | None = None) -> None:
    """Sync the finished file `temporary` and rename it onto `final`, on the same file system, durably.

    Args:
        mode: the permissions it gets on the way, if not its own.

    Raises:
        StorageError: as `storage_errors`. After a failed sync `temporary` is gone; after a failed rename it is kept.
    """
    sync_file(temporary)
    with storage_errors(final):
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(final)
    sync_folder(final.parent)


def sync_file(path: Path) -> None:
    """Force the file's bytes to the disk.

    Raises:
        StorageError: they could not be written; the file is removed, since what it holds is now unknown.
    """
    with storage_errors(path):
        # Windows syncs only what is open for writing; a read-only file elsewhere syncs as it is.
        descriptor = os.open(path, os.O_RDONLY if _FOLDERS_SYNC else os.O_RDWR)
        try:
            sync_descriptor(descriptor)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force the folder's entries (names made, renamed or removed in it) to the disk, where the system can.

    Raises:
        StorageError: as `storage_errors`.
    """
    if not _FOLDERS_SYNC:
        return
    with storage_errors(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sync_descriptor(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC_FOLDERS:
                raise
        finally:
            os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it that are missing, durably; one that exists is left alone.

    Raises:
        StorageError: as `storage_errors`.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def remove_file(path: Path) -> None:
    """Remove one name, also of a read-only file, durably; a missing one is no trouble.

    Raises:
        StorageError: as `storage_errors`.
    """
    with storage_errors(path):
        unlink(path)
    sync_folder(path.parent)


def unlink(path: Path) -> None:
    """Remove one name, also of a read-only file; a missing one is no trouble. An OSError passes through."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        if os.name != "nt":
            raise
        # Windows removes no read-only file. A blob's other names share the mark, which nothing relies on there.
        path.chmod(stat.S_IWRITE | stat.S_IREAD)
        path.unlink(missing_ok=True)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all read-only files in it; an OSError passes through."""

    # Windows removes no read-only file; see `unlink`.
    def writable(remove: Callable[[str], object], path: str, _error: object) -> None:
        Path(path).chmod(stat.S_IWRITE | stat.S_IREAD)
        remove(path)

    shutil.rmtree(folder, onerror=writable if os.name == "nt" else None)


def temporary_beside(path: Path) -> Path:
    """A fresh name in the same folder that nothing but this call uses and that `gc` may sweep away once it is old."""
    return path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


def sync_descriptor(descriptor: int) -> None:
    """Force what was written to an open file to the disk; after an OSError what the file holds is unknown."""
    if sys.platform == "darwin":
        import fcntl

        # On macOS fsync leaves the bytes in the drive's own cache; this asks the drive to write them.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fsync(descriptor)
