"""Mirrors of kind `pypi`: a Python package index, where a wheel's member is a file.

The index is asked for its JSON (PEP 691), the wheel for its end, where a zip archive has its table of contents (APPNOTE 6.3.10,
4.3.12 and 4.3.16), and then for the member's bytes alone. A stored member is served by ranges; a deflated one only as a whole, from
its first byte. When such a connection breaks, it is taken up again where the compressed bytes ended.
"""

import io
import json
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urljoin, urlsplit

from indextts_hub.errors import Lied, SourceError
from indextts_hub.manifest import ByteCount
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import (
    Body,
    ByteRange,
    Description,
    EntryOptions,
    Limits,
    MirrorOptions,
    RemoteFile,
    Source,
    fill,
)
from indextts_hub.sources.transport import Request, Transport

__all__ = ["Entry", "Mirror", "PackageIndexSource", "connect"]

DEFAULT_INDEX = "https://pypi.org/simple"
# Where the public index keeps its files. A company's name server may answer for it with a mirror inside.
DEFAULT_FILES = "files.pythonhosted.org"
# One request for the table of contents of most wheels.
BLOCK = 1 << 16
LOCAL_HEADER = struct.Struct("<4s5H3I2H")


class Mirror(MirrorOptions):
    """`index`: the address of the simple index; else pip's own setting, else the public one."""

    kind: Literal["pypi"]
    index: str | None = None


class Entry(EntryOptions):
    """`package` and `release` name a wheel, `member` the template of a path in it."""

    package: str
    release: str
    member: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """Where a wheel is, how long it is in bytes, and what is in it."""

    url: str
    size: int
    members: dict[str, zipfile.ZipInfo]


@dataclass(slots=True)
class PackageIndexSource:
    """The members of one wheel. The wheel is looked up once."""

    mirror: str
    limits: Limits
    index: str
    entry: Entry
    transport: Transport
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: Wheel | None = None

    def describe(self, file: RemoteFile) -> Description:
        """Look the member up in the wheel's table of contents."""
        info = self._member(file)[1]
        return Description(ByteCount(info.file_size), ranges=info.compress_type == zipfile.ZIP_STORED)

    def open(self, file: RemoteFile, extent: ByteRange) -> AbstractContextManager[Body]:
        """Open a member: any range of a stored one, the whole of a deflated one."""
        wheel, info = self._member(file)
        if info.file_size != file.size:
            raise Lied(
                f"{self.mirror} has {info.file_size} bytes of {file.path} where {file.size} belong", remedy="use another mirror"
            )
        start = self._data_start(wheel, info)
        if info.compress_type == zipfile.ZIP_STORED:
            return self.transport.open(self._wheel_request(wheel), ByteRange(start + extent.start, start + extent.stop), wheel.size)
        if info.compress_type != zipfile.ZIP_DEFLATED or extent != ByteRange(0, file.size):
            raise SourceError(f"{self.mirror} serves {file.path} only as a whole", remedy="use another mirror", code="E_NO_RANGES")
        return self._inflated(wheel, ByteRange(start, start + info.compress_size))

    def address(self, file: RemoteFile) -> str | None:  # noqa: ARG002
        """The file is a part of a wheel: it has no address of its own."""
        return None

    def close(self) -> None:
        """Close the connections that lie idle."""
        self.transport.close()

    @contextmanager
    def _inflated(self, wheel: Wheel, extent: ByteRange) -> Iterator[Body]:
        def opened(start: int) -> AbstractContextManager[Body]:
            return self.transport.open(self._wheel_request(wheel), ByteRange(start, extent.stop), wheel.size)

        body = _Inflating(self.mirror, extent, opened)
        try:
            yield body
        finally:
            body.close()

    def _member(self, file: RemoteFile) -> tuple[Wheel, zipfile.ZipInfo]:
        with self.lock:
            self.found = self.found or self._looked_up()
        name = fill(self.entry.member, file)
        if name not in self.found.members:
            raise SourceError(
                f"{self.mirror} has no {name} in {self.entry.package} {self.entry.release}",
                remedy="use another mirror",
                code="E_NOT_THERE",
            )
        return self.found, self.found.members[name]

    def _looked_up(self) -> Wheel:
        page = f"{self.index.rstrip('/')}/{self.entry.package}/"
        body = self.transport.document(Request(self.mirror, page, {"Accept": "application/vnd.pypi.simple.v1+json"}))
        prefix = f"{self.entry.package.replace('-', '_')}-{self.entry.release}-"
        try:
            listed = json.loads(body)["files"]
            url = next(
                urljoin(page, entry["url"])
                for entry in listed
                if entry["filename"].startswith(prefix) and entry["filename"].endswith(".whl")
            )
        except (LookupError, TypeError, ValueError):
            raise SourceError(
                f"{self.mirror} does not answer as a package index should", remedy="check the index's address", code="E_INDEX"
            ) from None
        except StopIteration:
            raise SourceError(
                f"{self.mirror} has no wheel of {self.entry.package} {self.entry.release}",
                remedy="use another mirror",
                code="E_NOT_THERE",
            ) from None
        return self._opened_wheel(url.partition("#")[0])

    def _opened_wheel(self, url: str) -> Wheel:
        size = self.transport.size(Request(self.mirror, url))
        if size is None:
            raise SourceError(f"{self.mirror} does not say how long the wheel is", remedy="use another mirror", code="E_NO_RANGES")

        def fetch(extent: ByteRange) -> bytes:
            with self.transport.open(Request(self.mirror, url), extent, size) as answer:
                return _read_whole(answer, extent.size)

        try:
            with zipfile.ZipFile(io.BufferedReader(_Remote(size, fetch), BLOCK)) as archive:
                return Wheel(url, size, {info.filename: info for info in archive.infolist()})
        except zipfile.BadZipFile as error:
            raise Lied(f"{self.mirror} sends no wheel: {error}", remedy="use another mirror") from None

    def _data_start(self, wheel: Wheel, info: zipfile.ZipInfo) -> int:
        extent = ByteRange(info.header_offset, info.header_offset + LOCAL_HEADER.size)
        with self.transport.open(self._wheel_request(wheel), extent, wheel.size) as answer:
            *_, name, extra = LOCAL_HEADER.unpack(_read_whole(answer, extent.size))
        return int(extent.stop + name + extra)

    def _wheel_request(self, wheel: Wheel) -> Request:
        return Request(self.mirror, wheel.url)


