"""`key`: who may ask a service for what."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, ToJson, opened, to_days
from cli.render import table, write_json, write_line
from indextts_hub.errors import UsageError

if TYPE_CHECKING:
    from indextts_hub.db.keys import KeyRecord, Scope

__all__ = ["key"]

key = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@key.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    scope: Annotated[list[str] | None, typer.Option(help="speak, read or admin; speak and read if none is named.")] = None,
    expires: Annotated[str | None, typer.Option(help="Good for so long: 90d.", show_default=False)] = None,
    cache_dir: CacheDir = None,
    to_json: ToJson = False,
) -> None:
    """Make a key. It is shown this one time; the database keeps only what it hashes to."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.keys import create_key

    now = datetime.now(UTC)
    hub = opened(cache_dir, None)
    with closing(open_database(hub.database_url)) as database:
        record, secret = create_key(
            database, name[:255], _scopes(scope), now, None if expires is None else now + timedelta(days=to_days(expires))
        )
    hub.books.log("key create", f"{record.id} {record.name}"[:200], details={"scopes": [*sorted(record.scopes)]})
    if to_json:
        write_json({**_document(record), "key": secret})
    else:
        write_line(secret)
        write_line(f"{record.name}: {', '.join(sorted(record.scopes))}. It is not shown again.")


@key.command("list")
def list_all(cache_dir: CacheDir = None, to_json: ToJson = False) -> None:
    """All keys that ever were, without their secrets."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.keys import list_keys

    with closing(open_database(opened(cache_dir, None).database_url)) as database:
        records = list_keys(database)
    if to_json:
        write_json([_document(record) for record in records])
        return
    now = datetime.now(UTC)
    rows = [
        (
            r.id,
            r.name,
            ", ".join(sorted(r.scopes)),
            f"{r.created:%Y-%m-%d}",
            f"{r.expires:%Y-%m-%d}" if r.expires else "-",
            _state(r, now),
        )
        for r in records
    ]
    if rows:
        table(("ID", "NAME", "SCOPES", "CREATED", "EXPIRES", ""), rows)
    else:
        write_line("There are no keys. `indextts-hub key create NAME` makes one.")


@key.command("revoke")
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `key list` shows it.")],
    cache_dir: CacheDir = None,
    to_json: ToJson = False,
) -> None:
    """Let a key count no more; running services refuse it within seconds."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.keys import revoke_key

    hub = opened(cache_dir, None)
    with closing(open_database(hub.database_url)) as database:
        record = revoke_key(database, id_, datetime.now(UTC))
    hub.books.log("key revoke", f"{record.id} {record.name}"[:200])
    if to_json:
        write_json(_document(record))
    else:
        write_line(f"{record.id} {record.name}: revoked")


def _document(record: "KeyRecord") -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "scopes": sorted(record.scopes),
        "created": record.created.isoformat(),
        "expires": record.expires.isoformat() if record.expires else None,
        "revoked": record.revoked.isoformat() if record.revoked else None,
    }


def _state(record: "KeyRecord", now: datetime) -> str:
    return "revoked" if record.revoked else "" if record.is_good(now) else "expired"


def _scopes(names: list[str] | None) -> "frozenset[Scope]":
    from indextts_hub.db.keys import Scope

    try:
        return frozenset(map(Scope, names)) if names else frozenset({Scope.SPEAK, Scope.READ})
    except ValueError:
        raise UsageError(f"there is no such scope among {', '.join(names or ())!a}", remedy=f"use {' or '.join(Scope)}") from None
