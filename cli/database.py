"""`db`: the database's tables."""

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import write_json, write_line

__all__ = ["db"]

db = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@db.command("upgrade")
def upgrade(cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Make or upgrade the tables; every command that needs them does so too."""
    _say(cache_dir, catalog, to_json=to_json)


@db.command("current")
def current(cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Which revision the tables have."""
    _say(cache_dir, catalog, to_json=to_json)


def _say(cache_dir: CacheDir, catalog: CatalogPlace, *, to_json: bool) -> None:
    from indextts_hub.db import open_database
    from indextts_hub.db.session import HEAD

    hub = opened(cache_dir, catalog)
    hub.store.folders()  # the folder that the database lies in is made, and is a store
    database = open_database(hub.database_url)
    database.close()
    if to_json:
        write_json({"revision": HEAD, "database": database.shown})
    else:
        write_line(f"{database.shown}: revision {HEAD}")