class _Remote(io.RawIOBase):
    """A file of a mirror as something that can be sought in, for `zipfile` to read the table of contents."""

    def __init__(self, size: int, fetch: Callable[[ByteRange], bytes]) -> None:
        self._size = size
        self._fetch = fetch
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        extent = ByteRange(self._at, min(self._at + len(buffer), self._size))
        if extent.size <= 0:
            return 0
        buffer[: extent.size] = self._fetch(extent)
        self._at = extent.stop
        return extent.size


class _Inflating:
    """A deflated range, inflated as it arrives, and taken up again where it broke."""

    # A link that cuts every connection still moves; one that gives nothing ten times in a row does not.
    MOST_BREAKS = 10

    def __init__(self, mirror: str, extent: ByteRange, opened: Callable[[int], AbstractContextManager[Body]]) -> None:
        self._mirror = mirror
        self._at = extent.start
        self._extent = extent
        self._opened = opened
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._raw = memoryview(bytearray(BLOCK))
        self._pending = b""
        self._breaks = 0
        self._connection: AbstractContextManager[Body] | None = None
        self._body: Body | None = None

    def readinto(self, buffer: memoryview, /) -> int:
        """Inflate on.

        Raises:
            SourceError: the connection broke ten times in a row.
            Lied: what arrives is not deflated.
        """
        while not self._inflater.eof:
            if not self._pending:
                self._pending = self._received()
            try:
                out = self._inflater.decompress(self._pending, len(buffer))
            except zlib.error as error:
                raise Lied(f"{self._mirror} sends bytes that do not inflate: {error}", remedy="use another mirror") from None
            self._pending = self._inflater.unconsumed_tail
            if out:
                buffer[: len(out)] = out
                return len(out)
        return 0

    def close(self) -> None:
        """Close the connection that is open."""
        connection, self._connection, self._body = self._connection, None, None
        if connection is not None:
            connection.__exit__(None, None, None)

    def _received(self) -> bytes:
        while True:
            try:
                if self._body is None:
                    if self._at >= self._extent.stop:
                        raise Lied(f"{self._mirror} sends a file that ends too early", remedy="use another mirror")
                    self._connection = self._opened(self._at)
                    self._body = self._connection.__enter__()
                count = self._body.readinto(self._raw)
            except Lied:
                raise
            except SourceError:
                self.close()
                self._breaks += 1
                if self._breaks > self.MOST_BREAKS:
                    raise
                continue
            if not count:
                self.close()
                continue
            self._breaks = 0
            self._at += count
            return bytes(self._raw[:count])


def _read_whole(body: Body, size: int) -> bytes:
    whole = memoryview(bytearray(size))
    at = 0
    while at < size:
        at += body.readinto(whole[at:])
    return bytes(whole)


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of a wheel's members; the index is the mirror's own, else pip's (`PIP_INDEX_URL`), else the public one."""
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked them against this module's models
    assert isinstance(entry, Entry)  # noqa: S101
    index = mirror.index or context.environment.get("PIP_INDEX_URL") or DEFAULT_INDEX
    transport = Transport(context.private_hosts | {urlsplit(index).hostname or "", DEFAULT_FILES}, context.idle_seconds)
    return PackageIndexSource(name, mirror.limits, index, entry, transport)
