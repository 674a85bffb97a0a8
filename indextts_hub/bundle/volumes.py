"""A bundle as one file, or cut into volumes: `FILE.001`, `FILE.002` … and `FILE.volumes.json`, which lists them.

The list is canonical JSON, in a signed bundle within an envelope:

    {"schema": 1, "volumes": [{"name": "v23.tar.001", "size": 4294967295, "sha256": "…"}, …]}

The volumes one after another are the tar. A volume that is missing, cut short, swapped or of another bundle is told by its size or
its digest, and named.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from indextts_hub.bundle.tar import REMEDY
from indextts_hub.errors import HubError, IntegrityError, NotFound, UsageError
from indextts_hub.manifest import Digest, Json, canonical_json, check_digest, load_strict_json
from indextts_hub.store.blobs import digest_of, open_regular
from indextts_hub.store.durable import adopt_file, temporary_beside, unlink, write_durably
from indextts_hub.store.trouble import storage_errors
from indextts_hub.trust import Trust, verify

__all__ = ["LIST_TYPE", "Volume", "VolumeWriter", "Volumes", "largest_file", "open_volumes", "volume_list"]

LIST_TYPE = "application/vnd.indextts-hub.volumes.v1+json"
LIST_SUFFIX = ".volumes.json"
LARGEST_LIST = 1 << 20
MOST_VOLUMES = 999
# FAT32 has a 32-bit size; what people call 4 GB volumes must be one byte less to fit.
LARGEST_ON_FAT = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Volume:
    """One file of a bundle; `sha256` None where no list says it."""

    path: Path
    size: int
    sha256: Digest | None


class VolumeWriter:
    """Writes a bundle beside its names; nothing is seen under them before `finish`."""

    def __init__(self, output: Path, limit: int | None) -> None:
        """`limit`: bytes of a volume; None: one file."""
        self._output = output
        self._limit = limit
        self._begun: list[tuple[Path, Path, int, Digest]] = []
        self._open: tuple[Path, Path, BinaryIO] | None = None
        self._hasher = hashlib.sha256()
        self._size = 0

    def write(self, body: bytes | memoryview) -> None:
        """Append to the bundle.

        Raises:
            StorageError: the disk would not take it.
        """
        view = memoryview(body)
        while view:
            if self._open is None:
                self._begin()
            assert self._open is not None  # noqa: S101 - just opened
            part = view if self._limit is None else view[: self._limit - self._size]
            with storage_errors(self._open[0]):
                self._open[2].write(part)
            self._hasher.update(part)
            self._size, view = self._size + len(part), view[len(part) :]
            if self._size == self._limit:
                self._end()

    def finish(self) -> tuple[Volume, ...]:
        """Make all that was written visible, durably."""
        self._end()
        volumes = []
        for final, beside, size, digest in self._begun:
            adopt_file(beside, final)
            volumes.append(Volume(final, size, digest))
        return tuple(volumes)

    def discard(self) -> None:
        """Remove what is not visible yet."""
        if self._open is not None:
            with suppress(OSError):  # a full disk says so again
                self._open[2].close()
            unlink(self._open[1])
        for _, beside, _, _ in self._begun:
            with suppress(OSError):
                unlink(beside)

    def _begin(self) -> None:
        if (number := len(self._begun) + 1) > MOST_VOLUMES:
            raise UsageError(f"these would be more than {MOST_VOLUMES} volumes", remedy="give a larger size with --split")
        final = self._output if self._limit is None else self._output.with_name(f"{self._output.name}.{number:03}")
        beside = temporary_beside(final)
        with storage_errors(final):
            self._open = (final, beside, beside.open("xb"))
        self._hasher, self._size = hashlib.sha256(), 0

    def _end(self) -> None:
        if self._open is not None:
            final, beside, file = self._open
            with storage_errors(final):
                file.close()
            self._begun.append((final, beside, self._size, Digest(self._hasher.hexdigest())))
            self._open = None


def volume_list(volumes: Sequence[Volume]) -> bytes:
    """The list of volumes, to be signed or written."""
    listed: list[Json] = [{"name": each.path.name, "size": each.size, "sha256": str(each.sha256)} for each in volumes]
    return canonical_json({"schema": 1, "volumes": listed})


def write_list(output: Path, body: bytes) -> Path:
    """Write the list of a bundle's volumes beside them."""
    place = output.with_name(output.name + LIST_SUFFIX)
    write_durably(place, body)
    return place


