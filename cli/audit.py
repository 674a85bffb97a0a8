"""`audit`: who did what, when, and whether the log is whole."""

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import table, write_json, write_line
from indextts_hub.audit import AuditLog
from indextts_hub.errors import IntegrityError

__all__ = ["audit"]

audit = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@audit.command("log")
def log(cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Every event; with --json as JSON Lines, as they stand in the log."""
    found = AuditLog(opened(cache_dir, catalog).store.audit)
    if to_json:
        for line in found.lines():
            write_line(line.decode().rstrip("\n"))
        return
    table(
        ("SEQ", "AT", "ACTOR", "ACT", "SUBJECT", "OUTCOME"),
        [(str(e.seq), e.at.strftime("%Y-%m-%d %H:%M:%S"), e.actor, e.act, e.subject[:60], e.outcome) for e in found.events()],
    )


@audit.command("verify")
def verify(cache_dir: CacheDir = None, catalog: CatalogPlace = None, to_json: ToJson = False) -> None:
    """Check every line of the log and the chain between them."""
    finding = AuditLog(opened(cache_dir, catalog).store.audit).verify()
    if to_json:
        write_json({"ok": finding.ok, "events": finding.events, "head": finding.head, "first_bad": finding.first_bad})
    else:
        write_line(f"{finding.events} events are as they were written; head {finding.head[:16]}")
    if not finding.ok:
        raise IntegrityError(
            f"the audit log is not as it was written: event {finding.first_bad}: {finding.problem}",
            remedy="compare it with a copy or a checkpoint that somebody else kept",
            code="E_LOG",
        )
