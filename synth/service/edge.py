"""What each request passes first and each answer last: an id, limits on the body, headers that keep browsers safe, no internals."""

import asyncio
import logging
import re
import secrets
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synth.service.problems import DEFECT, BodyRefused, Problem, problem_response

__all__ = ["Edge"]

_log = logging.getLogger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# Everything the page needs comes from here; a page made of a text that someone sent could load and send nothing.
_CONTENT_POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
_SAFE = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Edge:
    """The outermost layer of the service, as plain ASGI: streams pass through it untouched."""

    def __init__(self, app: ASGIApp, largest_body: int, body_seconds: float, answered: Callable[[str, int], None]) -> None:
        self._app = app
        self._largest_body = largest_body
        self._body_seconds = body_seconds
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        begun = False

        async def marked(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._answered(scope["method"], message["status"])
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                for name, value in _SAFE.items():
                    answer.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, self._limited(headers, receive), marked)
        except Exception:
            _log.exception("request %s to %s", request_id, scope["path"])
            if begun:
                raise
            await problem_response(scope["path"], DEFECT)(scope, receive, marked)

    def _limited(self, headers: Headers, receive: Receive) -> Receive:
        announced = headers.get("content-length", "0")
        arrived = 0
        deadline: float | None = None
        whole = False

        async def limited() -> Message:
            nonlocal arrived, deadline, whole
            if whole:
                return await receive()
            if announced.isdigit() and int(announced) > self._largest_body:
                raise self._too_large()
            now = asyncio.get_running_loop().time()
            deadline = deadline or now + self._body_seconds
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _refused(
                    408, f"the body did not arrive within {self._body_seconds:.0f} s", remedy="send it faster", code="E_BODY_SLOW"
                ) from None
            arrived += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if arrived > self._largest_body:
                raise self._too_large()
            return message

        return limited

    def _too_large(self) -> BodyRefused:
        return _refused(
            413, f"the body is larger than {self._largest_body} bytes", remedy="send a shorter text, in parts", code="E_BODY_LARGE"
        )


def _refused(status: int, message: str, *, remedy: str, code: str) -> BodyRefused:
    return BodyRefused(Problem(status, message, remedy=remedy, code=code))
