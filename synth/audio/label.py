"""The mark on generated speech: that it is generated, by whom, and which version spoke.

GB 45438-2025, 6.1 and Annex E: a metadata field named `AIGC` whose value is a string, once in a file. The version's digest stands
beside it in a field of its own, as the standard leaves no room for it. There is no function that takes a label off.
"""

import json
from dataclasses import dataclass

from indextts_hub.errors import UsageError
from synth.audio.cue import Cue
from synth.audio.formats import Format
from synth.audio.tags import read_tags, write_tags

__all__ = ["Label", "Marks", "Provenance", "can_be_labelled", "labelled", "read_label", "read_provenance"]

_AIGC = "AIGC"
_PROVENANCE = "INDEXTTS_PROVENANCE"
_GENERATED = "1"
# The names that the standard's Annex E gives the fields, in its order.
_FIELDS = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")


@dataclass(frozen=True, slots=True)
class Label:
    r"""The standard's statement that content is generated.

    Attributes:
        producer: who offers the service: a name or code, printable ASCII without `"` and `\`.
        produce_id: the producer's number for this content; ours is the task's.
        propagator, propagate_id: who passed it on; at first the producer and its number.
        generated: `1` it is, `2` it may be, `3` it is suspected to be.
        reserved_1, reserved_2: what the producer, or the propagator, uses for its own safety, such as a signature.

    Raises:
        UsageError: E_LABEL, if a value has a character that the standard does not allow.
    """

    producer: str
    produce_id: str
    propagator: str = ""
    propagate_id: str = ""
    generated: str = _GENERATED
    reserved_1: str = ""
    reserved_2: str = ""

    def __post_init__(self) -> None:
        for text in self._values():
            if not (text.isascii() and text.isprintable()) or '"' in text or "\\" in text:
                raise UsageError(
                    f"the label can't say {text[:40]!r}",
                    remedy='use printable ASCII without " and \\ (GB 45438-2025, Annex E)',
                    code="E_LABEL",
                )

    def to_text(self) -> str:
        """The field's value."""
        return json.dumps({_AIGC: dict(zip(_FIELDS, self._values(), strict=True))}, separators=(",", ":"))

    def _values(self) -> tuple[str, ...]:
        return (
            self.generated,
            self.producer,
            self.produce_id,
            self.reserved_1,
            self.propagator or self.producer,
            self.propagate_id or self.produce_id,
            self.reserved_2,
        )


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which version spoke, and for which task: the version's name, its manifest's SHA-256 in hex, the task's id."""

    version: str
    digest: str
    task: str

    def to_text(self) -> str:
        """The field's value, in ASCII."""
        return json.dumps({"version": self.version, "digest": self.digest, "task": self.task}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Marks:
    """How generated speech is marked: who is said to have produced it, and whether that it is generated is heard, too."""

    producer: str = "indextts-hub"
    cue: Cue = Cue.NONE

    def on(self, head: bytes, form: Format, provenance: Provenance) -> bytes:
        """A file, or the first bytes of one, with its label; bare samples have no place for one."""
        return labelled(head, Label(self.producer, provenance.task), provenance) if can_be_labelled(form) else head


def can_be_labelled(form: Format) -> bool:
    """Whether the format has headers at all: bare samples have none."""
    return bool(form.container)


def labelled(head: bytes, label: Label, provenance: Provenance) -> bytes:
    """The same speech with both marks, in place of those it had.

    Args:
        head: a whole WAV, MP3, FLAC or Ogg file, or the first bytes of one with all its headers.

    Raises:
        UsageError: E_AUDIO, if it is none of these.
    """
    return write_tags(head, {_AIGC: label.to_text(), _PROVENANCE: provenance.to_text()})


def read_label(head: bytes) -> Label | None:
    """The label in a file's first bytes, if it has one that follows the standard.

    Raises:
        UsageError: E_AUDIO, if it is no WAV, MP3, FLAC or Ogg file, or broken.
    """
    written = _object(read_tags(head).get(_AIGC, ""))
    # Some write the inner object alone.
    fields = written.get(_AIGC, written)
    if not isinstance(fields, dict) or not isinstance(fields.get("Label"), str):
        return None
    values = [fields.get(name, "") for name in _FIELDS]
    if not all(isinstance(value, str) for value in values):
        return None
    generated, producer, produce_id, reserved_1, propagator, propagate_id, reserved_2 = values
    try:
        return Label(producer, produce_id, propagator, propagate_id, generated, reserved_1, reserved_2)
    except UsageError:
        return None


def read_provenance(head: bytes) -> Provenance | None:
    """Which version spoke, if the file tells.

    Raises:
        UsageError: E_AUDIO, as `read_label`.
    """
    written = _object(read_tags(head).get(_PROVENANCE, ""))
    version, digest, task = (written.get(name) for name in ("version", "digest", "task"))
    if isinstance(version, str) and isinstance(digest, str) and isinstance(task, str):
        return Provenance(version, digest, task)
    return None


def _object(text: str) -> dict[str, object]:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
