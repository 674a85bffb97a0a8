"""A blob as an HTTP answer, whole or a range. Blobs are never written in place: what is sent is one state of it."""

import asyncio
import os
import re
from typing import BinaryIO

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from indextts_hub.manifest import Digest

__all__ = ["BlobResponse"]

# One trip to a thread for each: large enough that the trip is unseen, small enough for many clients at once.
PIECE = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


class BlobResponse(Response):
    """The bytes of an open blob, which it closes; answers `Range`, `If-Range` and `If-None-Match` as RFC 9110 has them."""

    def __init__(self, blob: BinaryIO, digest: Digest, headers: dict[str, str] | None = None) -> None:
        super().__init__(media_type="application/octet-stream")
        self._blob = blob
        self._size = os.fstat(blob.fileno()).st_size
        self.headers.update(
            {
                "ETag": f'"{digest}"',
                "Accept-Ranges": "bytes",
                "Cache-Control": "public, max-age=31536000, immutable",
                **(headers or {}),
            }
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - who leaves ends the sending
        with self._blob:
            asked = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            start, stop = self._settle(asked)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD" or start == stop:
                await send({"type": "http.response.body", "body": b""})
                return
            while start < stop:
                piece = await asyncio.to_thread(_read, self._blob, start, min(PIECE, stop - start))
                if not piece:
                    raise OSError("the blob is shorter than it was")
                start += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": start < stop})

    def _settle(self, asked: dict[str, str]) -> tuple[int, int]:
        """What of the blob is sent; status and length are set accordingly."""
        etag = self.headers["ETag"]
        if etag in asked.get("if-none-match", ""):
            self.status_code = 304
            del self.headers["content-length"]
            return 0, 0
        start, stop = 0, self._size
        ranged = _RANGE.fullmatch(asked.get("range", "").replace(" ", ""))
        if ranged and any(ranged.groups()) and asked.get("if-range", etag) == etag:
            first, last = ranged.groups()
            start = int(first) if first else max(0, self._size - int(last))
            stop = min(int(last) + 1, self._size) if first and last else self._size
            if start >= stop:
                self.status_code = 416
                self.headers["Content-Range"] = f"bytes */{self._size}"
                self.headers["Content-Length"] = "0"
                return 0, 0
            self.status_code = 206
            self.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{self._size}"
        self.headers["Content-Length"] = str(stop - start)
        return start, stop


def _read(blob: BinaryIO, start: int, count: int) -> bytes:
    blob.seek(start)
    return blob.read(count)
