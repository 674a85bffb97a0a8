"""The zip archives that `torch.save` writes, by rules that leave no room for a second reading.

The rules:

1.  The end record is the last thing in the file, the central directory stands right before it, and the members lie one behind the
    other from the first byte on: no byte is outside, none is in two members. So it is nothing else as well, and hides nothing.
2.  Each member's own header says what the central directory says: name, flags, method, and sizes and checksum, there or behind it.
3.  Nothing is compressed, encrypted or split. Every checksum is right: `assert_sum`, which alone reads all of a member.
4.  Names are plain: `TOP/…` in ASCII, one TOP, no two alike where case does not count, no way up or out.

Format: PKWARE's APPNOTE 6.3.10, with zip64. Memory is bounded by the central directory's size.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from indextts_hub.gate.refusal import Refusal, exactly

__all__ = ["Member", "assert_sum", "is_archive", "read_archive", "read_member"]

# 100,000 members of some 100 bytes each: a model has as many as it has tensors.
_LARGEST_DIRECTORY = 16 << 20
_MOST_MEMBERS = 100_000
_BUFFER = 1 << 20

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FULL32, _FULL16 = 0xFFFFFFFF, 0xFFFF
# Sizes and checksum stand behind the member; the name is UTF-8.
_BEHIND, _UTF8 = 0x0008, 0x0800
_ZIP64_FIELD = 1
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100}){1,3}")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive: `size` bytes from `start` on."""

    name: str
    size: int
    crc: int
    flags: int
    header: int
    start: int = 0


def is_archive(file: BinaryIO, size: int) -> bool:
    """Whether any reader could take a file for a zip archive: torch looks at its first bytes, `zipfile` at its last 64 KiB."""
    tail = min(size, _END.size + _FULL16)
    return exactly(file, 0, 4) in {b"PK\x03\x04", b"PK\x05\x06"} or b"PK\x05\x06" in exactly(file, size - tail, tail)


def read_archive(file: BinaryIO, size: int) -> tuple[Member, ...]:
    """The members of an archive that keeps the rules, in the order of their bytes; their checksums are not looked at.

    Raises:
        Refusal: E_ARCHIVE.
    """
    directory, count, start = _find_directory(file, size)
    members = sorted(_listed(directory, count, start), key=lambda member: member.header)
    _check_names(members, start)
    at = 0
    placed = []
    for member in members:
        if member.header != at:
            raise _refused("there is something between its members, or a member in another", at)
        whole = _placed(file, member)
        at = _checked_end(file, whole, start)
        placed.append(whole)
    if at != start:
        raise _refused("there is something between its members and its directory", at)
    return tuple(placed)


def read_member(file: BinaryIO, member: Member) -> bytes:
    """A member's bytes."""
    return exactly(file, member.start, member.size)


def assert_sum(file: BinaryIO, member: Member) -> None:
    """See that a member's bytes have the checksum that the archive says.

    Raises:
        Refusal: E_ARCHIVE.
    """
    crc, left = 0, member.size
    file.seek(member.start)
    while left and (piece := file.read(min(left, _BUFFER))):
        crc = zlib.crc32(piece, crc)
        left -= len(piece)
    if left or crc != member.crc:
        raise _refused(f"the checksum of {member.name} is wrong", member.header)


def _find_directory(file: BinaryIO, size: int) -> tuple[bytes, int, int]:
    """The central directory, the number of members, and where it stands."""
    at = size - _END.size
    end = exactly(file, max(at, 0), _END.size)
    if len(end) < _END.size or not end.startswith(b"PK\x05\x06"):
        raise _refused("it does not end with its end record", max(at, 0))
    _, disk, first_disk, here, count, length, start, comment = _END.unpack(end)
    if _FULL32 in (length, start) or _FULL16 in (here, count) or exactly(file, max(at - 20, 0), 4) == b"PK\x06\x07":
        at, (here, count, length, start) = _end64(file, at, (here, count, length, start))
    if disk or first_disk or comment or here != count:
        raise _refused("it is split, or has a comment", at)
    if count > _MOST_MEMBERS or length > _LARGEST_DIRECTORY:
        raise _refused("it has too many members", at)
    if start + length != at or not count:
        raise _refused("its directory is not where its end record says", at)
    return exactly(file, start, length), count, start


def _end64(file: BinaryIO, at: int, small: tuple[int, int, int, int]) -> tuple[int, tuple[int, int, int, int]]:
    """The same from zip64's records, which stand right before the end record; both say the same where both can."""
    locator = exactly(file, max(at - _LOCATOR64.size, 0), _LOCATOR64.size)
    if len(locator) < _LOCATOR64.size or not locator.startswith(b"PK\x06\x07"):
        raise _refused("its zip64 record is missing", at)
    _, disk, start64, disks = _LOCATOR64.unpack(locator)
    record = exactly(file, start64, _END64.size)
    if disk or disks != 1 or start64 + _END64.size != at - _LOCATOR64.size or not record.startswith(b"PK\x06\x06"):
        raise _refused("its zip64 record is not where it should be", at)
    _, length64, _, _, disk, first_disk, *large = _END64.unpack(record)
    here, count, length, start = large
    said = zip(small, large, (_FULL16, _FULL16, _FULL32, _FULL32), strict=True)
    if disk or first_disk or length64 != _END64.size - 12 or any(s not in (v, full) for s, v, full in said):
        raise _refused("its two end records say different things", at)
    return start64, (here, count, length, start)


