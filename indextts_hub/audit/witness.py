"""What this hub has seen of other hubs' logs: the checkpoints that came in bundles, as its own log has them.

Whoever imported a bundle holds what the exporter's log was then. If that log is rewritten later, even with its true key, the old
checkpoint does not agree with it any more: `audit verify --checkpoint` there, or the stand-alone verifier, says so.
"""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from indextts_hub.audit.log import AuditLog

__all__ = ["Witnessed", "witnessed_notes"]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint of another log.

    Attributes:
        seq, at: of the event here.
        origin: that log's name.
        size: how many events it had.
        checkpoint: the signed note.
        key: that log's, as the bundle says; `NAME+HASH+BASE64`.
    """

    seq: int
    at: datetime
    origin: str
    size: int
    checkpoint: str
    key: str


def witnessed_notes(log: AuditLog) -> Iterator[Witnessed]:
    """The checkpoints that the log has, the first first; what is none is passed over.

    Raises:
        IntegrityError, StorageError: as `AuditLog.events`.
    """
    seen: set[str] = set()
    for event in log.events():
        encoded, key = event.details.get("checkpoint"), event.details.get("log_key")
        if event.act != "import" or not isinstance(encoded, str) or not isinstance(key, str) or encoded in seen:
            continue
        seen.add(encoded)
        try:
            note = b64decode(encoded, validate=True).decode()
            origin, size, _ = note.split("\n", 2)
            yield Witnessed(event.seq, event.at, origin, int(size), note, key)
        except ValueError:
            continue
