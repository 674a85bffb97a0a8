"""Tags in MP3 files: an ID3v2 tag before the first frame, with our names in `TXXX` frames (id3.org: ID3v2.3.0 and ID3v2.4.0)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from synth.audio.tags.broken import broken

__all__ = ["audio_start", "read", "write"]

_HEADER = 10
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}


@dataclass(frozen=True, slots=True)
class _Frame:
    name: bytes
    flags: bytes
    body: bytes


def read(head: bytes) -> dict[str, str]:
    """The texts of the `TXXX` frames."""
    return dict(pair for frame in _frames(head) if (pair := _user_text(frame)))


def write(head: bytes, tags: Mapping[str, str]) -> bytes:
    """Put a tag at the front; frames of other names stay."""
    old = _frames(head)
    version = head[3] if old else 3
    kept = [frame for frame in old if not ((pair := _user_text(frame)) and pair[0] in tags)]
    texts = [_Frame(b"TXXX", bytes(2), b"\0" + name.encode() + b"\0" + text.encode("ascii")) for name, text in tags.items()]
    body = b"".join(_packed(frame, version) for frame in [*kept, *texts])
    return b"ID3" + bytes([version, 0, 0]) + _syncsafe(len(body)) + body + head[audio_start(head) :]


def audio_start(head: bytes) -> int:
    """Where the first MPEG frame should stand: behind the tag."""
    if not head.startswith(b"ID3"):
        return 0
    if len(head) < _HEADER:
        raise broken("the ID3 tag is cut off")
    footer = _HEADER if head[5] & 0x10 else 0
    return _HEADER + _from_syncsafe(head[6:10]) + footer


def _frames(head: bytes) -> list[_Frame]:
    if not head.startswith(b"ID3"):
        return []
    end = audio_start(head)
    if end > len(head):
        raise broken("the ID3 tag is cut off")
    if head[3] not in {3, 4} or head[5]:
        raise broken("its ID3 tag is of a kind that nobody writes any more")
    frames: list[_Frame] = []
    at = _HEADER
    while at + _HEADER <= end and head[at]:
        size = _from_syncsafe(head[at + 4 : at + 8]) if head[3] == 4 else int.from_bytes(head[at + 4 : at + 8], "big")
        body = head[at + _HEADER : at + _HEADER + size]
        if at + _HEADER + size > end:
            raise broken("an ID3 frame is longer than its tag")
        frames.append(_Frame(head[at : at + 4], head[at + 8 : at + 10], body))
        at += _HEADER + size
    return frames


def _user_text(frame: _Frame) -> tuple[str, str] | None:
    if frame.name != b"TXXX" or not frame.body or frame.body[0] not in _ENCODINGS or any(frame.flags):
        return None
    name, _, text = frame.body[1:].decode(_ENCODINGS[frame.body[0]], "replace").partition("\0")
    # In UTF-16 each of the two strings has a mark of its byte order.
    return name.upper(), text.lstrip("\ufeff").rstrip("\0")


def _packed(frame: _Frame, version: int) -> bytes:
    size = _syncsafe(len(frame.body)) if version == 4 else struct.pack(">I", len(frame.body))
    return frame.name + size + frame.flags + frame.body


def _syncsafe(number: int) -> bytes:
    """Seven bits a byte, so that no byte looks like the start of an MPEG frame."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_syncsafe(body: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(body, (21, 14, 7, 0), strict=True))
