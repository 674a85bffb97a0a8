"""A blob as an answer, asked as a server asks."""

import asyncio
import os
from pathlib import Path

from starlette.types import Message, Scope

from indextts_hub.manifest import Digest
from indextts_hub.mirror.sending_api import BlobResponse

SIZE = 64 << 20


def scope() -> Scope:
    return {"type": "http", "method": "GET", "path": "/", "headers": []}


async def sent(response: BlobResponse, leaves_after: int | None) -> int:
    """The bytes that a response sends to a client that leaves after so many pieces."""
    got, pieces, left = 0, 0, asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal got, pieces
        # As uvicorn does: whoever has left is sent nothing, and nobody is told.
        if message["type"] == "http.response.body":
            got, pieces = got + len(message["body"]), pieces + 1
            if pieces == leaves_after:
                left.set()

    await response(scope(), receive, send)
    return got


def opened(folder: Path) -> BlobResponse:
    path = folder / "blob"
    with path.open("wb") as file:
        os.ftruncate(file.fileno(), SIZE)
    return BlobResponse(path.open("rb", buffering=0), Digest("0" * 64), {})


def test_a_client_that_leaves_ends_the_reading(tmp_path: Path) -> None:
    response = opened(tmp_path)
    assert asyncio.run(sent(response, 2)) < SIZE // 4
    assert response.sent < SIZE // 4


def test_a_client_that_stays_gets_all(tmp_path: Path) -> None:
    response = opened(tmp_path)
    assert asyncio.run(sent(response, None)) == SIZE
    assert response.sent == SIZE
