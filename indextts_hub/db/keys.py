"""API keys: who may ask a service for what. A key is shown once, when it is made; here is only what it hashes to.

A key is `ihk_ID_SECRET`: an id of 8 hex digits to find it by, and 32 random bytes. Those are not to be guessed, so a plain SHA-256
keeps them as well as a slow hash would.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import col, select

from indextts_hub.db.models import ApiKey
from indextts_hub.db.session import Database
from indextts_hub.errors import NotFound

__all__ = ["KeyRecord", "Scope", "check_key", "create_key", "get_key", "list_keys", "revoke_key"]

_KEY = re.compile(r"ihk_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NOBODY = "0" * 64


class Scope(StrEnum):
    """What a key is good for."""

    SPEAK = "speak"
    """Synthesize, and see and change the history."""
    READ = "read"
    """Pull versions from this hub, and read its metrics."""
    ADMIN = "admin"
    """Change what is here: bring versions."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key, without its secret.

    Attributes:
        expires, revoked: when it ends, or ended; None if it does not.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it counts at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)


def create_key(
    database: Database, name: str, scopes: frozenset[Scope], now: datetime, expires: datetime | None
) -> tuple[KeyRecord, str]:
    """Make a key; return it and, for this one time, the key itself.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    id_, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    row = ApiKey(id=id_, name=name, sha256=_hash(secret), scopes=" ".join(sorted(scopes)), created=now, expires=expires)
    with database.session() as session:
        session.add(row)
    return KeyRecord(id_, name, scopes, now, expires, None), f"ihk_{id_}_{secret}"


def check_key(database: Database, key: str, now: datetime) -> KeyRecord | None:
    """The record of a key that counts at `now`, else None; it takes as long either way.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    match = _KEY.fullmatch(key)
    id_, secret = match.groups() if match else ("", "")
    with database.reading() as session:
        row = session.get(ApiKey, id_)
        record, kept = (None, _NOBODY) if row is None else (_record(row), row.sha256)
    right = hmac.compare_digest(_hash(secret), kept)
    return record if record is not None and right and record.is_good(now) else None


def get_key(database: Database, id_: str, now: datetime) -> KeyRecord | None:
    """The record of a key by its id, if it counts at `now`.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        row = session.get(ApiKey, id_)
        record = None if row is None else _record(row)
    return record if record is not None and record.is_good(now) else None


def list_keys(database: Database) -> list[KeyRecord]:
    """All keys that ever were, the oldest first.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.reading() as session:
        return [_record(row) for row in session.exec(select(ApiKey).order_by(col(ApiKey.created), col(ApiKey.id)))]


def revoke_key(database: Database, id_: str, now: datetime) -> KeyRecord:
    """Let a key count no more.

    Raises:
        NotFound: E_NO_KEY.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = session.get(ApiKey, id_)
        if row is None:
            raise NotFound(f"there is no key {id_[:20]!a}", remedy="see `indextts-hub key list`", code="E_NO_KEY")
        row.revoked = row.revoked or now
        session.add(row)
        return _record(row)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(row: ApiKey) -> KeyRecord:
    scopes = frozenset(Scope(scope) for scope in row.scopes.split())
    return KeyRecord(row.id, row.name, scopes, row.created, row.expires, row.revoked)
