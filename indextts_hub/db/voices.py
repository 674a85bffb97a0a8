"""Voices, the consents that let them be kept, and the roles of scripts. Values in, values out, no rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlmodel import Session, Text, cast, col, select, update

from indextts_hub.db.models import Consent, Role, Task, Voice
from indextts_hub.db.session import Database
from indextts_hub.db.tasks import RoleSettings
from indextts_hub.errors import NotFound
from indextts_hub.manifest import Json

__all__ = [
    "ConsentRecord",
    "VoiceRecord",
    "add_consent",
    "add_voice",
    "find_consent",
    "find_voice",
    "forget_consent",
    "forget_role",
    "forget_voice",
    "keep_role",
    "list_consents",
    "list_roles",
    "list_voices",
    "rename_consent",
]


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """Who allowed that their voice is spoken with.

    Attributes:
        name: of the person.
        statement: what they allowed, in their words.
        language: BCP 47, of the statement.
        asker: who wrote it down: a key's id, or an address.
        recording_sha256: of the recording in which it was said, if there is one.
    """

    id: str
    name: str
    statement: str
    language: str
    created: datetime
    asker: str
    recording_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class VoiceRecord:
    """A reference clip that is kept: its length in seconds, its rate in Hz, the SHA-256 of its file."""

    id: str
    name: str
    created: datetime
    asker: str
    consent_id: str
    seconds: float
    sample_rate: int
    sha256: str


def add_consent(database: Database, consent: ConsentRecord) -> None:
    """Write a consent down.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.add(Consent(**{name: getattr(consent, name) for name in _CONSENT}))


def find_consent(database: Database, id_: str) -> ConsentRecord:
    """The consent of this id.

    Raises:
        NotFound: E_NO_CONSENT.
    """
    with database.reading() as session:
        return _consent(_found(session.get(Consent, id_), id_, "consent", "E_NO_CONSENT"))


def list_consents(database: Database) -> tuple[ConsentRecord, ...]:
    """All consents, the latest first."""
    with database.reading() as session:
        return tuple(map(_consent, session.exec(select(Consent).order_by(col(Consent.created).desc())).all()))


def rename_consent(database: Database, id_: str, name: str) -> ConsentRecord:
    """Correct the name of the person who consented.

    Raises:
        NotFound: E_NO_CONSENT.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = _found(session.get(Consent, id_), id_, "consent", "E_NO_CONSENT")
        row.name = name
        session.add(row)
        return _consent(row)


def forget_consent(database: Database, id_: str) -> tuple[ConsentRecord, tuple[VoiceRecord, ...]]:
    """Forget a consent, and every voice that was kept by it; return what was forgotten.

    Raises:
        NotFound: E_NO_CONSENT.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = _found(session.get(Consent, id_), id_, "consent", "E_NO_CONSENT")
        voices = session.exec(select(Voice).where(col(Voice.consent_id) == id_)).all()
        forgotten = tuple(map(_voice, voices))
        for voice in voices:
            session.delete(voice)
        _forget_traces(session, [voice.id for voice in forgotten])
        # The rows that point at it must be gone before it is.
        session.flush()
        session.delete(row)
        return _consent(row), forgotten


def add_voice(database: Database, voice: VoiceRecord) -> None:
    """Write a voice down; its consent must be there.

    Raises:
        NotFound: E_NO_CONSENT.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        _found(session.get(Consent, voice.consent_id), voice.consent_id, "consent", "E_NO_CONSENT")
        session.add(Voice(**{name: getattr(voice, name) for name in _VOICE}))


def find_voice(database: Database, id_: str) -> VoiceRecord:
    """The voice of this id.

    Raises:
        NotFound: E_NO_VOICE.
    """
    with database.reading() as session:
        return _voice(_found(session.get(Voice, id_), id_, "voice", "E_NO_VOICE"))


def list_voices(database: Database) -> tuple[VoiceRecord, ...]:
    """All voices, the latest first."""
    with database.reading() as session:
        return tuple(map(_voice, session.exec(select(Voice).order_by(col(Voice.created).desc())).all()))


def forget_voice(database: Database, id_: str) -> VoiceRecord:
    """Forget a voice, and that tasks and roles named it; return what was forgotten.

    Raises:
        NotFound: E_NO_VOICE.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        row = _found(session.get(Voice, id_), id_, "voice", "E_NO_VOICE")
        forgotten = _voice(row)
        session.delete(row)
        _forget_traces(session, [id_])
        return forgotten


def keep_role(database: Database, role: RoleSettings) -> None:
    """Keep how a role speaks, in place of what was kept under its name.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.merge(
            Role(
                name=role.name,
                voice=role.voice,
                emotion=list(role.emotion),
                speed=role.speed,
                pitch=role.pitch,
                volume=role.volume,
            )
        )


def list_roles(database: Database) -> tuple[RoleSettings, ...]:
    """All roles, by name."""
    with database.reading() as session:
        rows = session.exec(select(Role).order_by(col(Role.name))).all()
        return tuple(RoleSettings(row.name, tuple(row.emotion), row.speed, row.voice, row.pitch, row.volume) for row in rows)


def forget_role(database: Database, name: str) -> None:
    """Forget a role.

    Raises:
        NotFound: E_NO_ROLE.
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        session.delete(_found(session.get(Role, name), name, "role", "E_NO_ROLE"))


_CONSENT = ("id", "name", "statement", "language", "created", "asker", "recording_sha256")
_VOICE = ("id", "name", "created", "asker", "consent_id", "seconds", "sample_rate", "sha256")
_Row = TypeVar("_Row")


def _found(row: "_Row | None", id_: str, what: str, code: str) -> "_Row":
    if row is None:
        raise NotFound(f"there is no {what} {id_[:40]!a}", remedy=f"see /api/{what}s for those there are", code=code)
    return row


def _forget_traces(session: Session, voices: Sequence[str]) -> None:
    session.exec(update(Task).where(col(Task.voice).in_(voices)).values(voice=None))
    session.exec(update(Role).where(col(Role.voice).in_(voices)).values(voice=None))
    for voice in voices:
        # Ids are random: what looks like one in the column is one.
        named = cast(col(Task.settings), Text).contains(voice, autoescape=True)
        for task in session.exec(select(Task).where(named)):
            task.settings = _without(task.settings, voice)
            session.add(task)


def _without(settings: "dict[str, Json]", voice: str) -> "dict[str, Json]":
    """Settings of a task that name a voice no more: neither as whose mood was taken, nor as a role's."""
    roles = settings.get("roles")
    kept = [
        {**role, "voice": None} if isinstance(role, dict) and role.get("voice") == voice else role
        for role in (roles if isinstance(roles, list) else [])
    ]
    mood = {} if settings.get("emotion_voice") != voice else {"emotion_voice": None}
    return {**settings, "roles": kept, **mood}


def _consent(row: Consent) -> ConsentRecord:
    return ConsentRecord(**{name: getattr(row, name) for name in _CONSENT})


def _voice(row: Voice) -> VoiceRecord:
    return VoiceRecord(**{name: getattr(row, name) for name in _VOICE})
