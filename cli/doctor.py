"""`indextts-hub doctor`."""

from typing import Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import write_json, write_line
from indextts_hub.errors import StorageError

__all__ = ["doctor"]


def doctor(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Mend what can be mended from what is left.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Find what is wrong with the store and say what to do, a line each."""
    hub = opened(cache_dir, catalog)
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
                "damage": [{"kind": d.kind, "name": d.name, "problem": d.problem, "remedy": d.remedy} for d in found],
            }
        )
    else:
        for damage in found:
            write_line(f"{damage.kind} {damage.name}: {damage.problem}; {damage.remedy}")
        write_line(f"{f'{mended} mended, ' if mended else ''}{f'{len(found)} found' if found else 'all is well'}")
    if found:
        raise StorageError(
            f"{len(found)} things are wrong with the store",
            remedy="mend them with `indextts-hub doctor --rebuild`",
            code="E_DAMAGE",
        )
