"""`pin`, `unpin`, `alias` and `lock`: what keeps a version, and what names it."""

from pathlib import Path
from typing import Annotated

import typer

from cli.look import Reference
from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import write_json, write_line

__all__ = ["alias", "lock", "pin", "unpin"]

alias = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME")]


def pin(reference: Reference, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Never collect a version."""
    found = opened(cache_dir, catalog).pin(reference)
    _say({"version": found.version, "digest": found.digest, "pinned": True}, f"{found.version} is pinned", to_json=to_json)


def unpin(reference: Reference, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Let a version be collected again."""
    hub = opened(cache_dir, catalog)
    name, digest = hub.locate(reference)
    hub.unpin(reference)
    _say({"version": name, "digest": digest, "pinned": False}, f"{name} is not pinned any more", to_json=to_json)


@alias.command("set")
def set_alias(
    name: Name, reference: Reference, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False
) -> None:
    """Make an alias name a version."""
    target = opened(cache_dir, catalog).set_alias(name, reference).target
    _say(
        {"alias": name, "version": target.version, "digest": target.digest},
        f"{name} is {target.version}@sha256:{target.digest[:12]}",
        to_json=to_json,
    )


@alias.command("rm")
def remove_alias(name: Name, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Forget an alias."""
    opened(cache_dir, catalog).remove_alias(name)
    _say({"alias": name, "version": None, "digest": None}, f"{name} is forgotten", to_json=to_json)


@alias.command("rollback")
def roll_back(name: Name, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Make an alias name what it named before."""
    target = opened(cache_dir, catalog).roll_back_alias(name).target
    _say(
        {"alias": name, "version": target.version, "digest": target.digest},
        f"{name} is {target.version}@sha256:{target.digest[:12]} again",
        to_json=to_json,
    )


def lock(
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.")] = Path("indextts-hub.lock"),
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Write the digest of every version that is here into a lock file, for `pull --locked`."""
    import json

    versions = opened(cache_dir, catalog).lock()
    output.write_text(json.dumps({"schema": 1, "versions": versions}, indent=2) + "\n", "utf-8")
    _say({"path": str(output), "versions": versions}, f"{len(versions)} versions are fixed in {output}", to_json=to_json)


def _say(document: object, line: str, *, to_json: bool) -> None:
    if to_json:
        write_json(document)
    else:
        write_line(line)
