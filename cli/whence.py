"""`whence`: where a piece of speech comes from: its label, and the task and the event that it names."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import CacheDir, ToJson, opened
from cli.render import table, write_json
from indextts_hub.errors import NotFound

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.audit.events import AuditEvent
    from indextts_hub.db.tasks import SpokenTask
    from synth.audio.label import Provenance

__all__ = ["whence"]

# Labels stand at the head; a cover picture may stand before them.
_HEAD = 4 * 2**20


def whence(
    file: Annotated[Path, typer.Argument(help="A WAV, FLAC, MP3, Ogg or AAC file.", show_default=False)],
    cache_dir: CacheDir = None,
    to_json: ToJson = False,
) -> None:
    """Say which version spoke a file, for which task, and whether the audit log knows of it."""
    from synth.audio.label import read_label, read_provenance

    try:
        with file.open("rb") as opened_file:
            head = opened_file.read(_HEAD)
            opened_file.seek(0)
            sha256 = hashlib.file_digest(opened_file, "sha256").hexdigest()
    except OSError as error:
        raise NotFound(f"{file} can't be read: {error.strerror}", remedy="give a file that is there", code="E_NO_FILE") from None
    label, provenance = read_label(head), read_provenance(head)
    if label is None and provenance is None:
        raise NotFound(f"{file} says nothing of where it comes from", remedy="ask whoever gave it to you", code="E_NO_LABEL")
    hub = opened(cache_dir, None)
    task, event = (None, None) if provenance is None else (_task(hub, provenance), _event(hub, provenance))
    recorded = None if event is None else event.details.get("audio")
    document = {
        "file": file,
        "sha256": sha256,
        "generated": None if label is None else label.generated == "1",
        "producer": None if label is None else label.producer,
        "version": None if provenance is None else provenance.version,
        "digest": None if provenance is None else provenance.digest,
        "task": None if provenance is None else provenance.task,
        "text": None if task is None else task.text,
        "at": None if event is None else event.at.isoformat(),
        "event": None if event is None else event.seq,
        "actor": None if event is None else event.actor,
        "same_bytes": None if recorded is None else recorded == sha256,
    }
    if to_json:
        write_json(document)
    else:
        table(("", "WHENCE"), [(name, _shown(value)) for name, value in document.items()])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not known" if value is None else str(value)


def _task(hub: "Hub", provenance: "Provenance") -> "SpokenTask | None":
    from contextlib import closing

    from indextts_hub.db import open_database
    from indextts_hub.db.tasks import find_task

    try:
        with closing(open_database(hub.database_url)) as database:
            return find_task(database, provenance.task)
    except NotFound:
        return None


def _event(hub: "Hub", provenance: "Provenance") -> "AuditEvent | None":
    """The event of the audit log in which the task was spoken; it stays when the task is long purged."""
    from indextts_hub.audit import AuditLog

    spoken = (event for event in AuditLog(hub.store.audit).events() if event.act == "speak")
    return next((event for event in spoken if event.details.get("task") == provenance.task), None)
