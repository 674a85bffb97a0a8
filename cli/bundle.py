"""`export` and `import`: versions on the road."""

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, Quiet, ToJson, Wait, opened, to_days
from cli.render import pulling, size, write_json, write_line
from indextts_hub.errors import UsageError
from indextts_hub.sources.protocol import bytes_a_second

if TYPE_CHECKING:
    from indextts_hub.trust import Trust

__all__ = ["export", "import_"]

SMALLEST_VOLUME = 1 << 20
DAY = 86400


def export(  # noqa: PLR0913, PLR0917 - typer reads a command's options from its parameters
    references: Annotated[list[str], typer.Argument(metavar="REF...", help="Versions that are here.")],
    output: Annotated[Path, typer.Option("-o", help="The file to write.")],
    split: Annotated[str | None, typer.Option(help="Cut into volumes of so many bytes: 4G for FAT32.", show_default=False)] = None,
    since: Annotated[list[str], typer.Option(metavar="REF", help="Leave out the files that this version has.")] = [],  # noqa: B006
    sign: Annotated[list[Path], typer.Option(metavar="KEY", help="Sign with this Ed25519 key (PEM).")] = [],  # noqa: B006
    expires: Annotated[str | None, typer.Option(help="Not to be imported later: 90d.", show_default=False)] = None,
    with_packages: Annotated[
        bool, typer.Option("--with-packages", help="Put in the Python packages to install there, the engine's too.")
    ] = False,
    with_catalogue: Annotated[bool, typer.Option("--with-catalogue", help="Put in the signed catalogue of this store.")] = False,
    metalink: Annotated[bool, typer.Option("--metalink", help="Write a Metalink instead: addresses and digests.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
    quiet: Quiet = False,
) -> None:
    """Write versions into a bundle: one file, or volumes, that `import` reads on a machine without a network.

    The same versions give the same bytes. A signed bundle says when it was made, so that an older one is told; SOURCE_DATE_EPOCH
    sets that time. A Metalink has no bytes: aria2 and other clients fetch them by it from the same mirrors, and check each piece.
    """
    if metalink:
        _write_metalink(references, output, cache_dir, catalog, to_json=to_json)
        return
    from tempfile import TemporaryDirectory

    from indextts_hub.bundle import ExportOptions, bundle_size
    from indextts_hub.bundle.catalogue import signed_documents
    from indextts_hub.bundle.packages import collect_wheels
    from indextts_hub.bundle.volumes import largest_file
    from indextts_hub.bundles import export_versions, to_export
    from indextts_hub.trust import read_private_key
    from synth.environments import packages_of

    hub = opened(cache_dir, catalog)
    versions, bases = to_export(hub, references), to_export(hub, since)
    keys = tuple(read_private_key(path) for path in sign)
    now = int(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    ends = None if expires is None else now + to_days(expires) * DAY
    with TemporaryDirectory() as folder:
        pinned = [packages_of([engine]) for engine in sorted({version.manifest.engine for version in versions})]
        wheels = collect_wheels(Path(folder), pinned) if with_packages else None
        documents = signed_documents(hub.store) if with_catalogue else ()
        options = ExportOptions(None, keys, now if keys or ends else None, ends, wheels, documents)
        limit = None if split is None else _volume(split)
        most = largest_file(output.absolute().parent)
        if limit is None and most is not None and bundle_size(versions, bases, options) > most:
            limit = most
            typer.echo(f"{output.parent} takes no file over 4 GB: the bundle is cut into volumes", err=True)
        options = replace(options, limit=limit)
        with pulling(quiet=quiet or to_json, verbose=False) as progress:
            # Whoever sets the time wants the same bytes each time.
            witness = options.created is not None and "SOURCE_DATE_EPOCH" not in os.environ
            report = export_versions(hub, versions, bases, output, options, progress, witness=witness)
    if to_json:
        names = [{"version": each.name, "digest": each.manifest.digest} for each in versions]
        write_json({"bundle": [str(path) for path in report.files], "digest": report.digest, "versions": [*names]})
    elif not quiet:
        names_ = ", ".join(path.name for path in report.files[:3]) + (" …" if len(report.files) > 3 else "")
        write_line(f"{names_}: {size(report.size)}, sha256 of its list {report.digest}")


def import_(  # noqa: PLR0913, PLR0917
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle: its file, or its list of volumes.")],
    verify_key: Annotated[list[Path], typer.Option(metavar="KEY", help="It must be signed by this key (PEM).")] = [],  # noqa: B006
    threshold: Annotated[int, typer.Option(min=1, help="How many of the keys must have signed.")] = 1,
    revoked_key: Annotated[list[Path], typer.Option(metavar="KEY", help="What this key signed does not count.")] = [],  # noqa: B006
    allow_older: Annotated[bool, typer.Option("--allow-older", help="Also one that is older than the last, or expired.")] = False,
    packages: Annotated[
        Path | None,
        typer.Option(help="Folder for all packages that are in it; those of engines are kept anyway.", show_default=False),
    ] = None,
    cache_dir: CacheDir = None,
    wait: Wait = 600.0,
    to_json: ToJson = False,
    quiet: Quiet = False,
) -> None:
    """Take the versions of a bundle in. Every byte is checked; run it again after anything: it goes on."""
    from indextts_hub.bundle import ImportOptions
    from indextts_hub.bundle.packages import canonical
    from indextts_hub.bundles import import_versions
    from synth.environments import ENGINES, packages_of

    hub = opened(cache_dir, None, wait=wait)
    # `engine install` takes them from there.
    chosen = None if packages else frozenset(map(canonical, packages_of(ENGINES)))
    trust = _trust(verify_key, revoked_key, threshold)
    options = ImportOptions(trust, allow_older, packages or hub.store.wheels, chosen, wait)
    with pulling(quiet=quiet or to_json, verbose=False) as progress:
        report = import_versions(hub, path, options, progress)
    if to_json:
        found = [{"version": each.version, "digest": each.digest, "path": str(each.path)} for each in report.snapshots]
        write_json(
            {"versions": [*found], "blobs_added": report.added, "blobs_present": report.present, "signers": [*report.signers]}
        )
    elif not quiet:
        signed = f", signed by {len(report.signers)} of your keys" if report.signers else ", not verified by any key"
        for each in report.snapshots:
            write_line(f"{each.version}@sha256:{each.digest[:12]}: every byte verified{signed}")
            write_line(str(each.path))


def _write_metalink(references: list[str], output: Path, cache_dir: Path | None, catalog: str | None, *, to_json: bool) -> None:
    from indextts_hub.bundles import metalink_of
    from indextts_hub.store.durable import write_durably

    if len(references) != 1:
        raise UsageError("a Metalink is of one version", remedy="write one for each")
    write_durably(output, metalink_of(opened(cache_dir, catalog), references[0]))
    if to_json:
        write_json({"metalink": str(output), "version": references[0]})
    else:
        write_line(f"{output}: fetch by it with `aria2c {output}`")


def _trust(keys: list[Path], revoked: list[Path], threshold: int) -> "Trust | None":
    if not keys:
        return None
    from indextts_hub.trust import Trust, read_public_key

    return Trust(tuple(map(read_public_key, keys)), tuple(map(read_public_key, revoked)), threshold)


def _volume(text: str) -> int:
    from indextts_hub.bundle.volumes import LARGEST_ON_FAT

    limit = bytes_a_second(text)
    if not isinstance(limit, int) or limit < SMALLEST_VOLUME:
        raise UsageError(f"{text[:20]!r} is no size of a volume", remedy="write it as 4G or 700M", code="E_USAGE")
    # 4G is said by people who have FAT32 in mind, which takes one byte less.
    return LARGEST_ON_FAT if limit == LARGEST_ON_FAT + 1 else limit
