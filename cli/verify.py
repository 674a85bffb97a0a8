"""`indextts-hub verify`."""

from typing import Annotated

import typer

from cli.options import CacheDir, CatalogPlace, Quiet, ToJson, Verbose, opened
from cli.render import pulling, write_json, write_line
from indextts_hub.errors import IntegrityError
from indextts_hub.hub import PullOptions

__all__ = ["verify"]


def verify(
    references: Annotated[list[str] | None, typer.Argument(metavar="[REF]...", help="All versions if none is named.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Look at names and sizes only.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Fetch what is bad again, and only that.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Hash every byte again and say which file is not what it should be."""
    hub = opened(cache_dir, catalog)
    look = hub.look if quick else hub.verify
    findings = look(references or [])
    if repair and not all(finding.ok for finding in findings):
        with pulling(quiet=quiet or to_json, verbose=verbose) as progress:
            hub.repair(findings, PullOptions(), progress)
        findings = look(references or [])
    elif not quick:
        hub.put_aside(findings)
    ok = all(finding.ok for finding in findings)
    if to_json:
        write_json(
            {
                "ok": ok,
                "versions": [
                    {
                        "version": finding.version,
                        "digest": finding.digest,
                        "ok": finding.ok,
                        "files": [
                            {"path": f.path, "ok": f.ok, "expected": f.expected, "actual": f.actual, "problem": f.problem}
                            for f in finding.files
                        ],
                    }
                    for finding in findings
                ],
            }
        )
    elif not quiet:
        for finding in findings:
            said = "all right" if finding.ok else "BAD"
            write_line(f"{finding.version}@sha256:{finding.digest[:12]}: {said}, {len(finding.files)} files")
            for file in finding.files:
                if not file.ok:
                    write_line(f"  {file.path}: {file.problem}")
    if not ok:
        bad = sum(not file.ok for finding in findings for file in finding.files)
        raise IntegrityError(
            f"{bad} files are not what the manifest says",
            remedy="mend them with `indextts-hub verify --repair`",
            code="E_INTEGRITY",
        )
