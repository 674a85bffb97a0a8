"""Tags in FLAC files: metadata blocks of a type, a big-endian 24-bit size and a mark on the last one (RFC 9639, 8)."""

from collections.abc import Mapping
from dataclasses import dataclass

from synth.audio.tags import vorbis_comment
from synth.audio.tags.broken import broken

__all__ = ["read", "write"]

_VORBIS_COMMENT = 4
_NO_COMMENTS = bytes(8)
_LONGEST_BLOCK = 2**24 - 1


@dataclass(frozen=True, slots=True)
class _Block:
    kind: int
    body: bytes


def read(head: bytes) -> dict[str, str]:
    """The texts of the comment block."""
    blocks, _ = _blocks(head)
    return {
        name: text for block in blocks if block.kind == _VORBIS_COMMENT for name, text in vorbis_comment.tags_of(block.body).items()
    }


def write(head: bytes, tags: Mapping[str, str]) -> bytes:
    """Replace the comment block, or put one behind STREAMINFO."""
    blocks, end = _blocks(head)
    old = next((block.body for block in blocks if block.kind == _VORBIS_COMMENT), _NO_COMMENTS)
    comments = vorbis_comment.replaced(old, tags)
    if len(comments) > _LONGEST_BLOCK:
        raise broken("the tags do not fit")
    others = [block for block in blocks if block.kind != _VORBIS_COMMENT]
    made = [others[0], _Block(_VORBIS_COMMENT, comments), *others[1:]]
    return b"fLaC" + b"".join(_packed(block, last=block is made[-1]) for block in made) + head[end:]


def _blocks(head: bytes) -> tuple[list[_Block], int]:
    blocks: list[_Block] = []
    at = 4
    last = False
    while not last:
        size = int.from_bytes(head[at + 1 : at + 4], "big")
        if at + 4 > len(head) or at + 4 + size > len(head):
            raise broken("its metadata is cut off")
        last = bool(head[at] & 0x80)
        blocks.append(_Block(head[at] & 0x7F, head[at + 4 : at + 4 + size]))
        at += 4 + size
    if blocks[0].kind != 0:
        raise broken("its first block is not STREAMINFO")
    return blocks, at


def _packed(block: _Block, *, last: bool) -> bytes:
    return bytes([block.kind | (0x80 if last else 0)]) + len(block.body).to_bytes(3, "big") + block.body
