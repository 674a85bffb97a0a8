"""`audit`: who did what, when, and whether the log is whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, CatalogPlace, ToJson, opened
from cli.render import table, write_json, write_line
from indextts_hub.audit import AuditLog
from indextts_hub.errors import IntegrityError

if TYPE_CHECKING:
    from indextts_hub.audit import Checkpoint

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


@audit.command("checkpoint")
def checkpoint(
    output: Annotated[Path | None, typer.Option("-o", help="Write the note here, too.", show_default=False)] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Sign what the log is now. Who keeps the note elsewhere can tell if the log is cut or rewritten, or comes from a backup."""
    from indextts_hub.audit.checkpoints import log_key, sign_checkpoint
    from indextts_hub.store.durable import write_durably

    log = AuditLog(opened(cache_dir, catalog).store.audit)
    key = log_key(log.folder)
    note = sign_checkpoint(log, key)
    if output is not None:
        write_durably(output, note.encode())
    if to_json:
        write_json({"note": note, "key": str(key.verifier), "path": None if output is None else str(output)})
        return
    if output is None:
        write_line(note.rstrip("\n"))
    write_line(f"key: {key.verifier}")


@audit.command("verify")
def verify(
    checkpoints: Annotated[
        list[Path] | None, typer.Option("--checkpoint", metavar="FILE", help="A note that was kept elsewhere; may be given again.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option(help="The key that signed it; this store's own if none is given.")] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Check every line of the log and the chain between them, and that the log goes on from what kept checkpoints say."""
    log = AuditLog(opened(cache_dir, catalog).store.audit)
    finding = log.verify([_kept(path, key, log) for path in checkpoints or ()])
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


def _kept(path: Path, keys: list[str] | None, log: AuditLog) -> "Checkpoint":
    from indextts_hub.audit import VerifierKey
    from indextts_hub.audit.checkpoints import log_key
    from indextts_hub.audit.verify import open_checkpoint

    try:
        known = [VerifierKey.parse(text) for text in keys] if keys else [log_key(log.folder).verifier]
        return open_checkpoint(path.read_text("utf-8"), known)
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"{path} is no checkpoint of this log: {error}",
            remedy="give the note as it was kept, and with --key the key that it was printed with",
            code="E_CHECKPOINT",
        ) from None
