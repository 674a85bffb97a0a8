"""`/api/session`: who asks; signing in to the page with a key, and out."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from indextts_hub.db.keys import Scope
from synth.service.auth import COOKIE, SESSION_SECONDS, Keys, session_token
from synth.service.problems import Problem

__all__ = ["open_routes", "routes"]


class SignIn(BaseModel):
    """The key to sign in with."""

    key: SecretStr = Field(max_length=200)


class SessionAnswer(BaseModel):
    """Who asks, and what they may do.

    Attributes:
        asks: whether the service wants keys.
        name: of the key that the session began with; null if there is none.
    """

    asks: bool
    name: str | None
    scopes: list[str]


def open_routes() -> APIRouter:
    """The routes of a service that asks nobody who they are."""
    router = APIRouter(prefix="/api/session", tags=["service"])

    @router.get("", summary="Who asks, and what they may do")
    async def session() -> SessionAnswer:
        return SessionAnswer(asks=False, name=None, scopes=sorted(Scope))

    return router


def routes(keys: Keys) -> APIRouter:
    """The routes, over the keys there are."""
    router = APIRouter(prefix="/api/session", tags=["service"])

    @router.get("", summary="Who asks, and what they may do")
    async def session(request: Request) -> SessionAnswer:
        token = session_token(request.headers)
        record = await keys.of_session(token) if token else None
        if record is None:
            return SessionAnswer(asks=True, name=None, scopes=[])
        return SessionAnswer(asks=True, name=record.name, scopes=sorted(record.scopes))

    @router.post("", summary="Sign in", status_code=204, response_class=Response)
    async def sign_in(asked: SignIn, request: Request) -> Response:
        record = await keys.of_key(asked.key.get_secret_value().strip())
        if record is None:
            raise Problem(401, "this key is unknown, has expired or was revoked", remedy="ask for a new one", code="E_KEY_REFUSED")
        answer = Response(status_code=204)
        answer.set_cookie(
            COOKIE,
            keys.begin_session(record),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.delete("", summary="Sign out", status_code=204, response_class=Response)
    async def sign_out(request: Request) -> Response:
        if token := session_token(request.headers):
            keys.end_session(token)
        answer = Response(status_code=204)
        answer.delete_cookie(COOKIE)
        return answer

    return router
