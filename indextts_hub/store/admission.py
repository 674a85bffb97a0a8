"""How a file from outside becomes a blob: through the gate. Pulls, bundles and folders that are taken over have this one way in."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from indextts_hub.manifest import Digest
from indextts_hub.store.blobs import Blobs, open_regular
from indextts_hub.store.trouble import storage_errors

if TYPE_CHECKING:
    from indextts_hub.gate import Findings

__all__ = ["Told", "admit", "begun_of", "unheard"]

Told: TypeAlias = "Callable[[Digest, Findings], None]"
"""Is told what the gate found in a file, before the file is let in or refused."""


def unheard(digest: Digest, findings: "Findings") -> None:
    """Nobody is told."""


def begun_of(partials: Path, digest: Digest, size: int) -> int:
    """How many bytes of a file, from its first on, were left by an import or an upload that stopped.

    Nothing, if what lies there is a pull's, which has holes as its map tells.

    Args:
        size: of the whole file.
    """
    partial = partials / f"{digest}.part"
    if partial.with_suffix(".map").exists() or partial.is_symlink() or not partial.is_file():
        return 0
    begun = partial.stat().st_size
    return begun if begun <= size else 0


def admit(blobs: Blobs, partial: Path, path: str, digest: Digest, size: int, told: Told) -> None:
    """Move a whole, verified file into the store, if the gate lets it in; one that is refused stays where it is.

    Args:
        path: what the file is called in its version: that says how it will be read.
        size: bytes, by the manifest.

    Raises:
        UnsafeFile: E_PICKLE, E_ARCHIVE, E_SAFETENSORS.
        IntegrityError, StorageError: as `Blobs.commit`.
    """
    from indextts_hub.gate import assert_let_in, check  # 10 ms that `list` does not spend

    with open_regular(partial) as file, storage_errors(partial):
        findings = check(file, path)
    told(digest, findings)
    assert_let_in(findings)
    blobs.commit(partial, digest, size)
