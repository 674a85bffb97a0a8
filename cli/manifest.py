"""`manifest`: what a catalogue says of a version's files."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import write_json, write_line
from indextts_hub.errors import UsageError
from indextts_hub.manifest import ByteCount
from indextts_hub.sources.protocol import bytes_a_second

__all__ = ["manifest"]

manifest = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)

PACKED = "_shipped"
"""The folder of a wheel's own files."""
SMALLEST_CHUNK = 64 << 10
"""Below, a large file's digests would make a catalogue that nobody wants to read."""


@manifest.callback()
def _group() -> None:
    """What a catalogue says of a version's files."""


@manifest.command("chunks")
def chunks(
    reference: Annotated[str, typer.Argument(metavar="REF", help="A version that is here.")],
    size: Annotated[str, typer.Option(help="Bytes of each chunk: 8M.")] = "8M",
    output: Annotated[Path | None, typer.Option("-o", help="Write another file instead.", show_default=False)] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Add the chunks' digests of a version to the catalogue, so that a pull checks each chunk as it comes and mends only bad ones.

    They are made from the verified files in the store. The version's digest stays the same.
    """
    from indextts_hub.catalog.chunking import with_chunks
    from indextts_hub.store.durable import write_durably

    chunk = bytes_a_second(size)
    if not isinstance(chunk, int) or chunk < SMALLEST_CHUNK:
        raise UsageError(f"{size[:20]!r} is no size of a chunk", remedy="write it as 8M, at least 64K", code="E_CHUNKS")
    hub = opened(cache_dir, catalog)
    place, text = _own(hub.catalog.origin, output)
    found = hub.chunk_digests(reference, ByteCount(chunk))
    write_durably(place, with_chunks(text, hub.catalog.origin, found).encode())
    count = sum(len(each.sha256) for each in found.values())
    if to_json:
        write_json({"catalog": str(place), "files": len(found), "chunks": count, "chunk_size": chunk})
    else:
        write_line(f"{count} chunk digests of {len(found)} files are in {place}")


def _own(origin: str, output: Path | None) -> tuple[Path, str]:
    """Where to write, and the text of the catalogue."""
    path = Path(origin).expanduser()
    if not path.is_file():
        raise UsageError(f"the catalogue {origin} is no file", remedy="name a file with --catalog", code="E_CATALOG")
    if output is None and PACKED in path.parts:
        raise UsageError(
            "the catalogue that came with the program is not to be changed: the next one would replace it",
            remedy="write a copy with -o mirrors.yaml",
            code="E_CATALOG",
        )
    return output or path, path.read_text("utf-8-sig")
