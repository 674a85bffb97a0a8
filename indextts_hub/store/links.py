"""The same bytes under a second name: a hard link, else a reflink, else a copy, whichever the file system can do."""

import errno
import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

from indextts_hub.store.durable import sync_file
from indextts_hub.store.trouble import storage_errors

__all__ = ["clone_or_copy", "link", "same_bytes_at"]

# What file systems say that have no links, no more links for this file, or another device behind the name.
_CANNOT = {
    errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL,
    errno.ENOTTY,
}  # fmt: skip

# FICLONE of linux/fs.h: share another file's blocks, copied only when one of the two is written to.
_FICLONE = 0x40049409


def link(new: Path, blob: Path) -> bool:
    """Make `new` a hard link to `blob`; False where the file system can't.

    Raises:
        StorageError: as `storage_errors`.
    """
    with storage_errors(new):
        try:
            os.link(blob, new, follow_symlinks=os.link not in os.supports_follow_symlinks)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
            return False
    return True


def same_bytes_at(new: Path, blob: Path) -> None:
    """Make the new name `new` hold the bytes of `blob`, read-only.

    Raises:
        StorageError: as `storage_errors`.
    """
    if not link(new, blob):
        with storage_errors(new), blob.open("rb") as source, new.open("xb") as target:
            clone_or_copy(target, source)
        sync_file(new)
        with storage_errors(new):
            new.chmod(0o444)


def clone_or_copy(target: BinaryIO, source: BinaryIO) -> None:
    """Give the empty file `target` the bytes of `source` from its start on: shared blocks where the file system can, else a copy.

    Both are open files of the operating system. An OSError passes through.
    """
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
        else:
            return
    shutil.copyfileobj(source, target, 2**20)
