"""The head of a safetensors file: what it says of the bytes behind it fits them, and leaves none out.

Format: https://huggingface.co/docs/safetensors#format: eight bytes, little-endian, the length of a JSON object; the object; the
tensors' bytes. The writer pads the object with spaces. Only the head is read.
"""

from typing import BinaryIO

from indextts_hub.errors import IntegrityError
from indextts_hub.gate.refusal import Refusal, exactly
from indextts_hub.manifest import Json, load_strict_json

__all__ = ["check_safetensors"]

# The library's own bound is 100 MB; this is 100,000 tensors.
_LARGEST_HEAD = 16 << 20
_MOST_DIMENSIONS = 64
_METADATA = "__metadata__"
_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}


def check_safetensors(file: BinaryIO, size: int) -> None:
    """Check the head of a file of `size` bytes.

    Raises:
        Refusal: E_SAFETENSORS.
    """
    length = int.from_bytes(exactly(file, 0, 8), "little")
    if size < 8 or length > min(size - 8, _LARGEST_HEAD):
        raise _refused("its head is longer than it, or than any model's")
    body = exactly(file, 8, length)
    if not body.startswith(b"{"):
        raise _refused("its head is no JSON object")
    try:
        head = load_strict_json(body.rstrip(b" "), largest=_LARGEST_HEAD)
    except IntegrityError as error:
        raise _refused(error.message) from None
    except RecursionError:
        raise _refused("its head nests too deep") from None
    if not isinstance(head, dict):
        raise _refused("its head is no JSON object")
    _check_metadata(head.pop(_METADATA, {}))
    at = 0
    for begin, end in sorted(_extent(name, entry) for name, entry in head.items()):
        if begin != at:
            raise _refused("two tensors share bytes, or bytes belong to none")
        at = end
    if at != size - 8 - length:
        raise _refused("its tensors end where it does not")


def _extent(name: str, entry: Json) -> tuple[int, int]:
    match entry:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [int(begin), int(end)], **rest} if not rest:
            bits = _BITS.get(kind)
        case _:
            raise _refused(f"what it says of {ascii(name)[:80]} is not what the format has")
    if bits is None or len(shape) > _MOST_DIMENSIONS or not name.isprintable():
        raise _refused(f"{ascii(name)[:80]} is of a kind that is not known")
    for side in shape:
        if not isinstance(side, int) or isinstance(side, bool) or side < 0:
            raise _refused(f"{ascii(name)[:80]} has a side that is no length")
        # Stops growing long before it could cost anything: no file has more bits.
        bits = min(bits * side, 1 << 70)
    if bits % 8 or end - begin != bits // 8 or begin < 0:
        raise _refused(f"{ascii(name)[:80]} is not as long as its shape says")
    return begin, end


def _check_metadata(metadata: Json) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _refused("its metadata is no list of words")


def _refused(what: str) -> Refusal:
    return Refusal("E_SAFETENSORS", what, 0)
