"""`engine`: the environments of the engines that have packages of their own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, ToJson, Wait, opened
from cli.render import table, write_json, write_line

if TYPE_CHECKING:
    from indextts_hub.db.engines import EngineRecord
    from synth.installing import Installed

__all__ = ["engine"]

engine = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Engine = Annotated[str, typer.Argument(metavar="ENGINE", help="As a version's manifest names it: indextts25.")]


@engine.command("install")
def install(
    name: Engine,
    wheels: Annotated[
        Path | None,
        typer.Option("--wheels", metavar="FOLDER", help="Wheels to install from, without a package index; as those from a bundle."),
    ] = None,
    cache_dir: CacheDir = None,
    wait: Wait = 600.0,
    to_json: ToJson = False,
) -> None:
    """Make an engine's environment, with the packages that it was tried with; torch is shared with this program."""
    from synth.installing import install_engine, wheels_of

    hub = opened(cache_dir, None)
    if not to_json:
        write_line(f"Installing {name}; its packages are some hundred megabytes…")
    made = install_engine(name, hub.store.engines, wheels or wheels_of(name, hub.store.wheels), wait=wait)
    _record(cache_dir, made)
    _say(made, to_json=to_json)


@engine.command("list")
def list_all(cache_dir: CacheDir = None, to_json: ToJson = False) -> None:
    """The engines there are, whether each is installed, and with which packages."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.engines import list_engines
    from synth.environments import ENGINES, is_installed

    hub = opened(cache_dir, None)
    with closing(open_database(hub.database_url)) as database:
        records = {record.engine: record for record in list_engines(database)}
    rows = [
        (name, spec.pins is not None, is_installed(name, hub.store.engines), records.get(name)) for name, spec in ENGINES.items()
    ]
    if to_json:
        write_json(
            [
                {
                    "engine": name,
                    "own_environment": own,
                    "installed": here,
                    "since": record.installed.isoformat() if here and record else None,
                    "python": record.python if here and record else None,
                    "packages": dict(record.packages) if here and record else {},
                }
                for name, own, here, record in rows
            ]
        )
    else:
        table(
            ("ENGINE", "ENVIRONMENT", ""),
            [(name, "its own" if own else "the program's", _state(here, record)) for name, own, here, record in rows],
        )


@engine.command("check")
def check(name: Engine, cache_dir: CacheDir = None, to_json: ToJson = False) -> None:
    """Import what an engine needs, and hold its packages against those it was tried with."""
    from synth.installing import check_engine

    _say(check_engine(name, opened(cache_dir, None).store.engines), to_json=to_json)


@engine.command("remove")
def remove(name: Engine, cache_dir: CacheDir = None, wait: Wait = 600.0) -> None:
    """Remove an engine's environment."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.engines import forget_engine
    from synth.installing import remove_engine

    hub = opened(cache_dir, None)
    remove_engine(name, hub.store.engines, wait=wait)
    hub.books.log("engine remove", name)
    with closing(open_database(hub.database_url)) as database:
        forget_engine(database, name)
    write_line(f"{name}: removed")


def _state(here: bool, record: "EngineRecord | None") -> str:
    if not here:
        return "not installed"
    return (
        f"installed {record.installed:%Y-%m-%d}, {len(record.packages)} packages, Python {record.python}" if record else "installed"
    )


def _record(cache_dir: Path | None, made: "Installed") -> None:
    from contextlib import closing
    from datetime import UTC, datetime

    from indextts_hub.db import open_database
    from indextts_hub.db.engines import EngineRecord, keep_engine

    hub = opened(cache_dir, None)
    hub.books.log("engine install", made.engine, details={"python": made.python, "packages": dict(made.packages)})
    with closing(open_database(hub.database_url)) as database:
        keep_engine(database, EngineRecord(made.engine, datetime.now(UTC), made.python, made.packages))


def _say(found: "Installed", *, to_json: bool) -> None:
    if to_json:
        write_json({"engine": found.engine, "place": found.place, "python": found.python, "packages": found.packages})
    else:
        write_line(f"{found.engine}: ready, {len(found.packages)} packages, Python {found.python}")
