"""A version's files in a worker's hands: manifest → hold and hash → compare → gate → a folder for the engine → look again.

The rules:

1.  An engine is given no byte that was not hashed in this process and found to be what the manifest says.
2.  The manifest is hashed, too: `Weights.digest` is what the held bytes make, not what somebody said they would make.
3.  What the gate does not let in is given to no engine, whenever it came into the store. Only the checksums of tensors are not
    added up again: the hash says more.
4.  While an engine speaks from files that are only watched, each of its segments is preceded and followed by a look at them.

What each of the two ways to hold a file leaves open stands in `synth.worker.sealed`. An engine opens all that it needs while it is
loaded: afterwards the folder is gone, and sealed bytes live on only where the engine has mapped them.

Standard library only: it runs in every engine's environment.
"""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from indextts_hub.errors import IntegrityError
from indextts_hub.gate import assert_let_in, check_pickles
from indextts_hub.manifest import FileEntry, parse_manifest
from indextts_hub.store.blobs import open_regular
from indextts_hub.store.trouble import storage_errors
from synth.worker.sealed import CAN_SEAL, Held, hold

__all__ = ["Holding", "Weights", "hold_weights", "is_sealed"]

SEALED_WITHOUT_ASKING = 2 * 2**30
"""Bytes of a version up to which it is sealed unless somebody chose: they are twice in memory while the engine is loaded."""

# Hashing lets other threads run; two buffers of 1 MiB each.
_THREADS = 4
_OPEN_FILES = Path("/proc/self/fd")
# Elsewhere the engine opens the version's own files by their names.
_CAN_LINK = _OPEN_FILES.is_dir()


class Holding(StrEnum):
    """How a version's bytes are kept what they were."""

    AUTO = "auto"
    """Sealed where the system can and the version is small; else watched."""
    SEALED = "sealed"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class Weights:
    """A version's files, hashed and held.

    Attributes:
        digest: of the manifest that they are by.
        sealed: whether nobody can change them any more; else `assert_unchanged` says whether somebody did.
    """

    digest: str
    sealed: bool
    _snapshot: Path
    _held: tuple[tuple[FileEntry, Held], ...]

    @contextmanager
    def laid_out(self) -> Iterator[Path]:
        """A folder in which the engine finds the held bytes under the files' names; at its end sealed ones are let go.

        Raises:
            IntegrityError: E_INTEGRITY, at the end, if a watched file was written to or replaced meanwhile.
            StorageError: the folder can't be made.
        """
        if _CAN_LINK:
            with ExitStack() as undo:
                with storage_errors(Path(tempfile.gettempdir())):
                    folder = Path(
                        undo.enter_context(tempfile.TemporaryDirectory(prefix="indextts-hub-", ignore_cleanup_errors=True))
                    )
                    for entry, held in self._held:
                        _link(folder / entry.path, held)
                yield folder
        else:
            yield self._snapshot
            for entry, held in self._held:
                _assert_same(self._snapshot / entry.path, entry, held)
        for entry, held in self._held:
            held.assert_loaded(entry.path)
        if self.sealed:
            self.close()

    def close(self) -> None:
        """Let everything go; watched files can't be looked at any more."""
        for _, held in self._held:
            held.file.close()

    def assert_unchanged(self) -> None:
        """See that nobody has written to the watched files since they were loaded; a microsecond for each.

        Raises:
            IntegrityError: E_INTEGRITY.
        """
        for entry, held in self._held:
            held.assert_unchanged(entry.path)


def is_sealed(holding: Holding, size: int) -> bool:
    """Whether a version of `size` bytes is sealed here, if it is held like this."""
    return CAN_SEAL and _CAN_LINK and (holding is Holding.SEALED or (holding is Holding.AUTO and size <= SEALED_WITHOUT_ASKING))


def hold_weights(snapshot: Path, manifest: Path, holding: Holding) -> Weights:
    """Hash the files of a version that are here, and hold them as the manifest says they are.

    Args:
        snapshot: folder with the version's files, or some of them.
        manifest: its canonical manifest.

    Raises:
        IntegrityError: E_INTEGRITY, E_MANIFEST, E_JSON: a file, or the manifest itself, is not what it was.
        UnsafeFile: E_PICKLE, E_ARCHIVE, E_SAFETENSORS: a file that the gate does not let in.
        StorageError: they can't be read, or there is no memory to seal them in.
    """
    with storage_errors(manifest):
        body = manifest.read_bytes()
    entries = [entry for entry in parse_manifest(body).files if os.path.lexists(snapshot / entry.path)]
    seal = is_sealed(holding, sum(entry.size for entry in entries))
    with ExitStack() as undo, ThreadPoolExecutor(_THREADS, "hold") as pool:

        def take(entry: FileEntry) -> Held:
            held = _held(snapshot / entry.path, entry, seal=seal)
            undo.callback(held.file.close)
            return held

        # The largest first: else one thread may be left alone with it at the end.
        entries.sort(key=lambda entry: entry.size, reverse=True)
        weights = Weights(sha256(body).hexdigest(), seal, snapshot, tuple(zip(entries, pool.map(take, entries), strict=True)))
        undo.pop_all()
    return weights


def _link(place: Path, held: Held) -> None:
    """Opening `place` then opens the held bytes, whatever has the file's own name by then."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(_OPEN_FILES / str(held.file.fileno()))


def _assert_same(place: Path, entry: FileEntry, held: Held) -> None:
    if not os.path.samestat(place.stat(), os.fstat(held.file.fileno())):
        raise IntegrityError(
            f"{entry.path} was replaced while it was loaded", remedy="find out who does that, then start the service again"
        )


def _held(place: Path, entry: FileEntry, *, seal: bool) -> Held:
    source = open_regular(place)
    try:
        with storage_errors(place):
            held = hold(source, seal=seal)
        if held.sealed:
            source.close()
    except BaseException:
        source.close()
        raise
    try:
        if held.sha256 != entry.sha256:
            raise IntegrityError(
                f"{entry.path} is not what it was: it hashes to {held.sha256[:12]}, and the manifest says {entry.sha256[:12]}",
                remedy="mend the version with `indextts-hub verify --repair`; until then it does not speak",
            )
        assert_let_in(check_pickles(held.file, entry.path))
    except BaseException:
        held.file.close()
        raise
    return held