class Volumes:
    """A bundle's files, read as one."""

    def __init__(self, volumes: Sequence[Volume]) -> None:
        self.volumes = tuple(volumes)
        self.size = sum(volume.size for volume in volumes)
        self._troubles = {volume: why for volume in volumes if (why := _why_not(volume))}
        self._file: tuple[Volume, BinaryIO] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file[1].close()
            self._file = None

    def read(self, start: int, size: int, buffer: memoryview) -> Iterator[memoryview]:
        """The bytes of an extent, in pieces of at most the buffer's size, which the next piece overwrites; fewer at the end.

        Raises:
            IntegrityError: E_VOLUME, if a volume is missing or cut short.
            StorageError: the disk would not give them.
        """
        at = 0
        for volume in self.volumes:
            stop = at + volume.size
            while at <= start < stop and size:
                file = self._opened(volume)
                with storage_errors(volume.path):
                    file.seek(start - at)
                    count = file.readinto(buffer[: min(size, stop - start)])  # type: ignore[attr-defined]
                if not count:
                    raise IntegrityError(f"{volume.path.name} is cut short", remedy=REMEDY, code="E_VOLUME")
                yield buffer[:count]
                start, size = start + count, size - count
            at = stop

    def trouble(self, start: int, stop: int) -> str | None:
        """Why an extent can't be read, if a volume that it lies in is missing or of another size, or it goes beyond the end."""
        at = 0
        for volume in self.volumes:
            if at < stop and start < at + volume.size and volume in self._troubles:
                return self._troubles[volume]
            at += volume.size
        return f"{self.volumes[-1].path.name} is cut short" if stop > self.size else None

    def take(self, start: int, size: int) -> bytes:
        """The bytes of a small extent; fewer at the end."""
        return b"".join(bytes(piece) for piece in self.read(start, size, memoryview(bytearray(max(size, 1)))))

    def damaged(self, start: int, size: int) -> list[str]:
        """The names of those volumes that an extent lies in whose bytes are not what the list says."""
        at, found = 0, []
        for volume in self.volumes:
            if at < start + size and start < at + volume.size and volume.sha256 is not None and not _is_right(volume):
                found.append(volume.path.name)
            at += volume.size
        return found

    def _opened(self, volume: Volume) -> BinaryIO:
        if self._file is None or self._file[0] is not volume:
            self.__exit__()
            if volume in self._troubles:
                raise IntegrityError(self._troubles[volume], remedy=REMEDY, code="E_VOLUME")
            self._file = (volume, open_regular(volume.path))
        return self._file[1]


def open_volumes(path: Path, trust: Trust | None) -> Volumes:
    """Open a bundle by its file, its first volume or its list.

    Raises:
        NotFound: E_NO_FILE.
        PolicyError: E_SIGNATURE, if the list is not signed as `trust` wants it.
        IntegrityError: E_VOLUME, if the list is none.
    """
    for place in (path, path.with_name(path.name + LIST_SUFFIX), path.with_name(path.stem + LIST_SUFFIX)):
        if place.name.endswith(LIST_SUFFIX) and place.is_file():
            return Volumes(_listed(place, trust))
    try:
        with open_regular(path) as file:
            return Volumes([Volume(path, os.fstat(file.fileno()).st_size, None)])
    except NotFound:
        raise NotFound(f"there is no bundle {path}", remedy="name its file, or its list of volumes", code="E_NO_FILE") from None


def largest_file(folder: Path) -> int | None:
    """The largest file that a folder's file system holds, if it is known to be small: FAT32 and its kin, where Linux tells."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    place = folder.resolve()
    found = max(
        ((fields[1], fields[2]) for line in mounts if _holds((fields := line.split(" "))[1], place)),
        key=lambda each: len(each[0]),
        default=("", ""),
    )
    return LARGEST_ON_FAT if found[1] in {"vfat", "msdos"} else None


def _holds(mounted: str, place: Path) -> bool:
    return place.is_relative_to(mounted.encode().decode("unicode_escape"))


def _listed(place: Path, trust: Trust | None) -> list[Volume]:
    with open_regular(place) as file, storage_errors(place):
        body = file.read(LARGEST_LIST)
    try:
        document = load_strict_json(body)
        if isinstance(document, dict) and "payload" in document:
            import base64

            body = verify(body, LIST_TYPE, trust)[0] if trust else base64.b64decode(str(document["payload"]))
            document = load_strict_json(body)
        elif trust is not None:
            verify(body, LIST_TYPE, trust)  # raises: nobody signed it
        volumes = [_volume(place.parent, entry) for entry in document["volumes"]]  # type: ignore[index,call-overload,union-attr]
    except (LookupError, TypeError, ValueError):
        raise IntegrityError(f"{place.name} is no list of volumes", remedy=REMEDY, code="E_VOLUME") from None
    if volume_list(volumes) != body or not 1 <= len(volumes) <= MOST_VOLUMES:
        raise IntegrityError(f"{place.name} is no list of volumes", remedy=REMEDY, code="E_VOLUME")
    return volumes


def _volume(folder: Path, entry: Json) -> Volume:
    if not isinstance(entry, dict) or not isinstance(size := entry["size"], int) or size < 1:
        raise TypeError
    name = str(entry["name"])
    if Path(name).name != name or name in {"", ".", ".."}:
        raise ValueError
    return Volume(folder / name, size, check_digest(str(entry["sha256"])))


def _is_right(volume: Volume) -> bool:
    try:
        with open_regular(volume.path) as file:
            return os.fstat(file.fileno()).st_size == volume.size and digest_of(file) == volume.sha256
    except (HubError, OSError):
        return False


def _why_not(volume: Volume) -> str | None:
    try:
        with open_regular(volume.path) as file:
            size = os.fstat(file.fileno()).st_size
    except NotFound:
        return f"{volume.path.name} is missing"
    except HubError as error:
        return f"{volume.path.name} can't be read: {error.message}"
    return None if size == volume.size else f"{volume.path.name} has {size} bytes where {volume.size} belong"
