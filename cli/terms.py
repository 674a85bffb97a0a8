"""What is said before a version is first fetched: its licences, with what stands against each other, and what it needs.

Where a person sits at the terminal the licence is asked about, once; elsewhere `--accept-license` says yes.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.render import size, write_line

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.manifest import License, Manifest

__all__ = ["agreed", "terms"]

# Graphics memory with which an engine is quick: by its package's own README; where that says nothing, its weights and as much again
# as that one needs beside its own.
_GRAPHICS = {"indextts25": "6 GB", "indextts2": "10 GB"}
# Where the drivers of graphics cards show themselves, without starting one.
_CARDS = (Path("/proc/driver/nvidia/version"), Path("/dev/kfd"))


def agreed(hub: "Hub", reference: str, *, accepts: bool, quiet: bool) -> bool:
    """Show what is to be known before the download, and whether the licence is accepted, now or by `accepts`.

    Nothing is shown and nobody is asked if there is nothing to fetch, or somebody accepted it before.
    """
    listed, manifest, known = hub.describe(reference)
    if listed.state == "complete" or known is None:
        return accepts
    if not quiet:
        _say_needs(hub, manifest)
    if not known.accept or accepts or hub.books.is_accepted(listed.digest):
        return accepts
    if quiet or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    for line in terms(manifest, known.license_note):
        sys.stderr.write(f"{line}\n")
    return typer.confirm(f"Do you accept {manifest.license.name} for {listed.version}?", err=True)


def terms(manifest: "Manifest", note: str | None) -> list[str]:
    """The licences of a version and of its parts, and what of it stands against the rest."""
    lines = [f"Licence: {_named(manifest.license)}"]
    if note:
        lines.append(f"  {note}")
    lines += [f"  {part.at}: {_named(part.license)}" for part in manifest.parts]
    against = [part.at for part in manifest.parts if part.license.commercial is False]
    if against and manifest.license.commercial is not False:
        lines.append(f"These parts may not be used commercially, whatever the whole allows: {', '.join(against)}")
    return lines


def _named(terms: "License") -> str:
    commercial = {True: "", False: ", not for commercial use", None: ""}[terms.commercial]
    return f"{terms.name}{commercial}{f', {terms.url}' if terms.url else ''}"


def _say_needs(hub: "Hub", manifest: "Manifest") -> None:
    from synth.needs import memory_needed

    absent = sum(count for digest, count in manifest.blobs() if not hub.store.blobs.has(digest, count))
    needed = memory_needed(manifest.size)
    has = _memory()
    said = f"{size(absent)} to fetch; it takes about {size(needed)} of memory to speak"
    if has is not None:
        said += f", and this machine has {size(has)}"
        if needed > has:
            said += ": it can be kept and lent here, but hardly spoken with"
    if graphics := _GRAPHICS.get(manifest.engine):
        said += f". With a graphics card of {graphics} or more it is many times as quick"
        if sys.platform == "linux":
            said += "; this machine has one" if any(map(Path.exists, _CARDS)) else "; none is seen here"
    write_line(f"{said}.")


def _memory() -> int | None:
    """Bytes of memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
