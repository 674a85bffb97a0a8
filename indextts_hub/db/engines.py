"""What the environments of engines have in them. Values in, values out, no rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from indextts_hub.db.models import EngineEnvironment
from indextts_hub.db.session import Database

__all__ = ["EngineRecord", "forget_engine", "keep_engine", "list_engines"]


@dataclass(frozen=True, slots=True)
class EngineRecord:
    """An engine's environment: when it was made, with which Python, and the versions of its packages by name."""

    engine: str
    installed: datetime
    python: str
    packages: Mapping[str, str]


def keep_engine(database: Database, record: EngineRecord) -> None:
    """Write an environment down instead of what was known of it.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    row = EngineEnvironment(engine=record.engine, installed=record.installed, python=record.python, packages=dict(record.packages))
    with database.session() as session:
        session.merge(row)


def forget_engine(database: Database, engine: str) -> None:
    """Forget an environment; one that is not known is no trouble.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    with database.session() as session:
        if (row := session.get(EngineEnvironment, engine)) is not None:
            session.delete(row)


def list_engines(database: Database) -> list[EngineRecord]:
    """All environments, by name.

    Raises:
        StorageError: as `Database.reading`.
    """
    with database.reading() as session:
        rows = session.exec(select(EngineEnvironment).order_by(EngineEnvironment.engine))
        return [EngineRecord(row.engine, row.installed, row.python, row.packages) for row in rows]
