"""`mirrors`: the places that hold files."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import size, table, write_json, write_line
from indextts_hub.errors import IntegrityError, SourceError, UsageError
from indextts_hub.manifest import Json
from indextts_hub.sources.protocol import bytes_a_second

if TYPE_CHECKING:
    from indextts_hub.mirror.sync import Checked
    from indextts_hub.transfer.trial import Trial

__all__ = ["mirrors"]

# More than anybody reads; a program asks for fewer days.
MOST_ROWS = 100_000

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


@mirrors.command("downloads")
def downloads(
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How many days, up to today.")] = 30,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """What this hub's service gave to others, by day (UTC), version and client."""
    from contextlib import closing
    from datetime import UTC, datetime, timedelta

    from indextts_hub.db import open_database
    from indextts_hub.db.downloads import find_downloads

    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    with closing(open_database(opened(cache_dir, catalog).database_url)) as database:
        found = find_downloads(database, since, None, MOST_ROWS)
    if to_json:
        write_json(
            [{"day": str(r.day), "version": r.version, "client": r.client, "files": r.files, "bytes": r.bytes} for r in found]
        )
    elif found:
        rows = [(str(r.day), r.version, r.client, str(r.files), size(r.bytes)) for r in found]
        table(("DAY", "VERSION", "CLIENT", "FILES", "BYTES"), rows)
    else:
        write_line("Nobody was given anything.")


@mirrors.command("sync")
def sync_to(
    reference: Annotated[str, typer.Argument(metavar="REF", help="A version that is here.")],
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="A mirror of kind s3 or file.")],
    whole: Annotated[bool, typer.Option("--whole", help="Read every byte back of what is there already, too.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Bring a version to a mirror: only what is not there, resumed, and read back from it."""
    import random

    from indextts_hub.mirror.sync import BY_DIGEST, sync

    hub = opened(cache_dir, catalog)
    rows = []
    for row in sync(hub, reference, to, random.Random(), whole=whole):  # noqa: S311 - where samples are taken is no secret
        rows.append(row)
        if not to_json:
            write_line(f"{row.file.path}: {row.status}" + (f", {size(row.sent)} sent" if row.sent else ""))
    if to_json:
        files = [
            {"path": r.file.path, "sha256": r.file.sha256, "status": r.status, "place": r.place, "bytes_sent": r.sent} for r in rows
        ]
        write_json({"to": to, "files": files, "bytes_sent": sum(row.sent for row in rows)})
    elif any(row.place == BY_DIGEST.replace("{sha256}", row.file.sha256) for row in rows):
        write_line(f'Name it in the catalogue as a source of {reference}: {{mirror: {to}, path: "{BY_DIGEST}"}}')


@mirrors.command("check")
def check_all(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Mirrors; all if there is none.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Fetch and hash every byte.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Compare what mirrors have with the manifests: what is missing, stale or wrong. Ends with 4 if something is."""
    import random
    from itertools import groupby

    from indextts_hub.mirror.sync import check

    rows = []
    for row in check(opened(cache_dir, catalog), names or (), random.Random(), whole=whole):  # noqa: S311 - as above
        rows.append(row)
        if not to_json and row.comparison.state != "right":
            why = f": {row.comparison.error.message}" if row.comparison.error else ""
            write_line(f"{row.mirror}: {row.version} {row.file.path} is {row.comparison.state}{why}")
    if to_json:
        write_json([_checked(row) for row in rows])
    else:
        groups = {key: list(group) for key, group in groupby(rows, lambda row: (row.mirror, row.version))}
        table(
            ("MIRROR", "VERSION", "RIGHT", "OF", "COMPARED BY", "FETCHED"),
            [
                (
                    mirror,
                    version,
                    str(sum(r.comparison.state == "right" for r in group)),
                    str(len(group)),
                    ", ".join(sorted({r.comparison.means for r in group})),
                    size(sum(r.comparison.fetched for r in group)),
                )
                for (mirror, version), group in groups.items()
            ],
        )
    states = {row.comparison.state for row in rows}
    if states & {"missing", "stale", "wrong"}:
        raise IntegrityError(
            "a mirror has not what it should",
            remedy="bring it there with `mirrors sync REF --to NAME`",
            code="E_MIRROR",
        )
    if "unreachable" in states:
        raise SourceError("a mirror can't be asked", remedy="see `indextts-hub mirrors test`", code="E_NO_SOURCE")


def _checked(row: "Checked") -> Json:
    found = row.comparison
    return {
        "mirror": row.mirror,
        "version": row.version,
        "path": row.file.path,
        "state": found.state,
        "compared": found.means,
        "bytes_fetched": found.fetched,
        "error": None if found.error is None else found.error.message,
        "code": None if found.error is None else found.error.code,
    }
