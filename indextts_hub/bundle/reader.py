"""A bundle as it is read: what it holds, who says so, and where in it each file is. Nothing is unpacked by a name that it gives.

All headers are looked at before anything is written: each must be exactly the one that the index asks for in its place. So links,
folders, devices, names that lead elsewhere, members twice, members that are not listed or in another order, sizes that lie,
compression and anything after the end are refused by one rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from indextts_hub.bundle.contents import INDEX_TYPE, Contents, Member, members, read_contents
from indextts_hub.bundle.tar import BLOCK, END, REMEDY, describe, header, padding, size_of
from indextts_hub.bundle.volumes import Volumes, open_volumes
from indextts_hub.errors import IntegrityError
from indextts_hub.manifest import Digest
from indextts_hub.trust import Trust, verify

__all__ = ["BundledFile", "OpenBundle", "open_bundle"]

BLOBS = "blobs/sha256/"


@dataclass(frozen=True, slots=True)
class BundledFile:
    """A file in the bundle: its bytes begin at `start`."""

    sha256: Digest
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class OpenBundle:
    """A bundle that was looked through.

    Attributes:
        signers: the ids of the keys whose signatures counted; none if nobody asked.
        files: what can be read of its files; sorted by digest.
        unreadable: in words, what can't be, because a volume is missing or cut short.
    """

    volumes: Volumes
    contents: Contents
    signers: tuple[str, ...]
    files: tuple[BundledFile, ...]
    unreadable: tuple[str, ...]


def open_bundle(path: Path, trust: Trust | None) -> OpenBundle:
    """Look a bundle through, from its first byte to its last; the files' bytes are checked when they are read.

    The caller closes `volumes`.

    Raises:
        IntegrityError: E_BUNDLE if it is none, or has anything in it that it should not have; E_VOLUME.
        PolicyError: E_SIGNATURE.
    """
    volumes = open_volumes(path, trust)
    try:
        contents, envelope = read_contents(_Head(volumes))
        signers: tuple[str, ...] = ()
        if trust is not None:
            signed, signers = verify(envelope or b"", INDEX_TYPE, trust)
            if signed != contents.index():
                raise IntegrityError("the signatures are over another bundle", remedy=REMEDY, code="E_BUNDLE")
        found = list(_looked_through(volumes, contents, envelope))
        files = tuple(outcome for outcome in found if isinstance(outcome, BundledFile))
        unreadable = tuple(dict.fromkeys(outcome for outcome in found if isinstance(outcome, str)))
        return OpenBundle(volumes, contents, signers, files, unreadable)
    except BaseException:
        volumes.__exit__()
        raise


class _Head:
    """The members before the files, one after the other."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._at = 0

    def comes(self, name: str) -> bool:
        """Whether the next member has this name."""
        return self._volumes.take(self._at, len(name)) == name.encode() and self._volumes.take(self._at + len(name), 1) == b"\0"

    def take(self, name: str, largest: int) -> bytes:
        """The next member, which must have this name.

        Raises:
            IntegrityError: E_BUNDLE.
        """
        size = size_of(self._volumes.take(self._at, BLOCK), name, largest)
        body = self._volumes.take(self._at + BLOCK, size)
        self._at += BLOCK + size + padding(size)
        if len(body) != size:
            raise IntegrityError(f"{name} is cut short", remedy=REMEDY, code="E_BUNDLE")
        return body


def _looked_through(volumes: Volumes, contents: Contents, envelope: bytes | None) -> Iterator[BundledFile | str]:
    """Every file; instead of one that can't be read, why. Anything that should not be there is an error."""
    at = 0
    for member in members(contents, envelope):
        start, stop = at + BLOCK, at + BLOCK + member.size
        outcome = _looked_at(volumes, member, at)
        if outcome is not None:
            yield outcome
        elif member.name.startswith(BLOBS):
            # Documents too: a version may have a file of the same bytes.
            yield BundledFile(Digest(member.name.removeprefix(BLOBS)), start, member.size)
        at = stop + padding(member.size)
    if (trouble := volumes.trouble(at, at + len(END))) is not None:
        yield trouble
    elif volumes.size > at + len(END) or volumes.take(at, len(END)) != END:
        raise IntegrityError(
            f"there is more in the bundle than it lists: {describe(volumes.take(at, BLOCK))}", remedy=REMEDY, code="E_BUNDLE"
        )


def _looked_at(volumes: Volumes, member: Member, at: int) -> str | None:
    """Why a member can't be read, if it can't."""
    stop = at + BLOCK + member.size
    if (trouble := volumes.trouble(at, stop + padding(member.size))) is not None:
        return trouble
    head = volumes.take(at, BLOCK)
    if head != header(member.name, member.size):
        raise IntegrityError(f"{member.name} is missing: {describe(head)} stands in its place", remedy=REMEDY, code="E_BUNDLE")
    if any(volumes.take(stop, padding(member.size))):
        raise IntegrityError(f"something is hidden behind {member.name}", remedy=REMEDY, code="E_BUNDLE")
    return None
