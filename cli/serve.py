"""`serve`: the versions that are here, lent to a network."""

import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, Verbose, opened, read_settings, to_bytes
from cli.render import write_line
from indextts_hub.errors import NotFound, PolicyError, UsageError
from indextts_hub.manifest import Digest

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.mirror.downloads import Share
    from indextts_hub.settings import Settings
    from synth.service.following import Wanted
    from synth.service.settings import ServiceSettings
    from synth.service.versions import Served, ServedVersion

__all__ = ["serve"]


def serve(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="REF", help="A version to serve; all that are here.")
    ] = None,
    default: Annotated[str | None, typer.Option("--default", metavar="REF", help="The one that speaks when none is named.")] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; 0.0.0.0 for the whole network.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 for any free one.", show_default="7860")] = None,
    auth: Annotated[
        bool | None, typer.Option("--auth/--no-auth", help="Ask for keys; by default unless only this machine can reach it.")
    ] = None,
    queue: Annotated[int | None, typer.Option("--queue", help="Requests that may wait for one version.", show_default="16")] = None,
    limit_requests: Annotated[
        str | None, typer.Option("--limit-requests", metavar="N/TIME", help="Requests of one key, such as 60/minute.")
    ] = None,
    limit_speech: Annotated[
        str | None, typer.Option("--limit-speech", metavar="N/TIME", help="Seconds of speech for one key, such as 3600/day.")
    ] = None,
    limit_downloads: Annotated[
        int | None, typer.Option("--limit-downloads", metavar="N", help="Files that one key or address may fetch at once.")
    ] = None,
    limit_rate: Annotated[
        str | None, typer.Option("--limit-rate", metavar="SIZE", help="Bytes a second that one key or address may fetch: 20M.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="What all engines may take, such as 12G; what is free.")
    ] = None,
    cue: Annotated[
        str | None, typer.Option("--cue", help="A rhythm by which is heard that it is generated: none, start or end.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option("--log-format", help="text, or json: one object a line, and one line an answer.")
    ] = None,
    trusted_proxies: Annotated[
        str | None,
        typer.Option("--trusted-proxies", metavar="ADDRESSES", help="Proxies that are believed who asked: 10.0.0.2,10.0.0.3."),
    ] = None,
    pull_through: Annotated[
        bool, typer.Option("--pull-through", help="Fetch what others ask for and is not here, as the catalogue has it.")
    ] = False,
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="sealed: copied into memory nobody can write to; watched; auto: sealed up to 2 GiB."),
    ] = None,
    accel: Annotated[
        str | None, typer.Option("--accel", metavar="PATH", help="Let the nginx in front send files: where it has the blobs.")
    ] = None,
    allow_revoked: Annotated[bool, typer.Option("--allow-revoked", help="Serve what the catalogue has revoked, too.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    verbose: Verbose = False,
) -> None:
    """Serve speech over HTTP, and a page, until it is interrupted.

    On a network it asks for keys (`indextts-hub key create NAME`); the first one is made and shown when there is none. Aliases that
    are moved, and versions that are pulled or removed meanwhile, are followed without a dropped request.
    """
    from synth.service.serving import listen

    chosen = {"host": host, "port": port, "queue": queue, "limit_requests": limit_requests, "limit_speech": limit_speech}
    lending = {"limit_downloads": limit_downloads, "limit_rate": limit_rate}
    chosen |= {"memory": memory, "cue": cue, "log_format": log_format, "trusted_proxies": trusted_proxies, "weights": weights}
    settings = read_settings(**chosen, **lending)
    share = _share(settings)
    with listen(settings.host, settings.port) as listening:
        from contextlib import closing

        from indextts_hub.db import open_database
        from indextts_hub.mirror import lent_api
        from indextts_hub.mirror.downloads import Downloads
        from indextts_hub.mirror.passthrough import Passthrough
        from indextts_hub.mirror.recording import Recording
        from indextts_hub.mirror.shelf import Shelf
        from synth.service.app import create_app
        from synth.service.following import Following
        from synth.service.logs import set_up_log
        from synth.service.serving import is_loopback
        from synth.service.serving import serve as serve_app
        from synth.service.versions import Memory, Served

        set_up_log(settings.log_format, verbose=verbose)
        hub = opened(cache_dir, catalog)
        local = is_loopback(settings.host)
        keyed = not local if auth is None else auth
        service = _service_settings(hub, settings, asks_for_keys=keyed, is_local=local and auth is None)
        look = Look(hub, model or [], default, allow_revoked)
        make = partial(_served, hub, service)
        served = Served(tuple(map(make, look())), Memory(None if settings.memory is None else to_bytes(settings.memory)))
        for version in served:
            _moved(hub, f"{version.name}@sha256:{version.digest}", None, version)
        if keyed:
            _first_key(hub)

        def following(versions: "Served") -> Following:
            return Following(versions, look, make, partial(_moved, hub))

        with closing(open_database(hub.database_url)) as database:
            shelf = Shelf(hub, Passthrough(hub) if pull_through else None, accel, Downloads(share, served.is_at_work))
            lent = lent_api.routes(hub, shelf, database, receives=keyed or local)
            app = create_app(service, served, lent, following, hub.books.log, Recording(shelf, database))
            serve_app(
                app, listening, lambda address: _started(address, [version.name for version in served]), settings.trusted_proxies
            )


def _service_settings(hub: "Hub", settings: "Settings", *, asks_for_keys: bool, is_local: bool) -> "ServiceSettings":
    from synth.audio.cue import Cue
    from synth.audio.label import Marks
    from synth.service.limits import Allowance
    from synth.service.serving import LOCAL_NAMES
    from synth.service.settings import ServiceSettings
    from synth.worker.weights import Holding

    return ServiceSettings(
        hub.store.root / "speech",
        hub.store.root / "voices",
        hub.database_url,
        queue=settings.queue,
        allowance=Allowance(settings.limit_requests, settings.limit_speech),
        marks=Marks(settings.producer, Cue(settings.cue)),
        keep_deleted=settings.keep_deleted,
        holding=Holding(settings.weights),
        asks_for_keys=asks_for_keys,
        # Nobody chose to leave the door open: then only those may come in who know this machine by its own names.
        hosts=LOCAL_NAMES if is_local else (),
    )


def _share(settings: "Settings") -> "Share":
    from indextts_hub.mirror.downloads import Share
    from indextts_hub.sources.protocol import bytes_a_second

    rate = bytes_a_second(settings.limit_rate) if settings.limit_rate else None
    if not (rate is None or (isinstance(rate, int) and rate > 0)):
        raise UsageError(f"{settings.limit_rate[:20]!r} is no rate", remedy="write it as 500K or 20M", code="E_RATE")
    return Share(settings.limit_downloads or None, rate)


@dataclass(slots=True)
class Look:
    """What to serve, looked up again when the store has changed."""

    hub: "Hub"
    references: list[str]
    default: str | None
    allow_revoked: bool
    stamp: tuple[int, ...] = ()
    wanted: "tuple[Wanted, ...]" = ()
    told: set[str] = field(default_factory=set)

    def __call__(self) -> "tuple[Wanted, ...]":
        stamp = self.hub.store.stamp()
        if stamp != self.stamp or not self.wanted:
            self.hub.reread_catalog()
            found = _wanted(self.hub, self.references, self.default)
            good = tuple(each for each in found if self._may_speak(each))
            if not (good or self.wanted):
                raise _nothing_to_serve()
            # A service that runs does not take its last version away by itself: it speaks on, and has said so.
            self.wanted, self.stamp = good or found, stamp
        return self.wanted

    def _may_speak(self, wanted: "Wanted") -> bool:
        """Whether a version is to be served; of one that was revoked it is said plainly, and written down."""
        reason = self.hub.revocation(wanted.name, Digest(wanted.digest))
        if reason is None:
            return True
        if wanted.digest not in self.told:
            self.told.add(wanted.digest)
            outcome = "done" if self.allow_revoked else "E_REVOKED"
            self.hub.books.log("serve revoked", f"{wanted.name}@sha256:{wanted.digest}", outcome, {"reason": reason[:200]})
            if self.references and not (self.allow_revoked or self.wanted):
                remedy = "serve another version, or say --allow-revoked"
                raise PolicyError(f"{wanted.name} was revoked: {reason}", remedy=remedy, code="E_REVOKED")
            if self.allow_revoked or self.wanted:
                sys.stderr.write(f"{wanted.name} was revoked: {reason}\n")
        return self.allow_revoked


def _wanted(hub: "Hub", references: list[str], default: str | None) -> "tuple[Wanted, ...]":
    """The versions to serve as things stand now, each digest once, the default first."""
    from synth.environments import is_installed
    from synth.service.following import Wanted

    # What each name alone means, where there are several versions of it.
    meant = hub.lock()
    if not references:
        here = [row for row in hub.list_versions() if row.state == "complete" and is_installed(row.engine, hub.store.engines)]
        here.sort(key=lambda row: meant[row.version] != row.digest)
        references = [f"{row.version}@sha256:{row.digest}" for row in here]
    if default is not None:
        references = [default, *references]
    if not references:
        raise _nothing_to_serve()
    found = [hub.snapshot(reference) for reference in references]
    wanted = []
    for snapshot in {snapshot.digest: snapshot for snapshot in found}.values():
        listed, _, known = hub.describe(f"{snapshot.version}@sha256:{snapshot.digest}")
        # An alias of the catalogue is another name for the version's name: it goes with what that means here.
        also = known.aliases if known and meant.get(snapshot.version) == snapshot.digest else ()
        wanted.append(Wanted(snapshot.version, snapshot.digest, tuple(sorted({*listed.aliases, *also}))))
    return tuple(wanted)


def _nothing_to_serve() -> NotFound:
    return NotFound("no version is here that could be served", remedy="get one with `indextts-hub pull lite`", code="E_NO_MODEL")


def _served(hub: "Hub", settings: "ServiceSettings", wanted: "Wanted") -> "ServedVersion":
    from contextlib import ExitStack

    from synth.environments import launch_for
    from synth.needs import memory_needed
    from synth.service.queue import Turns
    from synth.service.versions import ServedVersion
    from synth.worker.process import Proof
    from synth.worker.supervisor import Supervisor
    from synth.worker.weights import is_sealed

    snapshot = hub.snapshot(f"{wanted.name}@sha256:{wanted.digest}")
    manifest = hub.store.manifests.read(snapshot.digest)
    proof = Proof(hub.store.manifests.path(snapshot.digest), snapshot.digest, settings.holding)
    copied = manifest.size if is_sealed(settings.holding, manifest.size) else 0
    # What is being served is in use: gc and remove leave it alone.
    claim = ExitStack()
    claim.enter_context(hub.store.claim(snapshot.version, manifest, act="serve"))
    return ServedVersion(
        wanted.name,
        wanted.digest,
        manifest.engine,
        wanted.aliases,
        Supervisor(launch_for(manifest.engine, snapshot.path, hub.store.engines, proof), settings.limits),
        Turns(settings.queue, settings.longest_wait),
        needs=copied + memory_needed(manifest.size),
        released=claim.close,
    )


def _moved(hub: "Hub", name: str, old: "ServedVersion | None", new: "ServedVersion") -> None:
    hub.books.log("serve", name, details={"version": new.name, "digest": new.digest, "before": old.digest if old else None})


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
    write_line(f"{', '.join(dict.fromkeys(names))} at {address}")
    sys.stdout.flush()
