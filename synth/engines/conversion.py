"""The process that reads a torch checkpoint and writes its tensors as safetensors: `python -I -m synth.engines.conversion LIMITS`.

Standard input is the checkpoint, standard output the empty file to write, and the last line on standard error a JSON object that
says what was done. Before the checkpoint is read everything else is shut: see `synth.engines.confinement`.

The same tensors give the same bytes: names in order, no time, no name of a machine. Format: https://huggingface.co/docs/safetensors.
"""

import io
import json
import os
import sys
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import torch
from torch import Tensor

from synth.engines.confinement import confine

__all__ = ["TYPES", "flattened", "main", "write_tensors"]

TYPES: Mapping[torch.dtype, str] = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint64: "U64",
    torch.uint32: "U32",
    torch.uint16: "U16",
    torch.uint8: "U8",
    torch.bool: "BOOL",
    torch.complex64: "C64",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
}

_MOST_NAMED = 50


class _NotConvertible(Exception):
    """Something in the checkpoint that safetensors has no place for."""


def main() -> None:
    """Convert what stands on standard input."""
    memory, length, seconds = (int(text) for text in sys.argv[1:4])
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with os.fdopen(0, "rb", buffering=0, closefd=False) as source, os.fdopen(1, "wb", buffering=0, closefd=False) as target:
        _rehearse()
        walls = confine(memory, length, seconds)
        try:
            tensors, left_out = flattened(torch.load(source, map_location="cpu", weights_only=True))
            write_tensors(tensors, target)
            told: dict[str, object] = {"tensors": len(tensors), "left_out": left_out[:_MOST_NAMED], "left_out_count": len(left_out)}
        except _NotConvertible as error:
            told = {"trouble": "E_CONVERT", "said": str(error)}
        except MemoryError:
            told = {"trouble": "E_MEMORY", "said": "it does not fit into memory"}
        except Exception as error:  # noqa: BLE001 - whatever torch says is told to whoever asked
            memory_is_short = "can't allocate memory" in str(error)
            told = {"trouble": "E_MEMORY" if memory_is_short else "E_CONVERT", "said": f"{type(error).__name__}: {error}"[:300]}
    told["walls"] = list(walls)
    os.write(2, b"\n" + json.dumps(told).encode() + b"\n")
    # Not by the interpreter's own end, which does what is shut out.
    os._exit(0)


def _rehearse() -> None:
    """Read and write once what is ours: torch imports a part of itself only then, which is not possible later."""
    for archive in (True, False):
        saved = io.BytesIO()
        torch.save({"a": OrderedDict(b=torch.nn.Parameter(torch.ones(2)))}, saved, _use_new_zipfile_serialization=archive)
        saved.seek(0)
        tensors, _ = flattened(torch.load(saved, map_location="cpu", weights_only=True))
        write_tensors(tensors, io.BytesIO())


def flattened(value: object) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of nested dictionaries and lists, by their names with dots between them, and the names of everything else.

    Raises:
        _NotConvertible: two tensors come out with one name, or there is none.
    """
    tensors: dict[str, Tensor] = {}
    left_out: list[str] = []
    for name, leaf in _leaves("", value):
        if not isinstance(leaf, Tensor):
            left_out.append(name)
        elif name in tensors:
            raise _NotConvertible(f"two tensors would be called {name[:80]!a}")
        elif leaf.dtype not in TYPES:
            raise _NotConvertible(f"{name[:80]!a} has the type {leaf.dtype}, which safetensors has not")
        elif not name.isprintable():
            raise _NotConvertible(f"{name[:80]!a} is no name for a tensor")
        else:
            tensors[name] = leaf.detach()
    if not tensors:
        raise _NotConvertible("there is no tensor in it")
    return tensors, left_out


def write_tensors(tensors: Mapping[str, Tensor], target: BinaryIO) -> None:
    """Write tensors as safetensors, those of wide elements first, so that each begins where its elements may; then by name."""
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    head: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name in order:
        begin, end = end, end + tensors[name].numel() * tensors[name].element_size()
        head[name] = {"dtype": TYPES[tensors[name].dtype], "shape": list(tensors[name].shape), "data_offsets": [begin, end]}
    body = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    body += b" " * (-len(body) % 8)
    _write(target, len(body).to_bytes(8, "little") + body)
    for name in order:
        # One tensor at a time: a row that stands for many is laid out in full only here.
        whole = tensors[name].resolve_conj().resolve_neg().contiguous().reshape(-1)
        if whole.numel():
            _write(target, whole.view(torch.uint8).numpy().data)


def _write(target: BinaryIO, body: bytes | memoryview) -> None:
    view = memoryview(body).cast("B")
    while len(view):
        view = view[target.write(view[: 1 << 24]) :]


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Depth first; the gate has bounded how deep."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}" if name else str(key), inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _leaves(f"{name}.{number}" if name else str(number), inner)
    else:
        yield name or "tensor", value


if __name__ == "__main__":
    main()
