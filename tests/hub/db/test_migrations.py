"""The tables the revisions make are the tables the models mean."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlmodel import SQLModel

from indextts_hub.db import Database
from indextts_hub.db.session import HEAD
from indextts_hub.shipped import shipped


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped("alembic")))
    return config


def test_models_and_revisions_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_revision_the_program_knows_is_the_newest_there_is() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


def test_every_revision_can_be_taken_back_and_made_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    config = alembic_config()
    for target in ("head", "base", "head"):
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            (command.downgrade if target == "base" else command.upgrade)(config, target)
        assert ("pull" in inspect(engine).get_table_names()) == (target == "head")
    engine.dispose()
