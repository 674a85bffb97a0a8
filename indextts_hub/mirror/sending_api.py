"""A blob as an HTTP answer, whole or a range. Blobs are never written in place: what is sent is one state of it."""

import asyncio
import os
import re
from collections.abc import Mapping
from typing import BinaryIO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from indextts_hub.manifest import Digest

__all__ = ["BlobResponse", "settle_range"]

# One trip to a thread for each: large enough that the trip is unseen, small enough for many clients at once.
PIECE = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


class BlobResponse(Response):
    """The bytes of an open blob, which it closes; answers `Range`, `If-Range` and `If-None-Match` as RFC 9110 has them.

    Attributes:
        start, stop: what of the blob is sent.
        sent: bytes that were handed to the connection.
    """

    def __init__(self, blob: BinaryIO, digest: Digest, asked: Mapping[str, str], headers: Mapping[str, str] | None = None) -> None:
        """Args: `asked`: the request's headers; `headers`: of the answer, over those that every blob has."""
        super().__init__(media_type="application/octet-stream")
        self._blob = blob
        size = os.fstat(blob.fileno()).st_size
        self.headers.update(
            {
                "ETag": f'"{digest}"',
                "Accept-Ranges": "bytes",
                "Cache-Control": "public, max-age=31536000, immutable",
                **(headers or {}),
            }
        )
        self.start, self.stop = settle_range(self, size, asked)
        self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._blob:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD" or self.start == self.stop:
                await send({"type": "http.response.body", "body": b""})
                return
            # The server takes bytes for a client that has left, and drops them: the whole file would be read for nobody.
            gone = asyncio.create_task(_gone(receive))
            try:
                at = self.start
                while at < self.stop and not gone.done():
                    piece = await asyncio.to_thread(_read, self._blob, at, min(PIECE, self.stop - at))
                    if not piece:
                        raise OSError("the blob is shorter than it was")
                    at += len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": at < self.stop})
                    self.sent = at - self.start
            finally:
                gone.cancel()


def settle_range(answer: Response, size: int, asked: Mapping[str, str]) -> tuple[int, int]:
    """What of `size` bytes is sent; the answer's status, length and range are set accordingly. Its ETag must stand.

    Args:
        asked: the request's headers.
    """
    etag = answer.headers["ETag"]
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


async def _gone(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _read(blob: BinaryIO, start: int, count: int) -> bytes:
    blob.seek(start)
    return blob.read(count)
