"""What each request passes first and each answer last: an id, limits on the body, headers that keep browsers safe, no internals."""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from indextts_hub.mirror.signed import bare_path
from synth.service.problems import DEFECT, FOREIGN, BodyRefused, Problem, problem_response

__all__ = ["ANSWERS", "Bounds", "Edge"]

ANSWERS = "synth.answers"
"""The logger that has one line for each answer."""

_log = logging.getLogger(__name__)
_answers = logging.getLogger(ANSWERS)

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_UPLOADS = ("/api/voices", "/api/batches", "/v1/audio/voices", "/v1/audio/voice_consents", "/hub/")

_KEY = re.compile(r"ihk_[0-9A-Za-z_-]+")
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


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a body may be, in bytes, and how long it may take to arrive, in seconds."""

    largest: int
    seconds: float


class Edge:
    """The outermost layer of the service, as plain ASGI: streams pass through it untouched."""

    def __init__(self, app: ASGIApp, bounds: Bounds, uploads: Bounds, answered: Callable[[str, int], None]) -> None:
        """`uploads` bounds those bodies that carry clips and batch files, `bounds` all others."""
        self._app = app
        self._bounds = bounds
        self._uploads = uploads
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        began = time.monotonic()
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
                _log_answer(scope, request_id, message["status"], answer.get("x-task-id"), time.monotonic() - began)
            await send(message)

        if _is_foreign(scope["method"], headers):
            await problem_response(scope["path"], FOREIGN)(scope, receive, marked)
            return
        bounds = self._uploads if scope["path"].startswith(_UPLOADS) else self._bounds
        try:
            await self._app(scope, _limited(bounds, headers, receive), marked)
        except Exception:
            _log.exception("request %s to %s", request_id, _shown(scope["path"]))
            if begun:
                raise
            await problem_response(scope["path"], DEFECT)(scope, receive, marked)


def _is_foreign(method: str, headers: Headers) -> bool:
    """Whether a browser says that a page of another site would change something here.

    A service on a loopback address asks for no key: whoever gets a person there to open a page could else do what that person may.
    Browsers say it of themselves, of requests over TLS and to loopback addresses (https://www.w3.org/TR/fetch-metadata/).
    """
    return method not in _SAFE_METHODS and headers.get("sec-fetch-site") in {"cross-site", "same-site"}


def _log_answer(scope: Scope, request_id: str, status: int, task: str | None, seconds: float) -> None:
    """One line an answer: never the query or the body, which may hold texts."""
    said = {
        "request": request_id,
        "method": scope["method"],
        "path": _shown(scope["path"]),
        "status": status,
        "ms": round(seconds * 1000, 1),
        "asker": scope.get("state", {}).get("asker") or (scope.get("client") or [None])[0],
        "task": task,
    }
    _answers.info("%s %s %d", scope["method"], said["path"], status, extra={"said": said})


def _shown(path: str) -> str:
    """A path without what must not be read in a log: a link's signature, and a key that somebody put there."""
    return _KEY.sub("ihk_***", bare_path(path))


def _limited(bounds: Bounds, headers: Headers, receive: Receive) -> Receive:
    announced = headers.get("content-length", "0")
    arrived = 0
    deadline: float | None = None
    whole = False

    async def limited() -> Message:
        nonlocal arrived, deadline, whole
        if whole:
            return await receive()
        if announced.isdigit() and int(announced) > bounds.largest:
            raise _too_large(bounds)
        now = asyncio.get_running_loop().time()
        deadline = deadline or now + bounds.seconds
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise _refused(
                408, f"the body did not arrive within {bounds.seconds:.0f} s", remedy="send it faster", code="E_BODY_SLOW"
            ) from None
        arrived += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if arrived > bounds.largest:
            raise _too_large(bounds)
        return message

    return limited


def _too_large(bounds: Bounds) -> BodyRefused:
    return _refused(413, f"the body is larger than {bounds.largest} bytes", remedy="send less, in parts", code="E_BODY_LARGE")


def _refused(status: int, message: str, *, remedy: str, code: str) -> BodyRefused:
    return BodyRefused(Problem(status, message, remedy=remedy, code=code))
