"""`indextts-hub doctor`."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import write_json, write_line
from indextts_hub.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indextts_hub import Hub
    from indextts_hub.surroundings import Surrounding

__all__ = ["doctor"]

# Enough to know that a mirror gives bytes.
A_LITTLE = 4096


def doctor(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Mend what can be mended from what is left.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no mirror.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Find what is wrong with the store and around it, and say what to do, a line each."""
    from indextts_hub.surroundings import look_around

    hub = opened(cache_dir, catalog)
    around = [*look_around(hub.store.root), _catalogue(hub), *([] if offline else _mirrors(hub))]
    if not to_json:
        for each in around:
            write_line(f"{each.name}: {each.said}{f'; {each.remedy}' if each.remedy else ''}")
    found = hub.damage()
    mended = 0
    if rebuild and found:
        hub.mend()
        left = hub.damage()
        mended, found = len(found) - len(left), left
    if to_json:
        write_json(
            {
                "ok": not found,
                "mended": mended,
                "around": [{"name": each.name, "ok": each.ok, "said": each.said, "remedy": each.remedy} for each in around],
                "damage": [{"kind": d.kind, "name": d.name, "problem": d.problem, "remedy": d.remedy} for d in found],
            }
        )
    else:
        for damage in found:
            write_line(f"{damage.kind} {damage.name}: {damage.problem}; {damage.remedy}")
        write_line(f"store: {f'{mended} mended, ' if mended else ''}{f'{len(found)} found' if found else 'all is well'}")
    if found:
        raise StorageError(
            f"{len(found)} things are wrong with the store",
            remedy="mend them with `indextts-hub doctor --rebuild`",
            code="E_DAMAGE",
        )


def _catalogue(hub: "Hub") -> "Surrounding":
    from datetime import UTC, datetime

    from indextts_hub.catalog import standing
    from indextts_hub.surroundings import Surrounding

    signed = hub.catalog.signed
    is_over = signed is not None and signed.expires < datetime.now(UTC)
    remedy = "it is over: get the newest with `indextts-hub catalogue update`" if is_over else None
    return Surrounding("catalogue", standing(hub.catalog), remedy)


def _mirrors(hub: "Hub") -> "Iterator[Surrounding]":
    from indextts_hub.mirrors import try_mirrors
    from indextts_hub.surroundings import Surrounding

    for name, trial in try_mirrors(hub.catalog, (), A_LITTLE):
        if trial.error is None:
            yield Surrounding(f"mirror {name}", f"answers after {(trial.latency or 0) * 1000:.0f} ms")
        else:
            yield Surrounding(f"mirror {name}", trial.error.message, trial.error.remedy)
