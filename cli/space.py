"""`remove` and `gc`: giving space back."""

from typing import Annotated

import typer

from cli.look import Reference
from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import size, write_json, write_line

__all__ = ["gc", "remove"]


def remove(reference: Reference, cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Take a version away; `gc` then frees what no other version needs."""
    hub = opened(cache_dir, catalog)
    name, digest = hub.locate(reference)
    hub.remove(reference)
    if to_json:
        write_json({"version": name, "digest": digest, "removed": True})
    else:
        write_line(f"{name}@sha256:{digest[:12]} is removed; `indextts-hub gc` frees its space")


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    keep: Annotated[int | None, typer.Option(min=1, help="Of each name keep only so many versions.", show_default=False)] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Free the space that no version needs; never what is pinned, aliased, in use or being pulled."""
    collected = opened(cache_dir, catalog).gc(dry_run=dry_run, keep=keep)
    if to_json:
        removed = [{"kind": gone.kind, "name": gone.name, "size": gone.size} for gone in collected.removed]
        write_json({"removed": removed, "freed_bytes": collected.freed_bytes})
        return
    for gone in collected.removed:
        write_line(f"{gone.kind} {gone.name} ({size(gone.size)})")
    write_line(f"{size(collected.freed_bytes)} {'would be' if dry_run else 'are'} freed")
