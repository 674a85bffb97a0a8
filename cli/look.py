"""`list`, `show` and `path`: what is here and what there is."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.catalogue import describe
from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import size, table, write_json, write_line
from indextts_hub.catalog import standing
from indextts_hub.errors import NotFound, UsageError

if TYPE_CHECKING:
    from indextts_hub import Hub

__all__ = ["list_versions", "path", "show"]

Reference = Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME@sha256:HEX or an alias.")]


def list_versions(
    all_known: Annotated[bool, typer.Option("--all", help="Also what is only in the catalogue.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """What is here; with --all what there is."""
    hub = opened(cache_dir, catalog)
    rows = list(hub.list_versions(all_known=all_known))
    # What is here is listed without the catalogue, which may be far away; what there is can't be.
    revoked = {row.digest: hub.revocation(row.version, row.digest) for row in rows} if all_known else {}
    if to_json:
        write_json(
            [
                {
                    "version": row.version,
                    "digest": row.digest,
                    "aliases": row.aliases,
                    "pinned": row.pinned,
                    "engine": row.engine,
                    "size": row.size,
                    "state": row.state,
                    "path": row.path,
                }
                | ({"revoked": revoked[row.digest]} if all_known else {})
                for row in rows
            ]
        )
    elif rows:
        table(
            ("VERSION", "DIGEST", "ALIASES", "ENGINE", "SIZE", "STATE"),
            [
                (
                    row.version + (" (pinned)" if row.pinned else ""),
                    row.digest[:12],
                    ", ".join(row.aliases) or "-",
                    row.engine,
                    size(row.size),
                    "revoked" if revoked.get(row.digest) else row.state,
                )
                for row in rows
            ],
        )
    else:
        write_line(
            "Nothing is here yet. `indextts-hub list --all` shows what there is, `indextts-hub pull lite` gets the smallest."
        )


def show(
    reference: Reference,
    other: Annotated[str | None, typer.Argument(metavar="[OTHER]", help="With --diff: the other version.")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Which files differ between REF and OTHER.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """What a version is: its files, its licence and where it comes from; with --diff what another one has instead."""
    hub = opened(cache_dir, catalog)
    if diff != (other is not None):
        raise UsageError("a difference is between two versions", remedy="use `indextts-hub show --diff A B`")
    if other is not None:
        _show_difference(hub, reference, other, to_json=to_json)
        return
    listed, manifest, known = hub.describe(reference)
    sources = sorted({entry.mirror for file in manifest.files for _, entry in known.places(file)}) if known else []
    license_document = {"name": manifest.license.name, "url": manifest.license.url, "commercial": manifest.license.commercial}
    if known:
        license_document |= {"accept": known.accept, "note": known.license_note}
    if to_json:
        write_json(
            {
                "version": listed.version,
                "digest": listed.digest,
                "engine": manifest.engine,
                "license": license_document,
                "part_licenses": [
                    {"at": p.at, "name": p.license.name, "url": p.license.url, "commercial": p.license.commercial}
                    for p in manifest.parts
                ],
                "aliases": listed.aliases,
                "files": [
                    {
                        "path": file.path,
                        "size": file.size,
                        "sha256": file.sha256,
                        "state": "present" if hub.store.blobs.has(file.sha256, file.size) else "absent",
                    }
                    for file in manifest.files
                ],
                "sources": sources,
                "catalogue": describe(hub.catalog),
            }
        )
        return
    write_line(f"{listed.version}@sha256:{listed.digest}")
    if known and known.title:
        write_line(known.title)
    write_line(f"engine {manifest.engine}, {size(manifest.size)}, {listed.state}, from {', '.join(sources) or 'no known mirror'}")
    if reason := hub.revocation(listed.version, listed.digest):
        write_line(f"revoked: {reason}")
    write_line(f"catalogue: {standing(hub.catalog)}")
    write_line(f"licence: {manifest.license.name}{' ' + manifest.license.url if manifest.license.url else ''}")
    if known and known.license_note:
        write_line(f"  {known.license_note}")
    for part in manifest.parts:
        write_line(f"  {part.at}: {part.license.name}{' ' + part.license.url if part.license.url else ''}")
    table(("FILE", "SIZE", "SHA-256"), [(file.path, size(file.size), file.sha256[:16]) for file in manifest.files])


def _show_difference(hub: "Hub", reference: str, other: str, *, to_json: bool) -> None:
    from indextts_hub.difference import Change, differences

    (before, old, _), (after, new, _) = hub.describe(reference), hub.describe(other)
    found = list(differences(old, new))
    unlike = [each for each in found if each.change is not Change.SAME]
    fresh = {each.after.sha256: each.after.size for each in unlike if each.after} if unlike else {}
    more = sum(size for digest, size in fresh.items() if digest not in dict(old.blobs()))
    if to_json:
        write_json(
            {
                "before": {"version": before.version, "digest": before.digest},
                "after": {"version": after.version, "digest": after.digest},
                "files": [
                    {
                        "path": each.path,
                        "change": each.change,
                        "before": None if each.before is None else {"size": each.before.size, "sha256": each.before.sha256},
                        "after": None if each.after is None else {"size": each.after.size, "sha256": each.after.sha256},
                    }
                    for each in found
                ],
                "bytes_more": more,
            }
        )
        return
    if unlike:
        rows = [(each.path, each.change, *(size(f.size) if f else "-" for f in (each.before, each.after))) for each in unlike]
        table(("FILE", "CHANGE", before.version, after.version), rows)
    write_line(f"{len(found) - len(unlike)} files are the same; {after.version} has {size(more)} that {before.version} has not")


class Layout(StrEnum):
    """Shapes of a version."""

    FLAT = "flat"
    HF = "hf"


def path(
    reference: Reference,
    file: Annotated[str | None, typer.Argument(help="A file of the version.", show_default=False)] = None,
    layout: Annotated[
        Layout, typer.Option("--layout", help="The plain folder, or a cache of the Hugging Face client.")
    ] = Layout.FLAT,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Where a version's files are, for scripts; with `--layout hf` a folder for HF_HUB_CACHE."""
    hub = opened(cache_dir, catalog)
    snapshot = hub.snapshot(reference)
    found = snapshot.path
    if layout is Layout.HF:
        if file is not None:
            raise UsageError("--layout hf names a folder, not a file", remedy="leave FILE out", code="E_USAGE")
        found = hub.hugging_face_cache(reference)
    if file is not None:
        if file not in {entry.path for entry in snapshot.files}:
            raise NotFound(
                f"{reference} has no file {file[:120]!a}", remedy=f"see `indextts-hub show {reference}`", code="E_NO_FILE"
            )
        found = snapshot.path / file
    if to_json:
        write_json({"path": found})
    else:
        write_line(str(found))
