"""Pickles and archives put together byte by byte: what no writer would write, and nothing is imported for it."""

import io
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable

__all__ = ["Entry", "archive", "call", "checkpoint", "flags_set", "overlapping", "put", "stacked", "tensor"]

Entry = tuple[str, bytes]


def stacked(module: str, name: str) -> bytes:
    """An import of protocol 4."""
    return b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name)) + pickle.STACK_GLOBAL


def put(value: object) -> bytes:
    """The instructions that push a plain value."""
    return pickle.dumps(value, 3)[2:-1]


def call(module: str, name: str, *arguments: object, protocol: int = 4) -> bytes:
    """A whole pickle that calls something when it is read."""
    if protocol == 0:
        return f"c{module}\n{name}\n".encode() + pickle.dumps(arguments, 0)[:-1] + b"R."
    imported = stacked(module, name) if protocol >= 4 else f"c{module}\n{name}\n".encode()
    return bytes([0x80, protocol]) + imported + put(arguments) + b"R."


def archive(*entries: Entry, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive as Python writes it."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", method) as opened:
        for name, body in entries:
            opened.writestr(zipfile.ZipInfo(name), body, method)
    return buffer.getvalue()


def flags_set(body: bytes, flags: int) -> bytes:
    """The archive with flags set in every header, its own and the directory's."""
    changed = bytearray(body)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := body.find(magic, at + 1)) >= 0:
            changed[at + offset] |= flags & 0xFF
            changed[at + offset + 1] |= flags >> 8
    return bytes(changed)


def tensor(key: str = "0", count: int = 4, size: Iterable[int] = (2, 2), stride: Iterable[int] = (2, 1), offset: int = 0) -> bytes:
    """The instructions that torch writes for a tensor of floats, without its bytes."""
    storage = b"(" + put("storage") + b"ctorch\nFloatStorage\n" + put(key) + put("cpu") + put(count) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + storage
        + put(offset)
        + put(tuple(size))
        + put(tuple(stride))
        + b"\x89"
        + hooks
        + b"tR"
    )


def checkpoint(pickled: bytes, *more: Entry, storage: bytes = bytes(16)) -> bytes:
    """A checkpoint as torch lays it out."""
    return archive(("archive/data.pkl", pickled), ("archive/data/0", storage), ("archive/version", b"3\n"), *more)


def overlapping(inner: bytes) -> bytes:
    """An archive of two members that share their bytes."""
    header = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0x21, zlib.crc32(inner), len(inner), len(inner), 10, 0)
    local = header + b"archive/aa" + inner
    listed = b"".join(
        struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0x21, zlib.crc32(inner), len(inner), len(inner), 10, 0, 0, 0, 0, 0, 0
        )
        + name
        for name in (b"archive/aa", b"archive/ab")
    )
    return local + listed + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(listed), len(local), 0)