def _listed(directory: bytes, count: int, start: int) -> Iterator[Member]:
    at = 0
    for _ in range(count):
        if len(directory) - at < _CENTRAL.size or directory[at : at + 4] != b"PK\x01\x02":
            raise _refused("its directory is broken", start + at)
        fields = _CENTRAL.unpack_from(directory, at)
        flags, method = fields[3:5]
        crc, packed, size, name_length, extra_length, comment, disk = fields[7:14]
        header = fields[16]
        text = at + _CENTRAL.size
        extra = text + name_length
        if extra + extra_length > len(directory):
            raise _refused("its directory is broken", start + at)
        name = directory[text:extra].decode("ascii", "replace")
        size, packed, header = _wide(directory[extra : extra + extra_length], (size, packed, header), start + at)
        if flags & ~(_BEHIND | _UTF8) or method or packed != size or comment or disk:
            raise _refused(f"its member {ascii(name)[:80]} is compressed, encrypted or split", start + at)
        yield Member(name, size, crc, flags, header)
        at = extra + extra_length
    if at != len(directory):
        raise _refused("its directory has more in it than its members", start + at)


def _wide(extra: bytes, sizes: tuple[int, int, int], at: int) -> tuple[int, int, int]:
    """Sizes and offset, from the zip64 field where they do not fit into 32 bits."""
    wide: bytes | None = None
    place = 0
    while place < len(extra):
        if len(extra) - place < 4:
            raise _refused("a member's extra fields are broken", at)
        kind, length = struct.unpack_from("<2H", extra, place)
        place += 4 + length
        if place > len(extra) or (kind == _ZIP64_FIELD and wide is not None):
            raise _refused("a member's extra fields are broken", at)
        if kind == _ZIP64_FIELD:
            wide = extra[place - length : place]
    wanted = sum(size == _FULL32 for size in sizes)
    if wide is None and not wanted:
        return sizes
    if wide is None or len(wide) != 8 * wanted:
        raise _refused("a member's zip64 field does not fit its sizes", at)
    found = iter(struct.unpack(f"<{wanted}Q", wide))
    first, second, third = (next(found) if size == _FULL32 else size for size in sizes)
    return first, second, third


def _check_names(members: list[Member], at: int) -> None:
    for member in members:
        if not _NAME.fullmatch(member.name) or any(part in {".", ".."} for part in member.name.split("/")):
            raise _refused(f"the name {ascii(member.name)[:80]} is in no file of torch's", at)
    if len({member.name.casefold() for member in members}) != len(members):
        raise _refused("two members have one name", at)
    if len({member.name.partition("/")[0] for member in members}) != 1:
        raise _refused("its members are in more than one folder", at)


def _placed(file: BinaryIO, member: Member) -> Member:
    """The member with the place of its bytes, if its own header says what the directory says."""
    header = exactly(file, member.header, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise _refused(f"the header of {member.name} is missing", member.header)
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
    name = exactly(file, member.header + _LOCAL.size, name_length)
    # What is written as it comes has zeros here, and the truth behind it; what is large has ones, and the truth in a field.
    said = {(member.crc, member.size, member.size), (member.crc, _FULL32, _FULL32)}
    if member.flags & _BEHIND:
        said |= {(0, 0, 0), (0, _FULL32, _FULL32)}
    if (flags, method, name) != (member.flags, 0, member.name.encode()) or (crc, packed, size) not in said:
        raise _refused(f"the header of {member.name} says something else than the directory", member.header)
    return replace(member, start=member.header + _LOCAL.size + name_length + extra_length)


def _checked_end(file: BinaryIO, member: Member, limit: int) -> int:
    """Where the member ends with all that belongs to it."""
    end = member.start + member.size
    if end > limit:
        raise _refused(f"{member.name} reaches into the directory", member.header)
    if not member.flags & _BEHIND:
        return end
    behind = exactly(file, end, 24)
    # The 64-bit form may begin like the 32-bit form: what follows decides.
    for form in ("<4s3L", "<4sL2Q") if member.size <= _FULL32 else ("<4sL2Q",):
        said = struct.pack(form, b"PK\x07\x08", member.crc, member.size, member.size)
        if behind.startswith(said) and _begins(file, end + len(said), limit):
            return end + len(said)
    raise _refused(f"what stands behind {member.name} says something else than the directory", end)


def _begins(file: BinaryIO, at: int, limit: int) -> bool:
    return at == limit or (at < limit and exactly(file, at, 4) == b"PK\x03\x04")


def _refused(what: str, at: int) -> Refusal:
    return Refusal("E_ARCHIVE", what, at)
