"""What the operating system says of a disk, in the words and codes that users can act on."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.errors import StorageError

__all__ = ["storage_error", "storage_errors"]


@dataclass(frozen=True, slots=True)
class _Trouble:
    code: str
    what: str
    remedy: str


_FREE_SPACE = "free some space (`indextts-hub gc` says what can go) and run the same command again: it goes on where it stopped"
_LOOK_AT_DISK = "look at the system's log for the disk's errors, then run `indextts-hub verify --repair`"
_RIGHTS = "give the user that runs this the right to it, or use another folder with --cache-dir"

_BY_ERRNO: dict[int, _Trouble] = {
    errno.ENOSPC: _Trouble("E_NO_SPACE", "the disk is full", _FREE_SPACE),
    errno.EDQUOT: _Trouble("E_QUOTA", "the disk quota is used up", _FREE_SPACE),
    errno.EFBIG: _Trouble(
        "E_FILE_TOO_LARGE",
        "the file is larger than this file system or `ulimit -f` allows",
        "use a disk that takes larger files; a bundle is cut into volumes by `export --split 4G`",
    ),
    errno.EMFILE: _Trouble("E_TOO_MANY_FILES", "this process has too many open files", "raise `ulimit -n` or use fewer --jobs"),
    errno.ENFILE: _Trouble("E_TOO_MANY_FILES", "this machine has too many open files", "close other programs and run it again"),
    errno.EIO: _Trouble("E_IO", "the disk failed", _LOOK_AT_DISK),
    errno.EROFS: _Trouble("E_READ_ONLY", "the file system is read-only", "use a folder that can be written with --cache-dir"),
    errno.EACCES: _Trouble("E_PERMISSION", "permission is denied", _RIGHTS),
    errno.EPERM: _Trouble("E_PERMISSION", "the operation is not permitted", _RIGHTS),
    errno.ENOENT: _Trouble("E_MISSING_FILE", "it is not there", "run `indextts-hub doctor`, which says what is lost"),
    errno.ELOOP: _Trouble("E_NOT_A_FILE", "it is a symbolic link where a file should be", "remove the link, then pull again"),
    errno.EISDIR: _Trouble("E_NOT_A_FILE", "it is a folder where a file should be", "move the folder away, then pull again"),
    errno.ENOTDIR: _Trouble("E_NOT_A_FILE", "a file stands where a folder should be", "move the file away, then run it again"),
    errno.ENAMETOOLONG: _Trouble("E_NAME_TOO_LONG", "the path is too long", "use a --cache-dir with a shorter path"),
}  # fmt: skip
_OTHER = _Trouble("E_STORAGE", "the operating system refused", "run `indextts-hub doctor`, which looks at the disk")


def storage_error(error: OSError, path: Path | str) -> StorageError:
    """Say what `error` means for `path`, with a code of its own for each kind of trouble."""
    trouble = _BY_ERRNO.get(error.errno or 0, _OTHER)
    said = "" if trouble is not _OTHER else f" ({error.strerror or os.strerror(error.errno or 0)})"
    return StorageError(f"{path}: {trouble.what}{said}", remedy=trouble.remedy, code=trouble.code)


@contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Raise what the operating system says within as a StorageError; `path` is named where the system names none.

    Raises:
        StorageError: E_NO_SPACE, E_QUOTA, E_FILE_TOO_LARGE, E_TOO_MANY_FILES, E_IO, E_READ_ONLY, E_PERMISSION,
            E_MISSING_FILE, E_NOT_A_FILE, E_NAME_TOO_LONG or E_STORAGE.
    """
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str) else None
        raise storage_error(error, named or path) from error
