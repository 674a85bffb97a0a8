"""Bringing a version to this hub, for keys with the scope `admin`. What may be brought: `indextts_hub.mirror.receiving`.

PUT /hub/versions/NAME/sha256/HEX                     the canonical manifest; answers {"missing": [PATH…]}
GET /hub/versions/NAME/sha256/HEX/files/PATH          {"here": N}, the bytes of a file that are here
PUT /hub/versions/NAME/sha256/HEX/files/PATH          a part of it, `Content-Range: bytes A-B/SIZE`; answers {"here": N}
"""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel

from indextts_hub.errors import IntegrityError, NotFound, UsageError
from indextts_hub.hub import Hub
from indextts_hub.manifest import LARGEST_MANIFEST, Digest, check_digest
from indextts_hub.mirror.downloads import client_of
from indextts_hub.mirror.receiving import LARGEST_PART, announce, arrived, receive

__all__ = ["routes"]

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")


class MissingBody(BaseModel):
    """The files of an announced version that are not here."""

    missing: list[str]


class HereBody(BaseModel):
    """How many bytes of a file are here, from its first on."""

    here: int


def routes(hub: Hub) -> APIRouter:
    """The routes, over a hub that takes versions in."""
    router = APIRouter(prefix="/hub/versions/{name}/sha256/{digest}", tags=["hub"])

    @router.put("", summary="Announce a version by its manifest")
    async def announced(request: Request, name: str, digest: str) -> MissingBody:
        body = await _body(request, LARGEST_MANIFEST)
        try:
            found = await asyncio.to_thread(announce, hub, name, _checked(digest), body, client_of(request.scope))
        except IntegrityError as error:
            raise UsageError(error.message, remedy=error.remedy, code="E_UPLOAD") from None
        return MissingBody(missing=list(found.missing))

    @router.get("/files/{path:path}", summary="How much of a file is here")
    async def here(name: str, digest: str, path: str) -> HereBody:  # noqa: ARG001 - the address names it
        return HereBody(here=await asyncio.to_thread(arrived, hub, _checked(digest), path))

    @router.put("/files/{path:path}", summary="Bring a part of a file")
    async def part(
        request: Request, name: str, digest: str, path: str, content_range: Annotated[str, Header(max_length=80)] = ""
    ) -> HereBody:
        match = _CONTENT_RANGE.fullmatch(content_range)
        start, last = (int(match[1]), int(match[2])) if match else (0, -1)
        if not 0 < last - start + 1 <= LARGEST_PART:
            raise UsageError(
                "a part needs its Content-Range", remedy=f"send `bytes A-B/SIZE`, at most {LARGEST_PART} of them", code="E_UPLOAD"
            )
        body = await _body(request, last - start + 1)
        if len(body) != last - start + 1:
            raise UsageError("the part is shorter than its Content-Range says", remedy="send it again", code="E_UPLOAD")
        actor = client_of(request.scope)
        return HereBody(here=await asyncio.to_thread(receive, hub, name, _checked(digest), path, start, body, actor))

    return router


async def _body(request: Request, largest: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise UsageError(f"the body is longer than {largest} bytes", remedy="send what was said", code="E_UPLOAD")
        parts.append(part)
    return b"".join(parts)


def _checked(digest: str) -> Digest:
    try:
        return check_digest(digest)
    except IntegrityError as error:
        raise NotFound(error.message, remedy=error.remedy, code="E_NO_MANIFEST") from None
