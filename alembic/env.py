"""Runs the revisions: on the connection that `open_database` hands over, or for a developer on the one of `-x url=…`.

`alembic -x url=sqlite:///scratch.sqlite3 revision --autogenerate -m "what changes"` drafts the next one.
"""

from alembic import context
from sqlalchemy import Connection, create_engine
from sqlmodel import SQLModel

import indextts_hub.db.models  # noqa: F401 - fills the metadata


def run(connection: Connection) -> None:
    # SQLite changes a column only by copying its table, which batches do.
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is not None:
    run(handed_over)
else:
    engine = create_engine(context.get_x_argument(as_dictionary=True)["url"])
    with engine.begin() as own:
        run(own)
    engine.dispose()
