"""`indextts-hub convert`."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from cli.options import CacheDir, CatalogPlace, Quiet, ToJson, opened
from cli.render import size, write_json, write_line
from indextts_hub.errors import NotFound, UsageError

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.manifest import Json
    from synth.conversion import Converted

__all__ = ["convert"]

_SUFFIX = ".safetensors"


def convert(
    what: Annotated[
        str,
        typer.Argument(metavar="REF|FILE", help="A version that is here, or a checkpoint; ./NAME for a file of a version's name."),
    ],
    member: Annotated[str | None, typer.Argument(metavar="[PATH]", help="Which file of the version.", show_default=False)] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; here, under the checkpoint's name.")
    ] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
    quiet: Quiet = False,
) -> None:
    """Write a torch checkpoint's tensors as safetensors, which holds nothing that could run.

    The checkpoint is read in a process that can do nothing else. The same checkpoint gives the same bytes, anywhere; the digests of
    both are written down.
    """
    from synth.conversion import convert as converted_to

    hub = opened(cache_dir, catalog)
    with ExitStack() as undo:
        source, name, subject = _found(hub, what, member)
        undo.enter_context(source)

        def log(act: str, _: str, outcome: str, details: "Mapping[str, Json]") -> None:
            if hub.store.can_be_written():
                hub.books.log(act, subject, outcome, details)

        target = output or Path(Path(name).name).with_suffix(_SUFFIX)
        converted = converted_to(source, name, target, log)
    if to_json:
        write_json(_json(converted))
    elif not quiet:
        write_line(f"{name} sha256:{converted.source}")
        write_line(f"{target} sha256:{converted.result}")
        left_out = f", {converted.left_out_count} values that are no tensors left out" if converted.left_out_count else ""
        write_line(f"{converted.tensors} tensors, {size(converted.size)}{left_out}")


def _found(hub: "Hub", what: str, member: str | None) -> tuple[BinaryIO, str, str]:
    """The open checkpoint, what it is called, and what an event calls it."""
    from indextts_hub.store.blobs import open_regular

    if member is None:
        if not Path(what).exists() and "/" not in what and "\\" not in what:
            raise UsageError(f"{what} is no file here", remedy="for a version name the file, too: `convert REF PATH`")
        if not Path(what).exists():
            raise NotFound(f"{what} is not there", remedy="give a checkpoint's path", code="E_NO_FILE")
        return open_regular(Path(what).resolve()), what, Path(what).name
    snapshot = hub.snapshot(what)
    entry = next((file for file in snapshot.files if file.path == member), None)
    if entry is None:
        raise NotFound(
            f"{snapshot.version} has no file {member[:80]!a}",
            remedy=f"see `indextts-hub show {snapshot.version}`",
            code="E_NO_FILE",
        )
    subject = f"{snapshot.version}@sha256:{snapshot.digest}/{entry.path}"
    return hub.store.blobs.open(entry.sha256), entry.path, subject


def _json(converted: "Converted") -> dict[str, object]:
    return {
        "from": converted.source,
        "to": converted.result,
        "path": converted.path,
        "size": converted.size,
        "tensors": converted.tensors,
        "left_out": converted.left_out,
        "left_out_count": converted.left_out_count,
        "sealed": converted.sealed,
        "walls": converted.walls,
    }
