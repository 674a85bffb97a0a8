"""The database: opened when something is written to it or asked of it, and upgraded on the way if it is older.

Importing this room costs about half a second (SQLModel). Commands that only read the store never import it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from indextts_hub.errors import Busy, HubError, StorageError, UsageError
from indextts_hub.shipped import shipped

__all__ = ["HEAD", "Database", "current_revision", "open_database", "sqlite_url"]

HEAD = "0010"
"""The revision this program knows; a test holds it to the newest in `alembic/versions`."""

# A writer holds SQLite for milliseconds; a service, a pull and `list` may meet. After half a minute something hangs.
BUSY_TIMEOUT_MS = 30_000
# Any number will do, if it is always the same: it names the lock on PostgreSQL under which one program writes, or upgrades.
_WRITERS_LOCK = 7_860_2311
_READS = "indextts_hub_reads"


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite database in `file`."""
    return f"sqlite:///{file}"


@dataclass(frozen=True, slots=True)
class Database:
    """An open database at the revision this program knows. Close it where it was opened.

    Attributes:
        shown: its URL without a password, for messages.
    """

    engine: Engine
    shown: str

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction that reads and writes, alone among writers: it is committed at the end, or nothing of it.

        Raises:
            Busy: E_DATABASE_BUSY, if another process holds it for longer than half a minute.
            StorageError: E_DATABASE_DAMAGED, E_NO_SPACE or E_DATABASE.
        """
        with _database_errors(self.shown), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One look at the database as it stands; it waits for no writer, and must write nothing.

        Raises:
            StorageError: E_DATABASE_DAMAGED or E_DATABASE.
        """
        with _database_errors(self.shown), Session(_readers(self.engine)) as session:
            yield session

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database at `url`, and make or upgrade its tables if they are not those of this program.

    Raises:
        UsageError: E_DATABASE_URL, if no database can be meant.
        StorageError: E_DATABASE_NEWER if a newer program upgraded it, E_DATABASE_DAMAGED or E_DATABASE.
        Busy: E_DATABASE_BUSY.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":
            # What the extra `postgresql` installs; SQLAlchemy would look for its predecessor.
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, pool_pre_ping=not parsed.drivername.startswith("sqlite"))
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise UsageError(
            f"this database URL can't be used: {type(error).__name__}",
            remedy="write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, and install indextts-hub[postgresql] for it",
            code="E_DATABASE_URL",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif engine.dialect.name == "postgresql":
        event.listen(engine, "begin", _begin_postgresql)
    database = Database(engine, parsed.render_as_string(hide_password=True))
    try:
        with _database_errors(database.shown):
            with _readers(engine).connect() as connection:
                found = _revision(connection)
            if found != HEAD:
                _upgrade(database)
    except BaseException:
        engine.dispose()
        raise
    return database


def current_revision(database: Database) -> str | None:
    """The revision of the tables; None if there are none.

    Raises:
        StorageError, Busy: as `open_database`.
    """
    with _database_errors(database.shown), _readers(database.engine).connect() as connection:
        return _revision(connection)


def _upgrade(database: Database) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(shipped("alembic")).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with database.engine.connect() as connection:
        # All revisions run in one transaction that only one process can be in; a killed upgrade leaves the tables as they were.
        connection.begin()
        # Looked at again under the lock: another process may have upgraded meanwhile.
        found = _revision(connection)
        if found is not None and found not in known:
            raise StorageError(
                f"the database {database.shown} was upgraded by a newer program, to {found[:40]!a}",
                remedy="use that newer indextts-hub, or another database with INDEXTTS_HUB_DATABASE_URL",
                code="E_DATABASE_NEWER",
            )
        if found != HEAD:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        connection.commit()


def _revision(connection: Connection) -> str | None:
    # What alembic would answer, without the 100 ms that importing it takes.
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _set_up_sqlite(connection: SqliteConnection, _: ConnectionPoolEntry) -> None:
    # Python's own guesses where a transaction begins are turned off: `_begin_sqlite` says it.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    # Readers and the writer do not wait for each other; where WAL can't be had, SQLite stays with what it has.
    connection.execute("PRAGMA journal_mode = WAL")
    # With WAL this survives a killed process whole, and a power loss but for the last moments, which the audit log has.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail if another wrote between; a writer is alone from the start.
    reads = connection.get_execution_options().get(_READS, False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    # There, too, a writer is alone from its first look on: what it read is what it changes. The lock ends with its transaction.
    if not connection.get_execution_options().get(_READS, False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")


def _readers(engine: Engine) -> Engine:
    return engine.execution_options(**{_READS: True})


@contextmanager
def _database_errors(shown: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _told(shown, error) from error


def _told(shown: str, error: DBAPIError) -> HubError:
    said = str(error.orig)
    if any(words in said for words in ("database is locked", "database table is locked", "due to lock timeout")):
        return Busy(
            f"the database {shown} is held by another process",
            remedy="wait for it to end and run it again",
            code="E_DATABASE_BUSY",
        )
    if "not a database" in said or "malformed" in said or "disk image" in said:
        return StorageError(
            f"the database {shown} is damaged: {said}",
            remedy="make it anew from the store with `indextts-hub doctor --rebuild`",
            code="E_DATABASE_DAMAGED",
        )
    if "disk is full" in said:
        return StorageError(
            f"the database {shown} can't grow: {said}",
            remedy="free some space and run it again",
            code="E_NO_SPACE",
        )
    if isinstance(error, OperationalError | InterfaceError | DatabaseError):
        return StorageError(
            f"the database {shown} can't be used: {said.splitlines()[0][:200] if said else type(error.orig).__name__}",
            remedy="see that it can be reached and written, or name another with INDEXTTS_HUB_DATABASE_URL",
            code="E_DATABASE",
        )
    raise error
