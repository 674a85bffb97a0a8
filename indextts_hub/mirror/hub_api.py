"""`/hub/…`: this hub's own protocol. What is under a digest never changes; a `hub` source pulls it with many connections at once.

GET /hub/versions                       [{"version", "digest", "engine", "size", "files": N}]
GET /hub/manifests/sha256/HEX           the canonical manifest
GET /hub/blobs/sha256/HEX               the bytes; HEAD and ranges too
"""

import asyncio

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from indextts_hub.errors import IntegrityError, NotFound
from indextts_hub.manifest import Digest, check_digest
from indextts_hub.mirror.sending_api import blob_answer
from indextts_hub.mirror.shelf import Shelf

__all__ = ["routes"]

_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}


class LentVersionBody(BaseModel):
    """A version that can be pulled from here."""

    version: str
    digest: str
    engine: str
    size: int
    files: int


def routes(shelf: Shelf) -> APIRouter:
    """The routes, over what is lent."""
    router = APIRouter(prefix="/hub", tags=["hub"])

    @router.get("/versions")
    async def versions() -> list[LentVersionBody]:
        """The versions that are whole here."""
        found = await asyncio.to_thread(lambda: list(shelf.versions()))
        return [
            LentVersionBody(
                version=each.name,
                digest=each.manifest.digest,
                engine=each.manifest.engine,
                size=each.manifest.size,
                files=len(each.manifest.files),
            )
            for each in found
        ]

    @router.get("/manifests/sha256/{digest}", response_class=Response)
    async def manifest(digest: str) -> Response:
        """A canonical manifest."""
        body = await asyncio.to_thread(shelf.manifest, _checked(digest))
        return Response(body, media_type="application/json", headers=_FOR_GOOD)

    @router.api_route("/blobs/sha256/{digest}", methods=["GET", "HEAD"], response_class=Response, operation_id="blob")
    async def blob(request: Request, digest: str) -> Response:
        """A file's bytes, by their digest."""
        return await blob_answer(shelf, _checked(digest), request)

    return router


def _checked(digest: str) -> Digest:
    try:
        return check_digest(digest)
    except IntegrityError as error:
        raise NotFound(error.message, remedy=error.remedy, code="E_NO_BLOB") from None
