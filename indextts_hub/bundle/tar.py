"""The one form of tar that bundles have: regular files, fixed in all but name and size. Pure.

A reader compares headers with those that it would write itself, so there is nothing in one that could mislead it: no links, no
owners, no times, no extensions, no compression. Every tar program reads the form; the format is POSIX ustar, with the GNU form of
sizes from 8 GiB on (https://www.gnu.org/software/tar/manual/html_node/Standard.html).
"""

import re

from indextts_hub.errors import IntegrityError

__all__ = ["BLOCK", "END", "REMEDY", "describe", "header", "padding", "size_of"]

REMEDY = "get the bundle again from where it was written"

BLOCK = 512
END = bytes(2 * BLOCK)
"""What stands after the last member."""

# Eleven octal digits; from here on a size is a binary number with the first bit set.
OCTAL_LIMIT = 8**11
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a folder",
    b"6": "a pipe",
    b"S": "a sparse file",
    b"x": "an extended header",
    b"g": "an extended header",
    b"L": "a long name",
    b"K": "a long link",
}


def header(name: str, size: int) -> bytes:
    """The header of a regular file: 512 bytes.

    Args:
        name: at most 100 bytes of ASCII; bundles have no other names.
        size: bytes.
    """
    sized = b"%011o\0" % size if size < OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
    before = name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + sized + b"00000000000\0"
    after = b"0" + bytes(100) + b"ustar\x0000" + bytes(64 + 16 + 155 + 12)
    checksum = sum(before) + sum(after) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + after


def padding(size: int) -> int:
    """Zeros after a member of so many bytes."""
    return -size % BLOCK


def size_of(head: bytes, name: str, largest: int) -> int:
    """The size in a header that must be the one of a regular file of this name.

    Raises:
        IntegrityError: E_BUNDLE, if it is another header, or the file is larger than `largest` bytes.
    """
    field = head[124:136]
    size = int(field[:11], 8) if re.fullmatch(rb"[0-7]{11}\0", field) else -1
    if head != header(name, max(size, 0)):
        raise IntegrityError(f"{name} is missing: {describe(head)} stands in its place", remedy=REMEDY, code="E_BUNDLE")
    if not 0 <= size <= largest:
        raise IntegrityError(f"{name} is larger than {largest} bytes", remedy=REMEDY, code="E_BUNDLE")
    return size


def describe(head: bytes) -> str:
    """What a header is that should have been another one, in words."""
    if len(head) < BLOCK:
        return "the end of the file"
    if not any(head):
        return "the end of the bundle"
    if head[:2] == b"\x1f\x8b" or head[:4] in {b"\x28\xb5\x2f\xfd", b"\xfd7zX", b"BZh9"}:
        return "a compressed file"
    if head[257:262] != b"ustar":
        return "something that is no tar"
    name = head[:100].rstrip(b"\0").decode("ascii", "replace")
    return f"{_KINDS.get(head[156:157], 'a member')} named {name[:80]!a}"
