"""`/links/ID/PATH`: files by protected links, for clients that have no key. What each link allows: `indextts_hub.mirror.links`."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from indextts_hub.db import Database
from indextts_hub.db.links import LinkRecord, find_link, give_back, take
from indextts_hub.errors import NotFound, PolicyError
from indextts_hub.manifest import Digest
from indextts_hub.mirror.downloads import Downloads, TooManyDownloads
from indextts_hub.mirror.link_keys import LinkKeys, link_keys
from indextts_hub.mirror.links import Asked, admit
from indextts_hub.mirror.sending_api import BlobResponse, blob_answer
from indextts_hub.mirror.shelf import LentFile, Shelf

__all__ = ["routes"]


def routes(shelf: Shelf, database: Database) -> APIRouter:
    """The routes, over what is lent and the links to it."""
    router = APIRouter(include_in_schema=False)
    keys = link_keys(shelf.folder)

    @router.api_route("/links/{link_id}/{path:path}", methods=["GET", "HEAD"])
    @router.api_route("/{moment}/{signature}/links/{link_id}/{path:path}", methods=["GET", "HEAD"])
    async def linked(request: Request, link_id: str, path: str) -> Response:
        link, file = await asyncio.to_thread(_allowed, shelf, database, keys, _asked(request), link_id, path)
        named = f"attachment; filename*=UTF-8''{quote(file.path.rpartition('/')[2])}"
        headers = {"Content-Disposition": named, "Cache-Control": "private, no-store"}
        if link.uses is None or request.method == "HEAD":
            return await blob_answer(shelf, file.sha256, request, headers)
        blob = await asyncio.to_thread(shelf.open, file.sha256)
        answer = _CountedResponse(
            blob,
            file.sha256,
            request.headers,
            headers,
            shelf.downloads,
            lambda count, use: give_back(database, link.id, count, use=use),
        )
        count = answer.stop - answer.start
        if count and not await asyncio.to_thread(take, database, link.id, begins=answer.start == 0, count=count, size=file.size):
            answer.close()
            raise PolicyError("this link is used up", remedy="ask whoever gave it for a new one", code="E_LINK_ENDED")
        return answer

    return router


def _asked(request: Request) -> Asked:
    # As it came: a path that was decoded once is another one to a signature.
    target: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    whole = target + (b"?" + query if query else b"")
    client = request.client.host if request.client else ""
    return Asked(whole.decode("latin-1"), client, request.headers.get("referer", ""))


def _allowed(shelf: Shelf, database: Database, keys: LinkKeys, asked: Asked, id_: str, path: str) -> tuple[LinkRecord, LentFile]:
    """The link and the file, if the request may have it.

    Raises:
        PolicyError: E_LINK, E_LINK_ENDED. NotFound: E_NO_FILE.
    """
    try:
        link = find_link(database, id_)
    except NotFound:
        # As if it were there and the signature wrong: which links there are is nobody's business.
        raise PolicyError(
            "this address was changed on the way, or never signed", remedy="ask whoever gave the link", code="E_LINK"
        ) from None
    admit(link, keys, asked, datetime.now(UTC))
    if link.path not in {None, path}:
        raise PolicyError("this link is for another file", remedy="ask whoever gave the link", code="E_LINK")
    return link, shelf.file(link.version, Digest(link.digest), path)


class _CountedResponse(BlobResponse):
    """A blob of which is told how many bytes were not sent, and whether it was no use at all."""

    def __init__(
        self,
        blob: BinaryIO,
        digest: Digest,
        asked: Mapping[str, str],
        headers: Mapping[str, str],
        downloads: Downloads,
        unsent: Callable[[int, bool], None],
    ) -> None:
        super().__init__(blob, digest, asked, headers, downloads)
        self._unsent = unsent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = False
        try:
            await super().__call__(scope, receive, send)
        except TooManyDownloads:
            refused = True
            raise
        finally:
            if left := self.stop - self.start - self.sent:
                await asyncio.to_thread(self._unsent, left, refused and self.start == 0)
