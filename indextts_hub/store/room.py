"""Whether there is room on a disk, before it is filled."""

import shutil
from pathlib import Path

from indextts_hub.errors import StorageError
from indextts_hub.store.trouble import storage_errors

__all__ = ["check_room"]


def check_room(folder: Path, needed: int) -> None:
    """Go on only if so many bytes are free.

    Raises:
        StorageError: E_NO_SPACE, with what is needed and what is free.
    """
    with storage_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"{needed:,} bytes are needed in {folder}, and {free:,} are free",
            remedy="free some space (`indextts-hub gc` says what can go), or use another disk with --cache-dir",
            code="E_NO_SPACE",
        )
