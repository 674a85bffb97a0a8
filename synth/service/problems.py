"""Errors as answers: `application/problem+json` (RFC 9457), and OpenAI's shape under `/v1/`. Never a traceback, never a path."""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from indextts_hub.errors import Busy, HubError, NotFound, PolicyError, SourceError, UsageError
from indextts_hub.mirror.downloads import TooManyDownloads
from synth.service.limits import Limited
from synth.service.queue import QueueFull
from synth.service.versions import NotReady

__all__ = [
    "DEFECT",
    "FOREIGN",
    "OPENAI_PROBLEMS",
    "PROBLEMS",
    "BodyRefused",
    "Problem",
    "install_problems",
    "problem_body",
    "problem_response",
]

_log = logging.getLogger(__name__)

_STATUS: Mapping[type[HubError], int] = {
    QueueFull: 429,
    Limited: 429,
    TooManyDownloads: 429,
    NotReady: 503,
    Busy: 503,
    UsageError: 422,
    NotFound: 404,
    PolicyError: 403,
    SourceError: 502,
}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Problem(HubError):
    """An error of the HTTP layer itself, with its status."""

    exit_code = 2
    default_code = "E_REQUEST"

    def __init__(self, status: int, message: str, *, remedy: str, code: str) -> None:
        super().__init__(message, remedy=remedy, code=code)
        self.status = status


FOREIGN = Problem(403, "this comes from another site's page", remedy="use this service's own page", code="E_ORIGIN")

DEFECT = Problem(
    500,
    "the service made a mistake",
    remedy="report it with this answer's X-Request-Id; the service's log has more",
    code="E_DEFECT",
)
"""What an asker hears of an error that is none of ours."""


class ProblemBody(BaseModel):
    """What is wrong, and what to do about it (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    remedy: str


class OpenAIProblem(BaseModel):
    """What is wrong, as OpenAI says it."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAIProblemBody(BaseModel):
    """What is wrong, in OpenAI's shape."""

    error: OpenAIProblem


class BodyRefused(HTTPException):
    """The body is not read any further. FastAPI lets this class through where it turns all others into `400`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem = problem


Documented: TypeAlias = "dict[int | str, dict[str, Any]]"  # FastAPI's own type

_SAID = "A problem: what is wrong, and what to do about it."
_PROBLEM = {"description": _SAID, "content": {"application/problem+json": {"schema": ProblemBody.model_json_schema()}}}
PROBLEMS: Documented = {"4XX": _PROBLEM, "5XX": _PROBLEM}
"""What any route may answer instead of its own, for the OpenAPI document."""

_OPENAI_PROBLEM = {"description": _SAID, "model": OpenAIProblemBody}
OPENAI_PROBLEMS: Documented = {"4XX": _OPENAI_PROBLEM, "5XX": _OPENAI_PROBLEM}
"""The same, for routes under `/v1/`."""


def install_problems(app: FastAPI) -> None:
    """Have the app answer every error as a problem."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, HubError)  # noqa: S101 - registered for these only
        return problem_response(request.url.path, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for these only
        return problem_response(request.url.path, _invalid(error))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)  # noqa: S101 - registered for these only
        if isinstance(error, BodyRefused):
            # The rest of the body is not waited for: the connection is closed behind the answer.
            return problem_response(request.url.path, error.problem, {"Connection": "close"})
        headers = {"Allow": _allowed(request)} if error.status_code == 405 else dict(error.headers or {})
        return problem_response(request.url.path, _http(error), headers)

    app.add_exception_handler(HubError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(StarletteHTTPException, http)


def problem_response(path: str, error: HubError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request for `path` that ended in `error`."""
    status = _status(error)
    if status >= 500 and not isinstance(error, NotReady):
        _log.error("%s: %s", error.code, error.message)
    sent = {**(headers or {}), **_retry(error)}
    if path.startswith("/v1/"):
        # OpenAI's clients know a request that is wrong as 400.
        return Response(problem_body(path, error), 400 if status == 422 else status, sent, "application/json")
    return Response(problem_body(path, error), status, sent, "application/problem+json")


def problem_body(path: str, error: HubError) -> bytes:
    """The error in JSON, in the shape that clients of `path` know."""
    status = _status(error)
    if path.startswith("/v1/"):
        kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
        said = f"{error.message}: {error.remedy}"
        return _json({"error": {"message": said, "type": kind, "param": None, "code": error.code}})
    return _json({"type": "about:blank", "title": error.message, "status": status, "code": error.code, "remedy": error.remedy})


def _status(error: HubError) -> int:
    if isinstance(error, Problem):
        return error.status
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def _retry(error: HubError) -> dict[str, str]:
    if isinstance(error, QueueFull | Limited | NotReady | TooManyDownloads):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": "1"} if isinstance(error, Busy) else {}


def _invalid(error: RequestValidationError) -> Problem:
    # Where and why, but not what was sent: it may be half a character, or a secret.
    wrong = [f"{'.'.join(map(str, found['loc'][1:])) or 'the body'}: {found['msg']}" for found in error.errors()[:5]]
    return Problem(422, "; ".join(wrong)[:1000], remedy="see /docs for what each field may be", code="E_REQUEST")


def _http(error: StarletteHTTPException) -> Problem:
    if error.status_code == 404:
        return Problem(404, "there is nothing at this address", remedy="see /docs for what there is", code="E_NO_ROUTE")
    if error.status_code == 405:
        return Problem(405, "this address does not take this method", remedy="see /docs for those it takes", code="E_METHOD")
    return Problem(error.status_code, str(error.detail)[:200], remedy="see /docs for how to ask", code="E_REQUEST")


def _allowed(request: Request) -> str:
    # Starlette names only the methods of the first route with this path; the document has all of them.
    documented: Mapping[str, Mapping[str, object]] = request.app.openapi()["paths"]
    same = (methods for path, methods in documented.items() if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path))
    return ", ".join(sorted({method.upper() for methods in same for method in methods}))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")
