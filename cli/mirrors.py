"""`mirrors`: the places that hold files."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import size, table, write_json, write_line
from indextts_hub.errors import SourceError, UsageError
from indextts_hub.manifest import Json
from indextts_hub.sources.protocol import bytes_a_second

if TYPE_CHECKING:
    from indextts_hub.transfer.trial import Trial

__all__ = ["mirrors"]

mirrors = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@mirrors.command("list")
def list_mirrors(cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """The mirrors of the catalogue and the versions they hold."""
    known = opened(cache_dir, catalog).catalog
    holds: dict[str, list[str]] = {name: [] for name in known.mirrors}
    for version in known.versions.values():
        for name in {entry.mirror for file in version.manifest.files for _, entry in version.places(file)}:
            holds[name].append(version.name)
    if to_json:
        write_json(
            [
                {"name": n, "kind": m.kind, "max_connections": m.max_connections, "versions": holds[n]}
                for n, m in known.mirrors.items()
            ]
        )
    else:
        table(("MIRROR", "KIND", "VERSIONS"), [(n, m.kind, ", ".join(sorted(holds[n])) or "-") for n, m in known.mirrors.items()])


@mirrors.command("test")
def try_all(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Mirrors; all if there is none.")] = None,
    count: Annotated[str, typer.Option("--bytes", help="How much to fetch from each.")] = "8M",
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Fetch a little from each mirror: does it answer, how soon, how fast? Ends with 5 if none of them can be used."""
    from indextts_hub.mirrors import try_mirrors

    most = bytes_a_second(count)
    if not isinstance(most, int) or most < 1:
        raise UsageError(f"{count[:20]!r} is no number of bytes", remedy="write it as 500K or 8M", code="E_RATE")
    known = opened(cache_dir, catalog).catalog
    rows: list[tuple[str, Trial]] = []
    for name, trial in try_mirrors(known, names or (), most):
        rows.append((name, trial))
        if not to_json:
            write_line(_said(name, trial))
    if to_json:
        write_json([_document(name, known.mirrors[name].kind, trial) for name, trial in rows])
    if not any(trial.ok for _, trial in rows):
        raise SourceError("none of these mirrors can be used", remedy="look at each one's reason", code="E_NO_SOURCE")


def _document(name: str, kind: str, trial: "Trial") -> Json:
    return {
        "name": name,
        "kind": kind,
        "ok": trial.ok,
        "latency_ms": None if trial.latency is None else round(trial.latency * 1000),
        "bytes_per_second": None if trial.rate is None else round(trial.rate),
        "ranges": trial.ranges,
        "error": None if trial.error is None else trial.error.message,
        "code": None if trial.error is None else trial.error.code,
    }


def _said(name: str, trial: "Trial") -> str:
    if trial.error is not None:
        return f"{name}: {trial.error.message}; {trial.error.remedy}"
    ranges = "" if trial.ranges is not False else ", serves no ranges"
    return f"{name}: ok, first byte after {(trial.latency or 0) * 1000:.0f} ms, {size(int(trial.rate or 0))}/s{ranges}"


@mirrors.command("stats")
def stats(cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """How the mirrors did so far."""
    from indextts_hub.db import open_database
    from indextts_hub.db.scores import read_mirror_records

    database = open_database(opened(cache_dir, catalog).database_url)
    try:
        records = read_mirror_records(database)
    finally:
        database.close()
    if to_json:
        write_json(
            [
                {
                    "name": r.mirror,
                    "latency_ms": None if r.latency_seconds is None else round(r.latency_seconds * 1000, 1),
                    "bytes_per_second": r.bytes_per_second,
                    "successes": r.successes,
                    "failures": r.failures,
                    "lies": r.lies,
                }
                for r in records
            ]
        )
        return
    table(
        ("MIRROR", "FIRST BYTE", "RATE", "CHUNKS", "FAILURES", "LIES"),
        [
            (
                r.mirror,
                "-" if r.latency_seconds is None else f"{r.latency_seconds * 1000:.0f} ms",
                "-" if r.bytes_per_second is None else f"{size(int(r.bytes_per_second))}/s",
                str(r.successes),
                str(r.failures),
                str(r.lies),
            )
            for r in records
        ],
    )
