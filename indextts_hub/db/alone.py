"""One service to a database: a second one would take the first one's tasks for left over, and speak them again."""

from collections.abc import Callable

import filelock
from sqlalchemy import text

from indextts_hub.db.session import Database
from indextts_hub.errors import Busy

__all__ = ["keep_alone"]

# Any number will do, if it is always the same and no other lock's.
_SERVICE_LOCK = 7_860_2312


def keep_alone(database: Database) -> Callable[[], None]:
    """Be the only service over a database until what is returned is called, or the process ends.

    Raises:
        Busy: E_DATABASE_SERVED, if another service is.
    """
    if database.engine.dialect.name == "postgresql":
        # Not one of the pool's: it is closed when it is closed, and its lock with it.
        connection = database.engine.connect()
        connection.detach()
        if not connection.execute(text(f"SELECT pg_try_advisory_lock({_SERVICE_LOCK})")).scalar():
            connection.close()
            raise _served(database)
        # Without a transaction that stays open for weeks; the lock is the connection's.
        connection.commit()
        return connection.close
    file = database.engine.url.database
    lock = filelock.FileLock(f"{file}.service", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise _served(database) from None
    return lock.release


def _served(database: Database) -> Busy:
    return Busy(
        f"another service keeps its history in {database.shown}",
        remedy="end it first, or name another database with INDEXTTS_HUB_DATABASE_URL",
        code="E_DATABASE_SERVED",
    )
