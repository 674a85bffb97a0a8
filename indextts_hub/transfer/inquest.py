"""A file is whole and its digest is wrong: who sent what? Without chunk digests only other mirrors can tell.

Each chunk is asked for again from a mirror that did not give it, and only hashed. Where two disagree, one of them lied; each mirror
in turn is supposed to be the liar, the other's chunks are put in place of its own, and the file is hashed again: the supposition
under which the digest comes out right is the truth. Where nobody disagrees, everybody has other bytes than the manifest says.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from indextts_hub.errors import SourceError
from indextts_hub.manifest import Digest
from indextts_hub.sources import ByteRange
from indextts_hub.sources.answers import name_disguise
from indextts_hub.transfer.board import FileState

__all__ = ["Finding", "digest_of_partial", "disguise", "find_liar"]

BLOCK = 256 << 10


@dataclass(frozen=True, slots=True)
class Finding:
    """The mirror that lied, in which chunks, and how many bytes it took to find out; `liar` None if nobody could be found."""

    liar: str | None
    chunks: tuple[int, ...]
    fetched: int


def find_liar(file: FileState, is_stopped: Callable[[], bool]) -> Finding:
    """Ask others about each chunk, and mend the file if that settles it.

    Raises:
        StorageError: the disk would not take a chunk.
    """
    asked = _Asked(file, is_stopped)
    disputed: dict[int, tuple[str, Digest]] = {}
    for number in range(len(file.partial.chunks)):
        for other in asked.others(number):
            said = asked.digest(number, other)
            if said is not None:
                if said != file.partial.chunk_digest(number):
                    disputed[number] = (other, said)
                break
    for suspect in dict.fromkeys(
        [*(file.giver.get(number, "") for number in disputed), *(other for other, _ in disputed.values())]
    ):
        replaced = [number for number in disputed if file.giver.get(number, "") == suspect]
        before = {number: b"".join(file.partial.read(file.partial.chunks[number])) for number in replaced}
        if (
            all(asked.put(number, disputed[number][0]) for number in replaced)
            and digest_of_partial(file) == file.planned.entry.sha256
        ):
            file.giver |= {number: disputed[number][0] for number in replaced}
            return Finding(suspect, tuple(replaced), asked.fetched)
        for number, body in before.items():
            file.partial.write(file.partial.chunks[number].start, memoryview(body))
    return Finding(None, tuple(disputed), asked.fetched)


def digest_of_partial(file: FileState) -> Digest:
    """SHA-256 of the whole file as it stands on the disk."""
    hasher = hashlib.sha256()
    for block in file.partial.read(ByteRange(0, file.planned.entry.size)):
        hasher.update(block)
    return Digest(hasher.hexdigest())


def disguise(file: FileState) -> str | None:
    """What the file's first bytes are, if they are no weights but a page, a message or a pointer."""
    return name_disguise(next(iter(file.partial.read(ByteRange(0, min(512, file.planned.entry.size)))), b""))


class _Asked:
    """Asking mirrors for chunks outside of the board, one at a time."""

    def __init__(self, file: FileState, is_stopped: Callable[[], bool]) -> None:
        self._file = file
        self._is_stopped = is_stopped
        self.fetched = 0

    def others(self, number: int) -> list[str]:
        """Mirrors that can give a chunk and did not; the one that gave it last, if it is the only one."""
        file = self._file
        able = [name for name in file.sources if name not in file.left and name not in file.unranged]
        return [name for name in able if name != file.giver.get(number)] or able

    def digest(self, number: int, mirror: str) -> Digest | None:
        """What the mirror's bytes of a chunk hash to; None if it does not give them."""
        hasher = hashlib.sha256()
        try:
            for block in self._blocks(number, mirror):
                hasher.update(block)
        except SourceError:
            return None
        return Digest(hasher.hexdigest())

    def put(self, number: int, mirror: str) -> bool:
        """Put the mirror's bytes of a chunk in place; False if it does not give them."""
        at = self._file.partial.chunks[number].start
        try:
            for block in self._blocks(number, mirror):
                self._file.partial.write(at, memoryview(block))
                at += len(block)
        except SourceError:
            return False
        return True

    def _blocks(self, number: int, mirror: str) -> Iterator[bytes]:
        remote, source = self._file.sources[mirror]
        extent = self._file.partial.chunks[number]
        buffer, left = memoryview(bytearray(BLOCK)), extent.size
        with source.open(remote, extent) as body:
            while left and not self._is_stopped() and (count := body.readinto(buffer[:left])):
                self.fetched += count
                left -= count
                yield bytes(buffer[:count])
