"""Tags in WAV files: `RIFF size WAVE`, then chunks of a four-letter name, a little-endian size and an even number of bytes."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synth.audio.tags.broken import broken

__all__ = ["Chunk", "chunks", "read", "write"]

UNKNOWN_SIZE = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk's name, where its body starts, and the size that its header states."""

    name: bytes
    start: int
    size: int


def chunks(head: bytes) -> Iterator[Chunk]:
    """The chunks up to and including `data`, or to the end of what is there."""
    at = 12
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        yield Chunk(name, at + 8, size)
        if name == b"data":
            return
        at += 8 + size + size % 2


def read(head: bytes) -> dict[str, str]:
    """Tags before the samples."""
    found: dict[str, str] = {}
    for chunk in chunks(head):
        body = head[chunk.start : chunk.start + chunk.size]
        if chunk.name == b"data":
            break
        if len(body) < chunk.size:
            raise broken("a chunk is cut off")
        if chunk.name == b"AIGC":
            found["AIGC"] = _text(body)
        elif chunk.name == b"LIST" and body[:4] == b"INFO":
            found |= _comments(body)
    return found


def write(head: bytes, tags: Mapping[str, str]) -> bytes:
    """Put them behind `fmt `, where every reader comes by before the samples."""
    names = {chunk.name: chunk for chunk in chunks(head)}
    if b"fmt " not in names or b"data" not in names:
        raise broken("it has no `fmt ` or no `data` chunk")
    kept = [chunk for chunk in chunks(head) if chunk.name not in {b"AIGC", b"data"} and not _is_comment(head, chunk)]
    bodies = [(chunk.name, head[chunk.start : chunk.start + chunk.size]) for chunk in kept]
    after_fmt = 1 + next(number for number, chunk in enumerate(kept) if chunk.name == b"fmt ")
    bodies[after_fmt:after_fmt] = _tag_chunks({**read(head), **tags})
    front = b"".join(_chunk(name, body) for name, body in bodies)
    rest = head[names[b"data"].start - 8 :]
    (size,) = struct.unpack_from("<I", head, 4)
    grown = len(front) + 12 - (names[b"data"].start - 8)
    stated = size if size == UNKNOWN_SIZE else (size + grown) % 2**32  # a size that lied before may lie on, and breaks nothing
    return struct.pack("<4sI4s", b"RIFF", stated, b"WAVE") + front + rest


def _tag_chunks(tags: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    others = b"".join(_chunk(b"ICMT", f"{name}={text}\0".encode()) for name, text in tags.items() if name != "AIGC")
    made = [(b"AIGC", tags["AIGC"].encode())] if "AIGC" in tags else []
    return made + ([(b"LIST", b"INFO" + others)] if others else [])


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body + bytes(len(body) % 2)


def _is_comment(head: bytes, chunk: Chunk) -> bool:
    body = head[chunk.start : chunk.start + chunk.size]
    return chunk.name == b"LIST" and body[:4] == b"INFO" and bool(_comments(body))


def _comments(body: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 4
    while at + 8 <= len(body):
        name, size = struct.unpack_from("<4sI", body, at)
        key, equals, text = _text(body[at + 8 : at + 8 + size]).partition("=")
        if name == b"ICMT" and equals:
            found[key.upper()] = text
        at += 8 + size + size % 2
    return found


def _text(body: bytes) -> str:
    return body.rstrip(b"\0").decode("utf-8", "replace")
