"""`indextts-hub scan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, Quiet, ToJson, opened
from cli.render import table, write_json, write_line
from indextts_hub.errors import PolicyError

if TYPE_CHECKING:
    from indextts_hub.scanning import Scanned

__all__ = ["scan"]


def scan(
    what: Annotated[
        str, typer.Argument(metavar="REF|FILE", help="A version that is here, or a file; ./NAME for a file of a version's name.")
    ],
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what a version's files, or a file, would do when they are read; picklescan is asked too where it is installed."""
    from indextts_hub.scanning import has_second_opinion, scan_file, scan_version

    hub = opened(cache_dir, catalog)
    is_file = Path(what).is_file() or "/" in what or "\\" in what
    found = [scan_file(hub, Path(what))] if is_file else list(scan_version(hub, what))
    if to_json:
        write_json(
            {"ok": all(each.ok for each in found), "picklescan": has_second_opinion(), "files": [_json(each) for each in found]}
        )
    elif not quiet:
        _show(found)
    if refused := [each for each in found if not each.ok]:
        first = refused[0]
        problem = first.findings.problem
        raise PolicyError(
            f"{len(refused)} of {len(found)} files would not be let in, {first.findings.path} among them",
            remedy="don't load them; get them from who publishes them, as safetensors where they have it",
            code="E_PICKLE" if problem is None else problem.code,
        )


def _show(found: "list[Scanned]") -> None:
    table(
        ("FILE", "FORM", "IMPORTS", "RESULT", "PICKLESCAN"),
        [
            (each.findings.path, each.findings.form, str(len(each.findings.imports)), _result(each), _opinion(each))
            for each in found
        ],
    )
    for each in found:
        if each.findings.problem is not None:
            write_line(f"{each.findings.path}: {each.findings.problem.what} ({each.findings.problem.where})")


def _result(scanned: "Scanned") -> str:
    return "harmless" if scanned.findings.problem is None else scanned.findings.problem.code


def _opinion(scanned: "Scanned") -> str:
    if scanned.opinion is None:
        return "-"
    return scanned.opinion.trouble or (f"{scanned.opinion.issues} dangerous" if scanned.opinion.issues else "nothing")


def _json(scanned: "Scanned") -> dict[str, object]:
    findings, opinion, problem = scanned.findings, scanned.opinion, scanned.findings.problem
    return {
        "path": findings.path,
        "sha256": scanned.sha256,
        "form": findings.form,
        "imports": findings.imports,
        "ok": scanned.ok,
        "code": problem and problem.code,
        "problem": problem and problem.what,
        "where": problem and problem.where,
        "picklescan": opinion and {"issues": opinion.issues, "imports": opinion.imports, "trouble": opinion.trouble},
    }
