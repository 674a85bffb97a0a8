"""What the parts of the gate raise to each other: where in a file something stands that is not let in. Never leaves this room."""

from typing import BinaryIO

__all__ = ["Refusal", "exactly"]


class Refusal(Exception):
    """Something that is not let in.

    Args:
        code: E_PICKLE, E_ARCHIVE or E_SAFETENSORS.
        what: in one line, without what the file says of itself unless it is shown by `ascii`.
        at: offset in bytes, of what `within` names.
    """

    def __init__(self, code: str, what: str, at: int) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.at = at
        self.within = ""
        self.imports: tuple[str, ...] = ()


def exactly(file: BinaryIO, offset: int, count: int) -> bytes:
    """`count` bytes from `offset` on; fewer where the file ends."""
    file.seek(offset)
    got = bytearray()
    while len(got) < count and (piece := file.read(min(count - len(got), 1 << 20))):
        got += piece
    return bytes(got)
