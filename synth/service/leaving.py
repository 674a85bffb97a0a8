"""Work that is dropped when whoever asked for it has left."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

from starlette.requests import Request

__all__ = ["Left", "unless_left"]

_Result = TypeVar("_Result")


class Left(Exception):
    """The asker closed the connection; there is nobody to answer."""


async def unless_left(request: Request, work: "Coroutine[None, None, _Result]") -> _Result:
    """Do the work, and cancel it if the client closes the connection first. The request's body must have been read.

    Raises:
        Left: the client went, and the work was cancelled and has ended.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise Left
    finally:
        doing.cancel()
        gone.cancel()
        await asyncio.gather(doing, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
