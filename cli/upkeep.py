"""`scrub` and `adopt`: hashing the store again over time, and taking over what is here already."""

import re
from pathlib import Path
from typing import Annotated

import typer

from cli.look import Reference
from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import size, write_json, write_line
from indextts_hub.errors import IntegrityError, UsageError

__all__ = ["adopt", "scrub"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def scrub(
    budget: Annotated[str, typer.Option("--budget", help="How long: 90s, 10m, 1h.")] = "10m",
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Hash blobs again, those longest not looked at first, and put bad ones out of use."""
    match = _DURATION.fullmatch(budget)
    if match is None:
        raise UsageError(f"{budget[:40]!a} is no duration", remedy="write it as 90s, 10m or 1h")
    report = opened(cache_dir, catalog).scrub(float(match[1]) * _SECONDS[match[2]])
    if to_json:
        write_json(
            {
                "ok": not report.bad,
                "checked": report.checked,
                "checked_bytes": report.checked_bytes,
                "left": report.left,
                "bad": [{"digest": finding.digest, "actual": finding.actual, "problem": finding.problem} for finding in report.bad],
            }
        )
    else:
        write_line(f"{report.checked} blobs ({size(report.checked_bytes)}) hashed, {report.left} left, {len(report.bad)} bad")
    if report.bad:
        raise IntegrityError(
            f"{len(report.bad)} blobs have changed on the disk; they are out of use now",
            remedy="mend their versions with `indextts-hub verify --repair`",
        )


def adopt(
    reference: Reference,
    folder: Annotated[Path, typer.Argument(help="A folder of checkpoints, or a Hugging Face cache; it stays as it is.")],
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Take over what a folder has of a version, without fetching what is right already."""
    adoption = opened(cache_dir, catalog).adopt(reference, folder)
    if to_json:
        write_json({"adopted": adoption.adopted, "present": adoption.present, "missing": adoption.missing})
        return
    write_line(
        f"{len(adoption.adopted)} files taken over, {len(adoption.present)} were here already, {len(adoption.missing)} are missing"
    )
    if adoption.missing:
        write_line(f"fetch the rest with `indextts-hub pull {reference}`")
