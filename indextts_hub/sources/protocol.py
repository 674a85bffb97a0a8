"""What the transfer asks of a source, and what a source may know.

A source is a version's entry for one mirror. It turns a file into ranges that it can serve, and knows nothing of the store, of
other sources or of retries: it says what went wrong as a `SourceError`, and the transfer decides.

A new kind of mirror is one module with two models (`MirrorOptions` and `EntryOptions` subclasses) and a function `connect`, and
one line in `indextts_hub/sources/__init__.py`.
"""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from indextts_hub.manifest import ByteCount, Digest

__all__ = [
    "Body",
    "ByteRange",
    "Description",
    "EntryOptions",
    "Head",
    "Limits",
    "MirrorOptions",
    "RemoteFile",
    "Source",
    "bytes_a_second",
    "fill",
]


_RATE = re.compile(r"(\d+(?:\.\d+)?)([KkMmGg]?)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True, slots=True, order=True)
class ByteRange:
    """Bytes `start` to `stop`, the latter not included."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as a mirror knows it: its path within its part of the version, and what it must be.

    Attributes:
        path: path within its part; `{path}` in templates. The last part of it is `{name}`.
        size: bytes, by the manifest.
        sha256: by the manifest; `{sha256}` in templates.
    """

    path: str
    size: ByteCount
    sha256: Digest

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Description:
    """What a mirror says of a file before a byte is fetched.

    Attributes:
        size: bytes, or None where the mirror does not say.
        ranges: whether it serves ranges.
        etag: a strong validator for `If-Range`, or None.
    """

    size: ByteCount | None
    ranges: bool
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a mirror bears: connections at once and bytes a second over all of them (None: no limit)."""

    max_connections: int = 4
    rate: ByteCount | None = None


def bytes_a_second(value: object) -> object:
    """Read a rate as people write it: `500K`, `20M`, `1.5G`, or a number of bytes."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    return int(float(match[1]) * _UNITS[match[2].upper()]) if match else value


@dataclass(frozen=True, slots=True)
class Head:
    """How a repository stands where it comes from, at this moment.

    Attributes:
        revision: the commit, or the branch where there are no commits to be had.
        digests: of its files, by path; None for a file whose SHA-256 the place does not tell.
        whole: whether all files are listed.
    """

    revision: str
    digests: Mapping[str, str | None]
    whole: bool = True


class Body(Protocol):
    """The bytes of one answer, in order."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the start of `buffer`; return how many bytes, 0 at the end.

        Raises:
            SourceError: the connection broke, fell silent or was cut short.
        """
        ...


class Source(Protocol):
    """A version's entry for one mirror. Safe to use from several threads at once."""

    @property
    def mirror(self) -> str:
        """The mirror's name in the catalogue."""
        ...

    @property
    def limits(self) -> Limits:
        """What the mirror bears."""
        ...

    def describe(self, file: RemoteFile) -> Description:
        """Ask what the mirror has under this file's name.

        Raises:
            SourceError: it has nothing, or does not answer.
        """
        ...

    def open(self, file: RemoteFile, extent: ByteRange) -> AbstractContextManager[Body]:
        """Open `extent` of the file: exactly those bytes, or an error.

        Raises:
            SourceError: Lied if the answer is another range, another total, a page or an error in disguise.
        """
        ...

    def address(self, file: RemoteFile) -> str | None:
        """Where any client can get the file without a secret; None if nowhere."""
        ...

    def close(self) -> None:
        """Close the connections that lie idle."""
        ...


Rate = Annotated[int | None, BeforeValidator(bytes_a_second)]


class MirrorOptions(BaseModel):
    """What every mirror in `mirrors.yaml` may say; each kind adds its own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    max_connections: int = Field(default=4, ge=1, le=64)
    limit_rate: Rate = None

    @property
    def limits(self) -> Limits:
        """What the mirror bears."""
        return Limits(self.max_connections, None if self.limit_rate is None else ByteCount(self.limit_rate))

    @property
    def runs_program(self) -> bool:
        """Whether asking this mirror runs a program that the catalogue names; a catalogue from an address may not."""
        return False


class EntryOptions(BaseModel):
    """What every source entry of a version may say; each kind adds its own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mirror: str
    path: str = "{path}"

    def locate(self, file: RemoteFile) -> str:
        """The file's path on the mirror: the template with `{path}`, `{name}` and `{sha256}` filled in."""
        return fill(self.path, file)


def fill(template: str, file: RemoteFile) -> str:
    """Fill `{path}`, `{name}` and `{sha256}` into a template."""
    return template.replace("{path}", file.path).replace("{name}", file.name).replace("{sha256}", file.sha256)
