"""A damaged database: found out, put aside, and begun anew. What it knew of pulls and tasks is lost; the log is not."""

import os
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from indextts_hub.db.session import open_database
from indextts_hub.errors import StorageError

__all__ = ["check_database", "put_database_aside"]

DAMAGED = "E_DATABASE_DAMAGED"


def check_database(url: str) -> None:
    """Open the database and look whether its pages and tables are sound.

    Raises:
        UsageError, StorageError, Busy: as `open_database`; E_DATABASE_DAMAGED if they are not.
    """
    with closing(open_database(url)) as database, database.reading() as session:
        if database.engine.dialect.name == "sqlite":
            found = session.connection().exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if found != "ok":
                raise StorageError(
                    f"the database {database.shown} is damaged: {str(found).splitlines()[-1][:200]}",
                    remedy="make it anew from the store with `indextts-hub doctor --rebuild`",
                    code=DAMAGED,
                )


def put_database_aside(url: str, folder: Path) -> list[Path]:
    """Move the files of a SQLite database into `folder`, on the same file system; return where they are now.

    Raises:
        StorageError: E_DATABASE, if it is another kind of database, which its own tools must mend.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise StorageError(
            f"the database {parsed.render_as_string(hide_password=True)} is no file of this machine",
            remedy="mend it with the database's own tools",
            code="E_DATABASE",
        )
    file = Path(parsed.database)
    number = 0
    while os.path.lexists(folder / f"{file.name}.{number}"):
        number += 1
    moved = []
    for suffix in ("", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            moved.append(part.rename(folder / f"{file.name}.{number}{suffix}"))
    return moved
