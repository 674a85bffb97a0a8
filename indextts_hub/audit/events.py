"""One line of the audit log: who did what to what, when, and how it ended. Pure: no I/O.

A line is canonical JSON and a line feed, so an event has one encoding, and a line's digest names one event. `previous` is the
SHA-256 of the line before: whoever edits, drops, adds or moves a line breaks the chain there. A line's bytes are also what a
leaf of a Merkle tree over the log is made of.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from indextts_hub.errors import HubError, IntegrityError
from indextts_hub.manifest import Digest, Json, canonical_json, check_digest, load_strict_json

__all__ = ["FIRST", "LARGEST_LINE", "AuditEvent", "encode_event", "line_digest", "parse_event"]

FIRST = Digest("0" * 64)
"""What the first line has for the line before it."""

# A pull of 1,000 files from five mirrors is some 300 KB; what is larger is cut by whoever writes it into several events.
LARGEST_LINE = 2**20
# Names, references and codes are shorter; what is longer came from outside and is cut.
LONGEST_FIELD = 250
# A path or an address in the details.
LONGEST_TEXT = 1000

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that was done, or refused.

    Attributes:
        seq: 0 for the first.
        at: UTC.
        actor: `user@host`, or the name of the key that asked.
        act: what was done: `pull`, `verify`, `alias set`, …
        subject: what it was done to: a reference, a file, a key's name.
        outcome: `done`, or the code of the error.
        details: whatever else is worth knowing; never a secret.
        previous: SHA-256 of the line before.
    """

    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    outcome: str
    details: Mapping[str, Json] = field(default_factory=dict)
    previous: Digest = FIRST


def encode_event(event: AuditEvent) -> bytes:
    """The one line that says `event`, with its line feed.

    Raises:
        ValueError: it is longer than LARGEST_LINE: a defect of whoever writes it.
    """
    line = canonical_json(
        {
            "act": _plain(event.act, LONGEST_FIELD),
            "actor": _plain(event.actor, LONGEST_FIELD),
            "at": _moment(event.at),
            "details": _plain_json(dict(event.details)),
            "outcome": _plain(event.outcome, LONGEST_FIELD),
            "previous": event.previous,
            "seq": event.seq,
            "subject": _plain(event.subject, LONGEST_FIELD),
        }
    )
    if len(line) >= LARGEST_LINE:
        raise ValueError(f"an event of {len(line)} bytes")
    return line + b"\n"


def parse_event(line: bytes) -> AuditEvent:
    """Read one line, with its line feed.

    Raises:
        IntegrityError: E_EVENT, if it is not exactly what `encode_event` writes.
    """
    try:
        event = _event(load_strict_json(line.removesuffix(b"\n"), largest=LARGEST_LINE))
        if encode_event(event) == line:
            return event
    except (HubError, ValueError, LookupError, TypeError):
        pass
    raise IntegrityError("a line of the log is no event", remedy="see `indextts-hub audit verify`", code="E_EVENT")


def line_digest(line: bytes) -> Digest:
    """SHA-256 of a line with its line feed: what the next line has as `previous`."""
    return Digest(hashlib.sha256(line).hexdigest())


def _event(document: Json) -> AuditEvent:
    match document:
        case {
            "act": str(act),
            "actor": str(actor),
            "at": str(at),
            "details": dict(details),
            "outcome": str(outcome),
            "previous": str(previous),
            "seq": int(seq),
            "subject": str(subject),
        }:
            return AuditEvent(seq, datetime.fromisoformat(at), actor, act, subject, outcome, details, check_digest(previous))
        case _:
            raise ValueError("no event")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _plain_json(value: Json) -> Json:
    if isinstance(value, str):
        return _plain(value, LONGEST_TEXT)
    if isinstance(value, list):
        return [_plain_json(part) for part in value]
    if isinstance(value, dict):
        return {_plain(key, LONGEST_FIELD): _plain_json(part) for key, part in value.items()}
    return value


def _plain(text: str, longest: int) -> str:
    # A name or address from outside may hold line feeds, terminal codes or half a character: shown, obeyed by no one.
    if not text.isprintable():
        text = "".join(c if unicodedata.category(c) not in _UNSEEN else f"\\u{ord(c):04x}" for c in text[:longest])
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
