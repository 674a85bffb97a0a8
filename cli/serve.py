"""`serve`: the versions that are here, lent to a network."""

import logging
import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, Verbose, opened
from cli.render import write_line
from indextts_hub.errors import NotFound, PolicyError

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.store import Snapshot
    from synth.service.settings import ServiceSettings
    from synth.service.versions import ServedVersion

__all__ = ["serve"]


def serve(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="REF", help="A version to serve; all that are here.")
    ] = None,
    default: Annotated[str | None, typer.Option("--default", metavar="REF", help="The one that speaks when none is named.")] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 for any free one.", min=0, max=65535)] = 7860,
    auth: Annotated[
        bool | None, typer.Option("--auth/--no-auth", help="Ask for keys; by default unless only this machine can reach it.")
    ] = None,
    allow_revoked: Annotated[bool, typer.Option("--allow-revoked", help="Serve what the catalogue has revoked, too.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    verbose: Verbose = False,
) -> None:
    """Serve speech over HTTP, and a page, until it is interrupted.

    On a network it asks for keys (`indextts-hub key create NAME`); the first one is made and shown when there is none.
    """
    from synth.service.serving import listen

    with listen(host, port) as listening, ExitStack() as claims:
        from indextts_hub.mirror import hf_api, hub_api
        from indextts_hub.mirror.shelf import Shelf
        from synth.service.app import create_app
        from synth.service.serving import LOCAL_NAMES, is_loopback
        from synth.service.serving import serve as serve_app
        from synth.service.settings import ServiceSettings
        from synth.service.versions import Served

        logging.basicConfig(
            level=logging.INFO if verbose else logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s"
        )
        hub = opened(cache_dir, catalog)
        snapshots = _chosen(hub, model or [], default, allow_revoked=allow_revoked)
        for snapshot in snapshots:
            # What is being served is in use: gc and remove leave it alone.
            claims.enter_context(hub.store.claim(snapshot.version, hub.store.manifests.read(snapshot.digest), act="serve"))
        local = is_loopback(host)
        keyed = not local if auth is None else auth
        if keyed:
            _first_key(hub)
        # Nobody chose to leave the door open: then only those may come in who know this machine by its own names.
        hosts = LOCAL_NAMES if local and auth is None else ()
        settings = ServiceSettings(hub.store.root / "speech", hub.database_url, asks_for_keys=keyed, hosts=hosts)
        served = Served(_served(hub, snapshot, settings) for snapshot in snapshots)
        shelf = Shelf(hub)
        app = create_app(settings, served, [hub_api.routes(shelf), hf_api.routes(shelf)])
        serve_app(app, listening, lambda address: _started(address, [version.name for version in served]))


def _chosen(hub: "Hub", references: list[str], default: str | None, *, allow_revoked: bool) -> "list[Snapshot]":
    from synth.environments import ENGINES

    if not references:
        here = [row for row in hub.list_versions() if row.state == "complete" and row.engine in ENGINES]
        if not allow_revoked:
            here = [row for row in here if not hub.revocation(row.version, row.digest)]
        references = [f"{row.version}@sha256:{row.digest}" for row in here]
    if default is not None:
        references = [default, *references]
    if not references:
        raise NotFound("no version is here that could be served", remedy="get one with `indextts-hub pull lite`", code="E_NO_MODEL")
    found = [hub.snapshot(reference) for reference in references]
    for snapshot in found:
        if reason := hub.revocation(snapshot.version, snapshot.digest):
            _answer_for(hub, snapshot, reason, allowed=allow_revoked)
    return list({snapshot.digest: snapshot for snapshot in found}.values())


def _answer_for(hub: "Hub", snapshot: "Snapshot", reason: str, *, allowed: bool) -> None:
    """Whoever serves what was revoked says so plainly, and it is written down."""
    name = f"{snapshot.version}@sha256:{snapshot.digest}"
    hub.books.log("serve revoked", name, "done" if allowed else "E_REVOKED", {"reason": reason[:200]})
    if not allowed:
        raise PolicyError(
            f"{snapshot.version} was revoked: {reason}", remedy="serve another version, or say --allow-revoked", code="E_REVOKED"
        )
    sys.stderr.write(f"{snapshot.version} was revoked: {reason}\n")


def _served(hub: "Hub", snapshot: "Snapshot", settings: "ServiceSettings") -> "ServedVersion":
    from indextts_hub.store import assert_right
    from synth.environments import launch_for
    from synth.service.queue import Turns
    from synth.service.versions import ServedVersion
    from synth.worker.supervisor import Supervisor

    listed, manifest, known = hub.describe(f"{snapshot.version}@sha256:{snapshot.digest}")
    aliases = {*listed.aliases, *(known.aliases if known else ())}
    check = partial(assert_right, hub.store, snapshot.version, snapshot.digest)
    supervisor = Supervisor(launch_for(manifest.engine, snapshot.path), settings.limits, check)
    return ServedVersion(
        snapshot.version, snapshot.digest, manifest.engine, tuple(sorted(aliases)), supervisor, Turns(settings.queue)
    )


def _first_key(hub: "Hub") -> None:
    """Make a key and show it, if there is none that counts: nobody could get in."""
    from contextlib import closing
    from datetime import UTC, datetime

    from indextts_hub.db import open_database
    from indextts_hub.db.keys import Scope, create_key, list_keys

    now = datetime.now(UTC)
    with closing(open_database(hub.database_url)) as database:
        if any(record.is_good(now) for record in list_keys(database)):
            return
        record, secret = create_key(database, "first", frozenset(Scope), now, None)
    hub.books.log("key create", f"{record.id} first", details={"scopes": [*sorted(record.scopes)]})
    sys.stderr.write(f"The first key, shown only now: {secret}\nMore: indextts-hub key create NAME\n")


def _started(address: str, names: list[str]) -> None:
    write_line(f"{', '.join(names)} at {address}")
    sys.stdout.flush()
