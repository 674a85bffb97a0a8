"""`mirrors`: the places that hold files."""

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import size, table, write_json

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
