"""`serve`: the versions that are here, lent to a network."""

import logging
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, Verbose, opened
from cli.render import write_line
from indextts_hub.errors import NotFound

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.store import Snapshot
    from synth.service.settings import ServiceSettings
    from synth.service.versions import ServedVersion

__all__ = ["serve"]


def serve(
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="REF", help="A version to serve; all that are here.")
    ] = None,
    default: Annotated[str | None, typer.Option("--default", metavar="REF", help="The one that speaks when none is named.")] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on; 0 for any free one.", min=0, max=65535)] = 7860,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    verbose: Verbose = False,
) -> None:
    """Serve speech over HTTP, and a page, until it is interrupted."""
    from synth.service.serving import listen

    with listen(host, port) as listening, ExitStack() as claims:
        from indextts_hub.mirror import hf_api, hub_api
        from indextts_hub.mirror.shelf import Shelf
        from synth.service.app import create_app
        from synth.service.serving import serve as serve_app
        from synth.service.settings import ServiceSettings
        from synth.service.versions import Served

        logging.basicConfig(
            level=logging.INFO if verbose else logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s"
        )
        hub = opened(cache_dir, catalog)
        snapshots = _chosen(hub, model or [], default)
        for snapshot in snapshots:
            # What is being served is in use: gc and remove leave it alone.
            claims.enter_context(hub.store.claim(snapshot.version, hub.store.manifests.read(snapshot.digest), act="serve"))
        settings = ServiceSettings(hub.store.root / "speech", hub.database_url)
        served = Served(_served(hub, snapshot, settings) for snapshot in snapshots)
        shelf = Shelf(hub)
        app = create_app(settings, served, [hub_api.routes(shelf), hf_api.routes(shelf)])
        serve_app(app, listening, lambda address: _started(address, [version.name for version in served]))


def _chosen(hub: "Hub", references: list[str], default: str | None) -> "list[Snapshot]":
    from synth.environments import ENGINES

    if not references:
        here = [row for row in hub.list_versions() if row.state == "complete" and row.engine in ENGINES]
        references = [f"{row.version}@sha256:{row.digest}" for row in here]
    if default is not None:
        references = [default, *references]
    if not references:
        raise NotFound("no version is here that could be served", remedy="get one with `indextts-hub pull lite`", code="E_NO_MODEL")
    found = [hub.snapshot(reference) for reference in references]
    return list({snapshot.digest: snapshot for snapshot in found}.values())


def _served(hub: "Hub", snapshot: "Snapshot", settings: "ServiceSettings") -> "ServedVersion":
    from synth.environments import launch_for
    from synth.service.queue import Turns
    from synth.service.versions import ServedVersion
    from synth.worker.supervisor import Supervisor

    listed, manifest, known = hub.describe(f"{snapshot.version}@sha256:{snapshot.digest}")
    aliases = {*listed.aliases, *(known.aliases if known else ())}
    supervisor = Supervisor(launch_for(manifest.engine, snapshot.path), settings.limits)
    return ServedVersion(
        snapshot.version, snapshot.digest, manifest.engine, tuple(sorted(aliases)), supervisor, Turns(settings.queue)
    )


def _started(address: str, names: list[str]) -> None:
    write_line(f"{', '.join(names)} at {address}")
    sys.stdout.flush()
