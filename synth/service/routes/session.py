"""`/api/session`: signing in to the page with a key, and out."""

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import Response

from synth.service.auth import COOKIE, SESSION_SECONDS, Keys, session_token
from synth.service.problems import Problem

__all__ = ["routes"]


class SignIn(BaseModel):
    """The key to sign in with."""

    key: SecretStr = Field(max_length=200)


def routes(keys: Keys) -> APIRouter:
    """The routes, over the keys there are."""
    router = APIRouter(prefix="/api/session", tags=["service"])

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
