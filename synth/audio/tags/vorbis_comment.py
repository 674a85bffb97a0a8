"""Vorbis comments, which FLAC, Vorbis and Opus share: a vendor, then `NAME=text` in UTF-8, each behind its little-endian length."""

import struct
from collections.abc import Mapping

from synth.audio.tags.broken import broken

__all__ = ["replaced", "tags_of"]


def tags_of(body: bytes) -> dict[str, str]:
    """The texts by their names in capitals; what is no `NAME=text` is passed over."""
    pairs = (comment.decode("utf-8", "replace").partition("=") for comment in _parsed(body)[1])
    return {name.upper(): text for name, equals, text in pairs if equals}


def replaced(body: bytes, tags: Mapping[str, str]) -> bytes:
    """The same comments with those of `tags` instead of what stood under their names. Ends without Vorbis's framing bit."""
    vendor, comments = _parsed(body)
    kept = [comment for comment in comments if comment.partition(b"=")[0].decode("utf-8", "replace").upper() not in tags]
    made = [*kept, *(f"{name}={text}".encode() for name, text in tags.items())]
    return _sized(vendor) + struct.pack("<I", len(made)) + b"".join(map(_sized, made))


def _parsed(body: bytes) -> tuple[bytes, list[bytes]]:
    vendor, at = _taken(body, 0)
    if at + 4 > len(body):
        raise broken("its comments are cut off")
    (count,) = struct.unpack_from("<I", body, at)
    at += 4
    comments: list[bytes] = []
    for _ in range(count):  # ends at the end of `body`, whatever the count says
        comment, at = _taken(body, at)
        comments.append(comment)
    return vendor, comments


def _taken(body: bytes, at: int) -> tuple[bytes, int]:
    if at + 4 > len(body):
        raise broken("its comments are cut off")
    (size,) = struct.unpack_from("<I", body, at)
    if at + 4 + size > len(body):
        raise broken("a comment is longer than the file")
    return body[at + 4 : at + 4 + size], at + 4 + size


def _sized(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body
