"""`export` and `import`: versions on the road."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import write_json, write_line
from indextts_hub.errors import UsageError

__all__ = ["export"]


def export(
    references: Annotated[list[str], typer.Argument(metavar="REF...", help="Versions.")],
    output: Annotated[Path, typer.Option("-o", help="The file to write.")],
    metalink: Annotated[
        bool, typer.Option("--metalink", help="Write a Metalink (.meta4): addresses and digests, no bytes.")
    ] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Write versions into a file that another machine reads.

    A Metalink has no bytes: aria2 and other clients fetch them by it from the same mirrors, and check each piece.
    """
    from indextts_hub.store.durable import write_durably

    if not metalink or len(references) != 1:
        raise UsageError("one version is exported as a Metalink", remedy="use `indextts-hub export --metalink REF -o FILE.meta4`")
    hub = opened(cache_dir, catalog)
    write_durably(output, hub.metalink(references[0]))
    if to_json:
        write_json({"metalink": str(output), "version": references[0]})
    else:
        write_line(f"{output}: fetch by it with `aria2c {output}`")
