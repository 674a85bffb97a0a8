"""A blob as an HTTP answer, whole or a range: from the store, or, where it may be fetched for others, while it arrives.

Blobs are never written in place: what is sent is one state of it.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from indextts_hub.errors import NotFound
from indextts_hub.manifest import Digest, FileEntry
from indextts_hub.mirror.downloads import Download, Downloads, client_of
from indextts_hub.mirror.passthrough import Flight, Passthrough
from indextts_hub.mirror.shelf import Shelf

__all__ = ["BlobResponse", "blob_answer"]

# At 256 KiB what each piece costs shows; with 1 MiB fifty slow clients hold 130 MiB, with this less than half.
PIECE = 512 << 10
FOR_GOOD = "public, max-age=31536000, immutable"
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


async def blob_answer(shelf: Shelf, digest: Digest, request: Request, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to who asks for a blob.

    Args:
        headers: of the answer, over those that every blob has.

    Raises:
        NotFound: E_NO_BLOB, if it is not here and may not be fetched.
        StorageError: E_NOT_A_FILE.
    """
    try:
        answer = BlobResponse(await asyncio.to_thread(shelf.open, digest), digest, request.headers, headers, shelf.downloads)
    except NotFound:
        if shelf.passthrough is None or (found := shelf.passthrough.find(digest)) is None:
            raise
        version, file = found
        passthrough = shelf.passthrough
        flight = partial(passthrough.fetch, version, file)
        return _ArrivingResponse(shelf.downloads, passthrough, file, flight, request.headers, headers)
    if request.method == "GET" and answer.start < answer.stop and (place := shelf.handed_over(digest)):
        answer.close()
        shelf.downloads.note(client_of(request.scope), digest, answer.stop - answer.start, first=answer.start == 0)
        # nginx answers in our stead, ranges included: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_ignore_headers
        usual = {"Cache-Control": FOR_GOOD, "X-Accel-Redirect": place, "ETag": f'"{digest}"'}
        return Response(media_type="application/octet-stream", headers={**usual, **(headers or {})})
    return answer


class BlobResponse(Response):
    """The bytes of an open blob, which it closes; answers `Range`, `If-Range` and `If-None-Match` as RFC 9110 has them.

    Attributes:
        start, stop: what of the blob is sent.
        sent: bytes that were handed to the connection.
    """

    def __init__(
        self,
        blob: BinaryIO,
        digest: Digest,
        asked: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        downloads: Downloads | None = None,
    ) -> None:
        """Make the answer.

        Args:
            asked: the request's headers.
            headers: of the answer, over those that every blob has.
            downloads: what this client has its share of.
        """
        super().__init__(media_type="application/octet-stream")
        self._blob = blob
        self._digest = digest
        self._downloads = downloads or Downloads()
        self.start, self.stop = _headed(self, digest, os.fstat(blob.fileno()).st_size, asked, headers or {})
        self.sent = 0

    def close(self) -> None:
        """Close the blob, of an answer that is not sent."""
        self._blob.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._blob:
            if scope["method"] == "HEAD" or self.start == self.stop:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": b""})
                return
            with self._downloads.begin(client_of(scope), self._digest, first=self.start == 0) as download:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                async with _presence(receive) as gone:
                    await self._send(send, download, gone)

    async def _send(self, send: Send, download: Download, gone: asyncio.Task[None]) -> None:
        at = self.start
        while at < self.stop and not gone.done():
            count = min(self._downloads.piece(PIECE), self.stop - at)
            piece = _read_at_once(self._blob, at, count) or await asyncio.to_thread(_read, self._blob, at, count)
            if not piece:
                raise OSError("the blob is shorter than it was")
            at += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": at < self.stop})
            self.sent = at - self.start
            # A client that is as fast as this loop must not have it for itself.
            await _pause(download.gave(len(piece)), gone)


class _ArrivingResponse(Response):
    """A blob that is being fetched, each part as soon as it may be given on."""

    def __init__(
        self,
        downloads: Downloads,
        passthrough: Passthrough,
        file: FileEntry,
        fetch: Callable[[], Flight],
        asked: Mapping[str, str],
        headers: Mapping[str, str] | None,
    ) -> None:
        super().__init__(media_type="application/octet-stream")
        self._downloads = downloads
        self._passthrough = passthrough
        self._fetch = fetch
        self._file = file
        self.start, self.stop = _headed(self, file.sha256, file.size, asked, headers or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD" or self.start == self.stop:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        with self._downloads.begin(client_of(scope), self._file.sha256, first=self.start == 0) as download:
            async with _presence(receive) as gone:
                await self._send(send, download, gone)

    async def _send(self, send: Send, download: Download, gone: asyncio.Task[None]) -> None:
        flight, begun = self._fetch(), False
        for number, chunk in enumerate(flight.chunks):
            at, stop = max(self.start, chunk.start), min(self.stop, chunk.stop)
            if at >= stop:
                continue
            if not await flight.wait_for(number, gone.done):
                return
            if not begun:
                # Only now: until there is something to send, what goes wrong is an error with a status of its own.
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                begun = True
            while at < stop and not gone.done():
                count = min(self._downloads.piece(PIECE), stop - at)
                piece = await asyncio.to_thread(self._passthrough.read, self._file.sha256, at, count)
                if not piece:
                    raise OSError("the blob is shorter than it was")
                at += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": at < self.stop})
                await _pause(download.gave(len(piece)), gone)


def _headed(answer: Response, digest: Digest, size: int, asked: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, int]:
    """Give an answer the headers that every blob has, and those given; return what of `size` bytes is sent.

    Args:
        asked: the request's headers; the answer's status, length and range are set accordingly.
    """
    etag = f'"{digest}"'
    usual = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": FOR_GOOD}
    answer.headers.update({**usual, **headers})
    if etag in asked.get("if-none-match", ""):
        answer.status_code = 304
        del answer.headers["content-length"]
        return 0, 0
    start, stop = 0, size
    ranged = _RANGE.fullmatch(asked.get("range", "").replace(" ", ""))
    if ranged and any(ranged.groups()) and asked.get("if-range", etag) == etag:
        first, last = ranged.groups()
        start = int(first) if first else max(0, size - int(last))
        stop = min(int(last) + 1, size) if first and last else size
        if start >= stop:
            answer.status_code = 416
            answer.headers["Content-Range"] = f"bytes */{size}"
            answer.headers["Content-Length"] = "0"
            return 0, 0
        answer.status_code = 206
        answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    answer.headers["Content-Length"] = str(stop - start)
    return start, stop


@asynccontextmanager
async def _presence(receive: Receive) -> AsyncIterator[asyncio.Task[None]]:
    """A task that is done when the client has left: the server takes bytes for it all the same, and drops them."""
    gone = asyncio.create_task(_gone(receive))
    try:
        yield gone
    finally:
        gone.cancel()


async def _pause(seconds: float, gone: asyncio.Task[None]) -> None:
    if seconds:
        await asyncio.wait({gone}, timeout=seconds)
    else:
        await asyncio.sleep(0)


async def _gone(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _read_at_once(blob: BinaryIO, start: int, count: int) -> bytes | None:
    """A piece that the system has in memory already; None if it would have to be waited for, or that can't be told."""
    if not hasattr(os, "RWF_NOWAIT"):
        return None
    probe = bytearray(1)
    try:
        for place in (start, start + count - 1):
            os.preadv(blob.fileno(), [probe], place, os.RWF_NOWAIT)
        return os.pread(blob.fileno(), count, start)
    except OSError:
        return None


def _read(blob: BinaryIO, start: int, count: int) -> bytes:
    blob.seek(start)
    return blob.read(count)
