"""What is remembered besides the bytes, in tables.

Nothing here is needed to find, check or keep a version: that is the store's, which knows no database. What an auditor relies on
is the log; `Event` is its copy to search in. A change here needs a revision in `alembic/versions`; a test holds them together.
"""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import JSON, BigInteger, Boolean, Column, DateTime, Dialect, ForeignKey, Index, String, Text, false
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

if TYPE_CHECKING:
    from indextts_hub.manifest import Json

__all__ = [
    "ApiKey",
    "Batch",
    "Consent",
    "Download",
    "EngineEnvironment",
    "Event",
    "LicenseAcceptance",
    "Link",
    "MirrorScore",
    "Pull",
    "Role",
    "Task",
    "Transfer",
    "UtcDateTime",
    "Voice",
]


# MySQL wants to know how long an indexed text may be; names are at most 64 characters, references 140.
LINE = String(255)
DIGEST = String(64)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its time zone, on databases that have none: kept in UTC, given back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Pull(SQLModel, table=True):
    """Which version was pulled, when and by whom, and what it took. Sizes in bytes."""

    __tablename__ = "pull"
    __table_args__ = (Index("ix_pull_digest_at", "digest", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    by: str = Field(sa_type=LINE)
    version: str = Field(sa_type=LINE)
    digest: str = Field(sa_type=DIGEST)
    outcome: str = Field(sa_type=LINE)
    """`done`, or the error's code."""
    seconds: float
    bytes_total: int = Field(sa_type=BigInteger)
    bytes_fetched: int = Field(sa_type=BigInteger)
    bytes_wasted: int = Field(sa_type=BigInteger)


class Transfer(SQLModel, table=True):
    """What one mirror gave to one file of a pull."""

    __tablename__ = "transfer"

    id: int | None = Field(default=None, primary_key=True)
    pull_id: int = Field(sa_column=Column(ForeignKey("pull.id", ondelete="CASCADE"), nullable=False, index=True))
    path: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=DIGEST, index=True)
    mirror: str = Field(sa_type=LINE)
    bytes: int = Field(sa_type=BigInteger)
    chunks: int
    errors: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    ranges: list[list[int]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]"))


class MirrorScore(SQLModel, table=True):
    """What is remembered of a mirror from one pull to the next."""

    __tablename__ = "mirror_score"

    mirror: str = Field(primary_key=True, sa_type=LINE)
    latency_seconds: float | None
    bytes_per_second: float | None
    successes: int
    failures: int
    lies: int
    closed_until: datetime | None = Field(sa_type=UtcDateTime)
    """Not asked before then, after failures in a row."""
    updated: datetime = Field(sa_type=UtcDateTime)


class LicenseAcceptance(SQLModel, table=True):
    """Who accepted which licence for which version."""

    __tablename__ = "license_acceptance"
    __table_args__ = (Index("ix_license_acceptance_digest", "digest"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    by: str = Field(sa_type=LINE)
    version: str = Field(sa_type=LINE)
    digest: str = Field(sa_type=DIGEST)
    license: str = Field(sa_type=LINE)
    url: str | None = Field(sa_type=Text)


class Event(SQLModel, table=True):
    """A line of the audit log, to search in; the log itself is the truth."""

    __tablename__ = "event"

    seq: int = Field(sa_column=Column("seq", BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str = Field(sa_type=LINE)
    act: str = Field(index=True, sa_type=LINE)
    subject: str = Field(index=True, sa_type=LINE)
    outcome: str = Field(sa_type=LINE)
    details: "dict[str, Json]" = Field(sa_column=Column(JSON, nullable=False))
    previous: str = Field(sa_type=DIGEST)
    line_sha256: str = Field(sa_type=DIGEST)


class Task(SQLModel, table=True):
    """A synthesis that someone asked for, from the moment it is accepted."""

    __tablename__ = "task"
    __table_args__ = (Index("ix_task_deleted_created", "deleted", "created"), Index("ix_task_batch_line", "batch", "line"))

    id: str = Field(primary_key=True, sa_type=LINE)
    created: datetime = Field(sa_type=UtcDateTime)
    started: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deleted: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Hidden since then, until it is restored or swept away."""
    status: str = Field(index=True, sa_type=LINE)
    """`queued`, `running`, `done`, `failed` or `cancelled`."""
    text: str = Field(sa_type=Text)
    model: str = Field(index=True, sa_type=LINE)
    """The version's name; with `model_digest` what spoke."""
    model_digest: str | None = Field(default=None, sa_type=DIGEST)
    voice: str | None = Field(default=None, index=True, sa_type=LINE)
    emotion: str | None = Field(default=None, index=True, sa_type=LINE)
    settings: "dict[str, Json]" = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """All else that was asked for: intensity, speed, format, seed."""
    duration: float | None = None
    """Seconds of speech."""
    sample_rate: int | None = None
    audio_path: str | None = Field(default=None, sa_type=Text)
    """Below the service's folder for audio."""
    audio_sha256: str | None = Field(default=None, sa_type=DIGEST)
    segments: "list[Json]" = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    warnings: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    error_code: str | None = Field(default=None, sa_type=LINE)
    error: str | None = Field(default=None, sa_type=Text)
    asker: str = Field(default="", sa_column=Column(LINE, nullable=False, server_default=""))
    """Who asked: a key's id, or an address."""
    background: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    """Nobody waits at the other end of a connection: a service that starts again goes on with it."""
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often it was begun."""
    batch: str | None = Field(default=None, sa_type=DIGEST)
    line: int | None = None
    """Its place in its batch, from 1."""
    name: str | None = Field(default=None, sa_type=LINE)
    """That somebody gave it."""


class Batch(SQLModel, table=True):
    """Many tasks that were asked for together."""

    __tablename__ = "batch"

    id: str = Field(primary_key=True, sa_type=DIGEST)
    name: str = Field(sa_type=LINE)
    created: datetime = Field(sa_type=UtcDateTime)
    asker: str = Field(sa_type=LINE)
    lines: int


class Consent(SQLModel, table=True):
    """Who allowed that their voice is spoken with, in which words, when, and who wrote it down."""

    __tablename__ = "consent"

    id: str = Field(primary_key=True, sa_type=DIGEST)
    name: str = Field(sa_type=LINE)
    """Of the person whose voice it is."""
    statement: str = Field(sa_type=Text)
    language: str = Field(sa_type=LINE)
    created: datetime = Field(sa_type=UtcDateTime)
    asker: str = Field(sa_type=LINE)
    recording_sha256: str | None = Field(default=None, sa_type=DIGEST)
    """Of the recording in which it was said, if there is one."""


class Voice(SQLModel, table=True):
    """A reference clip, decoded and written anew, that engines may take a timbre from."""

    __tablename__ = "voice"

    id: str = Field(primary_key=True, sa_type=DIGEST)
    name: str = Field(sa_type=LINE)
    created: datetime = Field(sa_type=UtcDateTime)
    asker: str = Field(sa_type=LINE)
    consent_id: str = Field(sa_column=Column(DIGEST, ForeignKey("consent.id", ondelete="CASCADE"), nullable=False, index=True))
    seconds: float
    sample_rate: int
    sha256: str = Field(sa_type=DIGEST)


class Role(SQLModel, table=True):
    """How a role of scripts speaks."""

    __tablename__ = "role"

    name: str = Field(primary_key=True, sa_type=LINE)
    voice: str | None = Field(default=None, sa_type=LINE)
    emotion: list[float] = Field(sa_column=Column(JSON, nullable=False))
    """Eight weights in the order of the emotion vector."""
    speed: float
    pitch: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})
    """Semitones."""
    volume: float = Field(default=0.0, sa_column_kwargs={"server_default": "0"})
    """Decibels."""


class ApiKey(SQLModel, table=True):
    """A key, by what its secret hashes to."""

    __tablename__ = "api_key"

    id: str = Field(primary_key=True, sa_type=DIGEST)
    name: str = Field(sa_type=LINE)
    sha256: str = Field(sa_type=DIGEST)
    scopes: str = Field(sa_type=LINE)
    """Their names with spaces between."""
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Link(SQLModel, table=True):
    """A link to a file of a version, or to all of them. Its key is made from the seed and a secret of the store."""

    __tablename__ = "link"

    id: str = Field(primary_key=True, sa_type=DIGEST)
    created: datetime = Field(sa_type=UtcDateTime)
    expires: datetime = Field(sa_type=UtcDateTime)
    revoked: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: str = Field(sa_type=LINE)
    digest: str = Field(sa_type=DIGEST)
    path: str | None = Field(default=None, sa_type=Text)
    scheme: str = Field(sa_type=LINE)
    seed: str = Field(sa_type=LINE)
    ttl: int
    address: str | None = Field(default=None, sa_type=LINE)
    referers: list[str] = Field(sa_column=Column(JSON, nullable=False))
    empty_referer: bool
    uses: int | None = None
    used: int = 0
    given: int = Field(default=0, sa_type=BigInteger)


class Download(SQLModel, table=True):
    """What one client was given of one version on one day."""

    __tablename__ = "download"

    day: date = Field(primary_key=True)
    """In UTC."""
    version: str = Field(primary_key=True, sa_type=LINE)
    client: str = Field(primary_key=True, sa_type=LINE)
    """A key's name and id, or an address."""
    files: int = Field(sa_type=BigInteger)
    """How many were begun with their first byte."""
    bytes: int = Field(sa_type=BigInteger)


class EngineEnvironment(SQLModel, table=True):
    """What the environment of an engine has in it."""

    __tablename__ = "engine_environment"

    engine: str = Field(primary_key=True, sa_type=LINE)
    installed: datetime = Field(sa_type=UtcDateTime)
    python: str = Field(sa_type=LINE)
    packages: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    """Versions by name."""
