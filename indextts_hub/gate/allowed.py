"""What a pickle may name, and what may be called with what: just what `torch.save` writes for tensors and what is around them.

The source: `torch/_tensor.py` (`_reduce_ex_internal`), `torch/_utils.py` (`_rebuild_…`) and `torch/storage.py` of torch 0.4 to
2.13. It is a part of what `torch.load(weights_only=True)` takes, which is how IndexTTS reads its published files; numpy is no part.
Pure: no I/O.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["BITS", "CALLS", "TORCH", "AllowList", "Container", "Made", "Name", "Storage", "Table", "Value", "element_size"]

Value: TypeAlias = "bool | int | float | str | bytes | Name | Container | Table | Storage | Made | None"
"""A value that a pickle makes: plain, or one of the shapes below. Nothing here is an object of the file's choosing."""


@dataclass(frozen=True, slots=True)
class Name:
    """Something that a pickle imports."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True)
class Container:
    """A tuple, a list or a set."""

    kind: str
    members: "list[Value]" = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """A dictionary; `ordered` if it is one of `collections` and may have `_metadata`."""

    members: "dict[str | int | float | None, Value]" = field(default_factory=dict)
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes beside the pickle: `count` elements of the class `of`, under `key`."""

    of: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Made:
    """What a call gave: a tensor, a size, a device. `size` in bytes, once it is laid out."""

    by: str
    size: int = 0


_ELEMENTS = {
    "Double": 8,
    "Float": 4,
    "Half": 2,
    "BFloat16": 2,
    "Long": 8,
    "Int": 4,
    "Short": 2,
    "Char": 1,
    "Byte": 1,
    "Bool": 1,
    "ComplexFloat": 8,
    "ComplexDouble": 16,
}
_STORAGES = {f"torch.{name}Storage": size for name, size in _ELEMENTS.items()} | {"torch.storage.UntypedStorage": 1}
BITS: Mapping[str, int] = {
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 64),
    **dict.fromkeys(("float32", "int32", "uint32"), 32),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 16),
    **dict.fromkeys(("int8", "uint8", "bool", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"), 8),
    "complex128": 128,
}
"""Bits of an element of each of torch's types."""

# More dimensions than torch can compute with; and a tensor laid out in full, when one row stands for many: no model's is as large.
_MOST_DIMENSIONS = 64
_LARGEST_TENSOR = 64 << 30
_LONGEST_DEVICE = 40


def element_size(storage: str) -> int:
    """Bytes of an element of a class of storages; 0 if it is none."""
    return _STORAGES.get(storage, 0)


def _whole(value: Value) -> int:
    # A bool is an int to Python, and no size.
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError
    return value


def _wholes(value: Value) -> list[int]:
    if not isinstance(value, Container) or value.kind != "tuple" or len(value.members) > _MOST_DIMENSIONS:
        raise ValueError
    return [_whole(member) for member in value.members]


def _tensor(arguments: Sequence[Value]) -> Made:
    """(storage, offset, size, stride)."""
    storage, offset, size, stride = arguments
    if not isinstance(storage, Storage) or storage.of == "torch.storage.UntypedStorage":
        raise ValueError
    return _view(storage.count, element_size(storage.of) * 8, _whole(offset), size, stride)


def _tensor_v2(arguments: Sequence[Value]) -> Made:
    """(storage, offset, size, stride, requires_grad, hooks[, metadata])."""
    _no_hooks(arguments[4:])
    return _tensor(arguments[:4])


def _tensor_v3(arguments: Sequence[Value]) -> Made:
    """(storage, offset, size, stride, requires_grad, hooks, dtype[, metadata])."""
    storage, offset, size, stride, *hooks, dtype = arguments[:7]
    if not isinstance(storage, Storage) or storage.of != "torch.storage.UntypedStorage" or not isinstance(dtype, Name):
        raise ValueError
    _no_hooks([*hooks, *arguments[7:]])
    bits = BITS[dtype.name]
    return _view(storage.count * 8 // bits, bits, _whole(offset), size, stride)


def _parameter(arguments: Sequence[Value]) -> Made:
    """(tensor, requires_grad, hooks)."""
    tensor, *hooks = arguments
    if not isinstance(tensor, Made) or not tensor.by.startswith("torch._utils._rebuild_tensor"):
        raise ValueError
    _no_hooks(hooks)
    return Made("torch._utils._rebuild_parameter", tensor.size)


def _no_hooks(arguments: Sequence[Value]) -> None:
    requires_grad, hooks, *metadata = arguments
    if not isinstance(requires_grad, bool) or not isinstance(hooks, Table) or hooks.members or len(metadata) > 1:
        raise ValueError
    if metadata and not (metadata[0] is None or (isinstance(metadata[0], Table) and not metadata[0].members)):
        raise ValueError


def _view(elements: int, bits: int, offset: int, size: Value, stride: Value) -> Made:
    sizes, strides = _wholes(size), _wholes(stride)
    if len(sizes) != len(strides):
        raise ValueError
    total = bits // 8
    for length in sizes:
        total *= length
    last = offset + sum((length - 1) * step for length, step in zip(sizes, strides, strict=True))
    if total > _LARGEST_TENSOR or (total and last >= elements):
        raise ValueError
    return Made("torch._utils._rebuild_tensor", total)


def _table(arguments: Sequence[Value]) -> Table:
    """() or (a list of pairs) or (a dictionary), as `collections` reduces its classes."""
    if not arguments:
        return Table(ordered=True)
    (content,) = arguments
    if isinstance(content, Table):
        return Table(dict(content.members), ordered=True)
    pairs = content.members if isinstance(content, Container) and content.kind == "list" else None
    if pairs is None:
        raise ValueError
    made = Table(ordered=True)
    for pair in pairs:
        if not isinstance(pair, Container) or len(pair.members) != 2:
            raise ValueError
        key, value = pair.members
        if not isinstance(key, str | int):
            raise ValueError  # noqa: TRY004 - the one error of an argument that is not let through
        made.members[key] = value
    return made


def _set(arguments: Sequence[Value]) -> Container:
    (content,) = arguments
    if not isinstance(content, Container) or not all(isinstance(member, str | int) for member in content.members):
        raise ValueError
    return Container("set", list(content.members))


def _size(arguments: Sequence[Value]) -> Container:
    (sizes,) = arguments
    return Container("tuple", list(_wholes(sizes)))


def _device(arguments: Sequence[Value]) -> Made:
    name, *index = arguments
    if not isinstance(name, str) or len(name) > _LONGEST_DEVICE or any(not isinstance(each, int) for each in index):
        raise ValueError
    return Made("torch.device")


def _encoded(arguments: Sequence[Value]) -> bytes:
    """(text, "latin1"): how protocol 2 writes bytes."""
    text, encoding = arguments
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError
    return text.encode("latin1")


CALLS: Mapping[str, Callable[[Sequence[Value]], Value]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": _table,
    "collections.Counter": _table,
    "torch.Size": _size,
    "torch.device": _device,
    "_codecs.encode": _encoded,
    "__builtin__.set": _set,
    "builtins.set": _set,
}
"""What may be called, and what it gives; a ValueError or a LookupError is a call that is not let through."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """Which imports are let in.

    Attributes:
        names: `module.name` of each. One that may be called is held to what `CALLS` says of its arguments; any other may only be
            named, as a class of storages or a type of elements is.
    """

    names: frozenset[str]


TORCH = AllowList(frozenset({*CALLS, *_STORAGES, *(f"torch.{name}" for name in BITS)}))
"""What torch writes for tensors, and the containers and plain values around them."""
