"""`link`, `links`: addresses by which files can be fetched from this hub without a key, for a while."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened, read_settings, to_time
from cli.render import table, write_json, write_line
from indextts_hub.errors import NotFound

if TYPE_CHECKING:
    from indextts_hub.db.links import LinkRecord

__all__ = ["link", "links"]

links = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


def link(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    reference: Annotated[str, typer.Argument(metavar="REF", help="The version.")],
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="A file of it; without one, all of them.")] = None,
    ttl: Annotated[str, typer.Option("--ttl", help="How long it counts: 30m, 1h, 7d.")] = "1h",
    ip: Annotated[str | None, typer.Option("--ip", help="Only for this address or network.", show_default=False)] = None,
    uses: Annotated[int | None, typer.Option("--uses", help="How many times the file may be fetched.", show_default=False)] = None,
    referer: Annotated[
        list[str] | None, typer.Option("--referer", metavar="HOST", help="Only pages of this site may lead here; *.HOST below it.")
    ] = None,
    require_referer: Annotated[
        bool, typer.Option("--require-referer", help="Refuse clients that name no page, as wget does.")
    ] = False,
    scheme: Annotated[str, typer.Option("--scheme", help="How it is signed: nginx, aliyun-a, tencent-d, ...")] = "nginx",
    base: Annotated[
        str | None, typer.Option("--base", metavar="URL", help="Where the service is reached.", show_default=False)
    ] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Make an address by which a file can be fetched with wget, without a key, for a while.

    Without FILE the link is for all files of the version, and a key is shown with which a catalogue's mirror signs addresses.
    """
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.links import add_link
    from indextts_hub.mirror.link_keys import link_keys
    from indextts_hub.mirror.links import Conditions, address_of, new_link

    hub = opened(cache_dir, catalog)
    snapshot = hub.snapshot(reference)
    if file is not None and hub.store.manifests.read(snapshot.digest).file(file) is None:
        raise NotFound(
            f"{snapshot.version} has no file {file[:200]!a}", remedy=f"see `indextts-hub show {snapshot.version}`", code="E_NO_FILE"
        )
    now, keys = datetime.now(UTC), link_keys(hub.store.root)
    conditions = Conditions(ip, tuple(referer or ()), not require_referer, uses)
    made = new_link(snapshot.version, snapshot.digest, file, timedelta(seconds=to_time(ttl)), scheme, conditions, now)
    with closing(open_database(hub.database_url)) as database:
        add_link(database, made)
    details = {"file": file, "expires": made.expires.isoformat(), "address": ip, "uses": uses}
    hub.books.log("link create", f"{made.id} {made.version}@sha256:{made.digest}", details={**details})
    where = base or _own_address()
    if file is not None:
        address = address_of(made, keys, file, where, now)
        if to_json:
            write_json({**_document(made), "url": address})
        else:
            write_line(address)
        return
    below = f"{where.rstrip('/')}/links/{made.id}"
    if to_json:
        write_json({**_document(made), "base": below, "key": keys.of(made).value})
        return
    write_line(f"base: {below}")
    write_line(f"key: {keys.of(made).value}")
    signing = f"{{scheme: {scheme}, key_env: LINK_KEY, ttl: {made.ttl}}}"
    write_line(f'In a catalogue, with the key in LINK_KEY: {{kind: http, base: "{below}", signing: {signing}}}')


@links.command("list")
def list_all(cache_dir: CacheDir = None, to_json: ToJson = False) -> None:
    """All links that ever were, without their keys."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.links import list_links

    with closing(open_database(opened(cache_dir, None).database_url)) as database:
        records = list_links(database)
    if to_json:
        write_json([_document(record) for record in records])
        return
    now = datetime.now(UTC)
    rows = [
        (
            r.id,
            r.version,
            r.path or "all files",
            f"{r.expires:%Y-%m-%d %H:%M}",
            r.address or "-",
            "-" if r.uses is None else f"{r.used} of {r.uses}",
            "revoked" if r.revoked else "ended" if r.is_used_up or not r.is_good(now) else "",
        )
        for r in records
    ]
    if rows:
        table(("ID", "VERSION", "FILE", "UNTIL (UTC)", "FOR", "USES", ""), rows)
    else:
        write_line("There are no links. `indextts-hub link REF FILE` makes one.")


@links.command("revoke")
def revoke(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `links list` shows it.")],
    cache_dir: CacheDir = None,
    to_json: ToJson = False,
) -> None:
    """Let a link count no more; running services refuse it from the next request on."""
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.links import revoke_link

    hub = opened(cache_dir, None)
    with closing(open_database(hub.database_url)) as database:
        record = revoke_link(database, id_, datetime.now(UTC))
    hub.books.log("link revoke", f"{record.id} {record.version}@sha256:{record.digest}")
    if to_json:
        write_json(_document(record))
    else:
        write_line(f"{record.id} {record.version}: revoked")


def _own_address() -> str:
    """Where `serve` would listen, as other machines write it."""
    import socket

    settings = read_settings()
    host = socket.gethostname() if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared, not listened on
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _document(record: "LinkRecord") -> dict[str, object]:
    return {
        "id": record.id,
        "version": record.version,
        "digest": record.digest,
        "file": record.path,
        "created": record.created.isoformat(),
        "expires": record.expires.isoformat(),
        "revoked": record.revoked.isoformat() if record.revoked else None,
        "scheme": record.scheme,
        "address": record.address,
        "referers": list(record.referers),
        "uses": record.uses,
        "used": record.used,
    }
