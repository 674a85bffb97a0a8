"""Tags in Ogg Vorbis and Ogg Opus files: the comment packet, second of the stream (RFC 3533; RFC 7845, 5.2; Vorbis I, 5).

The first page holds the identification packet alone; the pages after it the comments and, in Vorbis, the set-up; samples start on
a page of their own. The comments are replaced within one page, so the pages behind keep their numbers and are not touched.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from synth.audio.tags import vorbis_comment
from synth.audio.tags.broken import broken

__all__ = ["Page", "header_packets", "pages", "read", "write"]

_LONGEST_PAGE = 255 * 255
_VORBIS = b"\x03vorbis"
_OPUS = b"OpusTags"
_FRAMING = b"\x01"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its header's fields, its packets' sizes as lacing values, where its body starts and where it ends."""

    flags: int
    granule: int
    serial: int
    number: int
    lacing: bytes
    start: int
    end: int


def pages(head: bytes) -> Iterator[Page]:
    """The pages that are there in full."""
    at = 0
    while at + 27 <= len(head):
        magic, version, flags, granule, serial, number, _, count = struct.unpack_from("<4sBBqIIIB", head, at)
        if magic != b"OggS" or version:
            raise broken("an Ogg page does not start where it should")
        lacing = head[at + 27 : at + 27 + count]
        start = at + 27 + count
        end = start + sum(lacing)
        if len(lacing) < count or end > len(head):
            return
        yield Page(flags, granule, serial, number, lacing, start, end)
        at = end


def header_packets(head: bytes) -> tuple[list[bytes], list[Page]]:
    """The stream's packets before its samples, and the pages they fill.

    Raises:
        UsageError: E_AUDIO, if they are not there in full, are mixed with another stream's, or are not Vorbis's or Opus's.
    """
    packets: list[bytes] = [b""]
    seen: list[Page] = []
    wanted = 3
    for page in pages(head):
        if seen and page.serial != seen[0].serial:
            raise broken("several streams are mixed in it")
        seen.append(page)
        at = page.start
        for size in page.lacing:
            packets[-1] += head[at : at + size]
            at += size
            if size < 255:
                packets.append(b"")
        if packets[0].startswith(b"OpusHead"):
            wanted = 2
        if len(packets) > wanted:
            break
        if sum(map(len, packets)) > 2**20:  # headers of speech are some kilobytes
            break
    if len(packets) != wanted + 1 or packets[-1] or not packets[0].startswith((b"\x01vorbis", b"OpusHead")):
        raise broken("its Vorbis or Opus headers are not whole")
    return packets[:-1], seen


def read(head: bytes) -> dict[str, str]:
    """The texts of the comment packet."""
    packets, _ = header_packets(head)
    return vorbis_comment.tags_of(packets[1].removeprefix(_magic(packets[1])))


def write(head: bytes, tags: Mapping[str, str]) -> bytes:
    """Replace the comment packet within its page."""
    packets, seen = header_packets(head)
    first, *rest = seen
    if [page.number for page in rest] != [1]:
        raise broken("its headers do not stand on one page")
    magic = _magic(packets[1])
    comments = magic + vorbis_comment.replaced(packets[1].removeprefix(magic), tags) + (_FRAMING if magic == _VORBIS else b"")
    made = [comments, *packets[2:]]
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in made)
    if len(lacing) > 255:
        raise broken(f"the tags do not fit into a page of {_LONGEST_PAGE} bytes")
    page = rest[0]
    return head[: first.end] + _packed(page, lacing, b"".join(made)) + head[page.end :]


def _magic(comments: bytes) -> bytes:
    for magic in (_VORBIS, _OPUS):
        if comments.startswith(magic):
            return magic
    raise broken("its second packet holds no comments")


def _packed(page: Page, lacing: bytes, body: bytes) -> bytes:
    fields = (b"OggS", 0, page.flags, page.granule, page.serial, page.number)
    unsummed = struct.pack("<4sBBqIIIB", *fields, 0, len(lacing)) + lacing + body
    return struct.pack("<4sBBqIIIB", *fields, _checksum(unsummed), len(lacing)) + lacing + body


def _checksum(page: bytes) -> int:
    table = _checksums()
    total = 0
    for byte in page:
        total = (total << 8 & 0xFFFF_FFFF) ^ table[total >> 24 ^ byte]
    return total


@cache
def _checksums() -> tuple[int, ...]:
    """CRC-32 with polynomial 0x04C11DB7, high bit first, no final inversion (RFC 3533, 6): not the CRC that zlib knows."""

    def entry(byte: int) -> int:
        total = byte << 24
        for _ in range(8):
            total = (total << 1 ^ (0x04C1_1DB7 if total & 0x8000_0000 else 0)) & 0xFFFF_FFFF
        return total

    return tuple(map(entry, range(256)))
