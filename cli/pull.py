"""`indextts-hub pull`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.catalogue import describe
from cli.options import CacheDir, CatalogPlace, Quiet, ToJson, Verbose, Wait, opened
from cli.render import duration, pulling, size, table, write_json, write_line
from cli.terms import agreed
from indextts_hub import Hub
from indextts_hub.catalog import is_packaged
from indextts_hub.errors import UsageError
from indextts_hub.hub import PullOptions, PullReport
from indextts_hub.manifest import Json
from indextts_hub.sources.protocol import bytes_a_second

__all__ = ["pull"]

LOCK = Path("indextts-hub.lock")


def pull(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    references: Annotated[list[str], typer.Argument(metavar="REF...", help="Versions: NAME, NAME@sha256:HEX or an alias.")],
    include: Annotated[list[str], typer.Option(help="Only files whose path matches.")] = [],  # noqa: B006 - typer reads it, nobody changes it
    exclude: Annotated[list[str], typer.Option(help="No files whose path matches.")] = [],  # noqa: B006
    source: Annotated[list[str], typer.Option(help="Ask only these mirrors.")] = [],  # noqa: B006
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Connections at once.")] = 16,
    limit_rate: Annotated[str | None, typer.Option(help="Bytes a second in all: 500K, 10M.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no mirror.")] = False,
    locked: Annotated[bool, typer.Option("--locked", help="Only the digests of indextts-hub.lock.")] = False,
    accept_license: Annotated[bool, typer.Option("--accept-license", help="Accept the licence of the version.")] = False,
    trust_first_use: Annotated[
        bool,
        typer.Option(
            "--trust-first-use", help="--catalog is a signed catalogue's place: take it over, whoever signs it, and hold to them."
        ),
    ] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    wait: Wait = 600.0,
    to_json: ToJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fetch versions from whichever mirror works, with every byte checked. Run it again after anything: it goes on."""
    if trust_first_use:
        _trust(opened(cache_dir, None), catalog)
        catalog = None
    hub = opened(cache_dir, catalog, wait=wait)
    options = PullOptions(
        tuple(include), tuple(exclude), tuple(source), jobs, _rate(limit_rate), offline, LOCK if locked else None, accept_license
    )
    if dry_run:
        _say_plan(hub, references, options, to_json=to_json)
        return
    reports = []
    for reference in references:
        accepts = agreed(hub, reference, accepts=accept_license, quiet=quiet or to_json)
        options = replace(options, accept_license=accepts)
        with pulling(quiet=quiet or to_json, verbose=verbose) as progress:
            reports.append(hub.pull_reporting(reference, options, progress))
        if not (to_json or quiet):
            _say(reports[-1])
    if to_json:
        by = {"catalogue": describe(hub.catalog)}
        documents = [{**document(report), **by} for report in reports]
        write_json(documents[0] if len(documents) == 1 else documents)
    elif not quiet and hub.catalog.signed is None and not is_packaged(hub.catalog):
        write_line(f"the catalogue {hub.catalog.origin} is not signed")


def document(report: PullReport) -> dict[str, Json]:
    """A pull as the public JSON."""
    by_digest = {file.entry.sha256: file for file in report.transferred}
    files: list[Json] = []
    for entry in report.snapshot.files:
        moved = by_digest.get(entry.sha256)
        uses = moved.sources if moved else ()
        files.append(
            {
                "path": entry.path,
                "size": entry.size,
                "sha256": entry.sha256,
                "status": "present" if moved is None else "resumed" if moved.resumed else "fetched",
                "sources": [{"name": u.name, "bytes": u.bytes, "chunks": u.chunks, "errors": list(u.errors)} for u in uses],
            }
        )
    return {
        "version": report.snapshot.version,
        "digest": report.snapshot.digest,
        "path": str(report.snapshot.path),
        "files": files,
        "bytes_total": sum(file.size for file in report.snapshot.files),
        "bytes_fetched": report.bytes_fetched,
        "bytes_wasted": report.bytes_wasted,
        "seconds": round(report.seconds, 3),  # type: ignore[dict-item]  # the one number here that is not whole
    }


def _trust(hub: Hub, catalog: str | None) -> None:
    from indextts_hub.catalogues import take_over

    if catalog is None:
        raise UsageError("there is nothing to trust", remedy="say where the signed catalogue is: --catalog PLACE --trust-first-use")
    take_over(hub, catalog, None, trust_first_use=True)


def _say(report: PullReport) -> None:
    snapshot = report.snapshot
    if report.transferred:
        rate = report.bytes_fetched / max(report.seconds, 1e-9)
        write_line(
            f"{snapshot.version}: {len(report.transferred)} files, {size(report.bytes_fetched)} in {duration(report.seconds)}"
            f" ({size(int(rate))}/s), every byte verified"
        )
    else:
        write_line(f"{snapshot.version}: all {len(snapshot.files)} files are here")
    write_line(str(snapshot.path))


def _say_plan(hub: Hub, references: list[str], options: PullOptions, *, to_json: bool) -> None:
    planned = [(reference, hub.plan(reference, options)) for reference in references]
    if to_json:
        write_json(
            [
                {
                    "version": reference,
                    "files": [{"path": f.entry.path, "size": f.entry.size, "present": f.present} for f in files],
                    "bytes_needed": sum({f.entry.sha256: f.entry.size for f in files if not f.present}.values()),
                }
                for reference, files in planned
            ]
        )
        return
    for reference, files in planned:
        table(
            ("FILE", "SIZE", ""),
            [(f.entry.path, size(f.entry.size), "present" if f.present else "would be fetched") for f in files],
        )
        needed = sum({f.entry.sha256: f.entry.size for f in files if not f.present}.values())
        write_line(f"{reference}: {size(needed)} to fetch")


def _rate(text: str | None) -> int | None:
    if text is None:
        return None
    rate = bytes_a_second(text)
    if not isinstance(rate, int) or rate < 1:
        raise UsageError(f"{text[:20]!r} is no rate", remedy="write it as 500K, 10M or 1G bytes a second", code="E_RATE")
    return rate
