"""Who may ask: API keys as Bearer tokens, and, for the page, sessions that a key began. All is closed but what is listed here."""

import asyncio
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from indextts_hub.db import Database
from indextts_hub.db.keys import KeyRecord, check_key, get_key
from indextts_hub.db.keys import Scope as KeyScope
from indextts_hub.mirror.signed import bare_path
from synth.service.problems import FOREIGN, Problem, problem_response

__all__ = ["COOKIE", "SESSION_SECONDS", "Gate", "Keys"]

COOKIE = "indextts_hub_session"
# A working day; a page that is left open overnight asks again.
SESSION_SECONDS = 12 * 3600
MOST_SESSIONS = 10_000
# A key that was right a moment ago is right: a revoked one is refused this much later at most.
REMEMBERED_SECONDS = 5.0
MOST_REMEMBERED = 1000

# What anybody may see: that the service is here and how it stands, and the page with which one signs in.
_OPEN = frozenset({"/", "/docs", "/openapi.json", "/healthz", "/readyz", "/api/session"})
_OPEN_BELOW = ("/assets/",)
_READ_BELOW = ("/hub/", "/api/models/", "/api/v1/models/")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_NO_KEY = Problem(401, "a key is wanted", remedy="send `Authorization: Bearer KEY`, or sign in on the page", code="E_KEY_WANTED")
_BAD_KEY = Problem(401, "this key is unknown, has expired or was revoked", remedy="ask for a new one", code="E_KEY_REFUSED")
_IN_ADDRESS = Problem(
    401,
    "a key stands in the address, where logs and histories keep it",
    remedy="send it as a header, and revoke this one",
    code="E_KEY_SHOWN",
)


class Keys:
    """The keys of a database and the sessions of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: OrderedDict[str, tuple[KeyRecord, float]] = OrderedDict()
        self._sessions: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def of_key(self, key: str) -> KeyRecord | None:
        """The record of a key that counts, else None."""
        return await self._looked_up(f"key {_hash(key)}", lambda now: check_key(self._database, key, now))

    async def of_session(self, token: str) -> KeyRecord | None:
        """The record of the key that began a session, while both count."""
        id_, until = self._sessions.get(_hash(token), ("", 0.0))
        if time.monotonic() > until:
            return None
        return await self._looked_up(f"id {id_}", lambda now: get_key(self._database, id_, now))

    def begin_session(self, record: KeyRecord) -> str:
        """Begin a session; its token is nowhere kept but in the browser."""
        token = secrets.token_urlsafe(32)
        self._sessions[_hash(token)] = (record.id, time.monotonic() + SESSION_SECONDS)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def end_session(self, token: str) -> None:
        """End a session."""
        self._sessions.pop(_hash(token), None)

    async def _looked_up(self, name: str, look: Callable[[datetime], KeyRecord | None]) -> KeyRecord | None:
        now = time.monotonic()
        record, until = self._remembered.get(name, (None, 0.0))
        if record is not None and now < until:
            return record
        self._remembered.pop(name, None)
        record = await asyncio.to_thread(look, datetime.now(UTC))
        if record is not None:
            self._remembered[name] = (record, now + REMEMBERED_SECONDS)
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return record


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets a request through that may ask for what it asks, as plain ASGI."""

    app: ASGIApp
    keys: Keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 401 or 403."""
        if scope["type"] == "http" and not _is_open(scope["path"]) and (problem := await self._refusal(scope)):
            headers = {"WWW-Authenticate": 'Bearer realm="indextts-hub"'} if problem.status == 401 else {}
            await problem_response(scope["path"], problem, headers)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if b"ihk_" in scope["query_string"]:
            return _IN_ADDRESS
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            record = await self.keys.of_key(key.strip())
        elif token := session_token(headers):
            if not _is_ours(scope["method"], headers):
                return FOREIGN
            record = await self.keys.of_session(token)
        else:
            return _NO_KEY
        if record is None:
            return _BAD_KEY
        wanted = _wanted(scope["method"], scope["path"])
        # Whose turn it takes, and who did it, for what comes behind the gate.
        scope.setdefault("state", {})["asker"] = f"{record.name} ({record.id})"
        scope["state"]["scopes"] = record.scopes
        if wanted not in record.scopes:
            return Problem(403, f"this key is not good for {wanted}", remedy=f"ask for one with the scope {wanted}", code="E_SCOPE")
        return None


def session_token(headers: Headers) -> str | None:
    """The token in a request's cookie, if there is one."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None else None


def _is_open(path: str) -> bool:
    # A protected link is its own key: its route lets nobody in whose signature is not right.
    return path in _OPEN or path.startswith(_OPEN_BELOW) or bare_path(path).startswith("/links/")


def _wanted(method: str, path: str) -> KeyScope:
    if path.startswith("/hub/") and method not in _SAFE_METHODS:
        return KeyScope.ADMIN
    reads = path.startswith(_READ_BELOW) or "/resolve/" in path or path in {"/metrics", "/api/agent-harnesses"}
    return KeyScope.READ if reads else KeyScope.SPEAK


def _is_ours(method: str, headers: Headers) -> bool:
    """Whether a request with a cookie comes from our own page: browsers say where from when something would be changed."""
    if method in _SAFE_METHODS:
        return True
    return urlsplit(headers.get("origin", "")).netloc == headers.get("host", " ")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
