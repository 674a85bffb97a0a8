"""`audit`: who did what, when, and whether the log is whole."""

from enum import StrEnum
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
    blobs: Annotated[bool, typer.Option("--blobs", help="Hash every file of the store as well.")] = False,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """Check every line of the log, the chain between them, and that the log goes on from what kept checkpoints say.

    Then that what is in the store is what the log let in, and what it let in is there.
    """
    from indextts_hub.audit.against_store import contradictions

    store = opened(cache_dir, catalog).store
    log = AuditLog(store.audit)
    finding = log.verify([_kept(path, key, log) for path in checkpoints or ()])
    found = list(contradictions(log, store, blobs=blobs)) if finding.ok else []
    if to_json:
        write_json(
            {
                "ok": finding.ok and not found,
                "events": finding.events,
                "head": finding.head,
                "first_bad": finding.first_bad,
                "store": [{"subject": each.subject, "problem": each.problem} for each in found],
            }
        )
    else:
        write_line(f"{finding.events} events are as they were written; head {finding.head[:16]}")
    if not finding.ok:
        raise IntegrityError(
            f"the audit log is not as it was written: event {finding.first_bad}: {finding.problem}",
            remedy="compare it with a copy or a checkpoint that somebody else kept",
            code="E_LOG",
        )
    if found:
        if not to_json:
            table(("SUBJECT", "PROBLEM"), [(each.subject, each.problem) for each in found])
        raise IntegrityError(
            f"the store is not what the log says: {found[0].subject} {found[0].problem}",
            remedy="`indextts-hub verify --repair` mends files; what nobody let in, `remove` takes away",
            code="E_LOG",
        )


class Form(StrEnum):
    """Shapes of a report."""

    JSON = "json"
    MARKDOWN = "md"
    HTML = "html"
    CYCLONEDX = "cyclonedx"


@audit.command("report")
def report(
    reference: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME@sha256:HEX or an alias.")],
    form: Annotated[
        Form, typer.Option("--format", help="md and html are for people; cyclonedx is a bill of materials.")
    ] = Form.MARKDOWN,
    output: Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Write it here.", show_default=False)] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
) -> None:
    """What is known of a version: where each file came from, who accepted which licence, scans, what was done, what it spoke.

    The same state gives the same bytes.
    """
    import json

    from indextts_hub.audit.bom import bill_of_materials
    from indextts_hub.audit.pages import as_html, as_markdown
    from indextts_hub.reporting import report_on
    from indextts_hub.store.durable import write_durably

    found = report_on(opened(cache_dir, catalog), reference)
    match form:
        case Form.MARKDOWN:
            text = as_markdown(found)
        case Form.HTML:
            text = as_html(found)
        case Form.JSON | Form.CYCLONEDX:
            document = found.document() if form is Form.JSON else bill_of_materials(found)
            text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if output is None:
        write_line(text.rstrip("\n"))
    else:
        write_durably(output, text.encode())


@audit.command("diff")
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The version that was looked at.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The one that shall take its place.")],
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """What is other in B: files, with what the gate says of them, engine and licences."""
    from indextts_hub.reporting import compare_versions, report_on

    hub = opened(cache_dir, catalog)
    found = compare_versions(report_on(hub, before), report_on(hub, after))
    if to_json:
        write_json(found)
        return
    files, terms = found["files"], found["terms"]
    assert isinstance(files, list)  # noqa: S101 - as it was made
    assert isinstance(terms, list)  # noqa: S101
    rows = [row for row in files if isinstance(row, dict)]
    if rows:
        table(
            ("FILE", "CHANGE", "BEFORE", "AFTER", "GATE"),
            [(str(r["path"]), str(r["change"]), *(str(r[k] or "-")[:12] for k in ("before", "after", "scan"))) for r in rows],
        )
    for row in terms:
        if isinstance(row, dict):
            write_line(f"{row['what']}: {row['before']} became {row['after']}")
    if not files and not terms:
        write_line("Nothing is other.")


@audit.command("witnessed")
def witnessed(
    folder: Annotated[
        Path | None, typer.Option("-o", metavar="FOLDER", help="Write each note into a file of its own.", show_default=False)
    ] = None,
    cache_dir: CacheDir = None,
    catalog: CatalogPlace = None,
    to_json: ToJson = False,
) -> None:
    """The checkpoints of other hubs' logs that bundles brought here.

    Given to `audit verify` there, one of them shows whether that log was rewritten since.
    """
    from indextts_hub.audit.witness import witnessed_notes
    from indextts_hub.store.durable import make_folder, write_durably

    notes = list(witnessed_notes(AuditLog(opened(cache_dir, catalog).store.audit)))
    if folder is not None:
        make_folder(folder)
        for note in notes:
            write_durably(folder / f"{note.seq}.checkpoint", note.checkpoint.encode())
    if to_json:
        write_json(
            [
                {"seq": n.seq, "at": n.at.isoformat(), "origin": n.origin, "size": n.size, "key": n.key, "note": n.checkpoint}
                for n in notes
            ]
        )
    elif notes:
        table(
            ("SEQ", "AT", "ORIGIN", "EVENTS", "KEY"),
            [(str(n.seq), f"{n.at:%Y-%m-%d %H:%M}", n.origin, str(n.size), n.key) for n in notes],
        )
    else:
        write_line("No bundle has brought a checkpoint.")


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
