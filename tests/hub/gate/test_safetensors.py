"""The head of a safetensors file is believed only where it fits the file, in bounded time and memory."""

import io
import json
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.gate import check

GOOD = {
    "__metadata__": {"format": "pt"},
    "b": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
    "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [4, 20]},
    "none": {"dtype": "I64", "shape": [0, 7], "data_offsets": [20, 20]},
    "scalar": {"dtype": "U8", "shape": [], "data_offsets": [20, 21]},
}


def file(head: object, data: bytes = bytes(21), *, length: int | None = None, padding: bytes = b"  ") -> io.BytesIO:
    body = (head if isinstance(head, bytes) else json.dumps(head).encode()) + padding
    return io.BytesIO((len(body) if length is None else length).to_bytes(8, "little") + body + data)


def changed(name: str, **fields: object) -> dict[str, object]:
    return {**GOOD, name: {**GOOD[name], **fields}}


def test_a_good_file_is_let_in() -> None:
    assert check(file(GOOD), "model.safetensors").ok
    assert check(file({}, b""), "model.safetensors").ok


HOSTILE = {
    "no file": io.BytesIO(b""),
    "a length of 2^63": file(GOOD, length=2**63),
    "a length beyond the file": file(GOOD, length=10_000),
    "a head of 100 MB, it says": file(GOOD, length=100_000_000),
    "a length too short": file(GOOD, length=20),
    "no JSON": file(b"{nothing"),
    "something before the object": file(b" {}", b""),
    "a list": file([]),
    "a name twice": file(json.dumps(GOOD).replace("none", "a").encode()),
    "a number that is no whole one": file(changed("a", shape=[2.0, 2])),
    "NaN": file(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}'),
    "nested a thousand deep": file(b'{"a":' * 1000 + b"1" + b"}" * 1000),
    "a byte order mark": file(b"\xef\xbb\xbf{}", b""),
    "not UTF-8": file(b'{"\xff":1}'),
    "an unknown type": file(changed("a", dtype="F1024")),
    "a type that is a list": file(changed("a", dtype=["F32"])),
    "a negative side": file(changed("a", shape=[-2, -2])),
    "a side that is true": file(changed("scalar", shape=[True])),
    "sides whose product overflows": file(changed("a", shape=[2**62, 2**62, 0, 2**4])),
    "a thousand dimensions": file(changed("scalar", shape=[1] * 1000)),
    "too long for its shape": file(changed("a", shape=[2, 1])),
    "bytes of another": file(changed("a", data_offsets=[0, 16])),
    "a hole": file(changed("a", data_offsets=[5, 21]), bytes(22)),
    "end before beginning": file(changed("a", data_offsets=[20, 4])),
    "negative offsets": file(changed("a", data_offsets=[-16, 0])),
    "three offsets": file(changed("a", data_offsets=[4, 12, 20])),
    "more than the format has": file(changed("a", code="import os")),
    "bytes behind the last": file(GOOD, bytes(22)),
    "bytes that are cut off": file(GOOD, bytes(20)),
    "metadata that is no text": file({**GOOD, "__metadata__": {"a": 1}}),
    "a name with a line feed": file({"a\nb": GOOD["b"]}, bytes(4)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_stays_out_in_bounded_time_and_memory(what: str) -> None:
    """P04."""
    began = time.process_time()
    tracemalloc.start()
    findings = check(HOSTILE[what], "hf_cache/model.safetensors")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert findings.problem is not None
    assert findings.problem.code == "E_SAFETENSORS"
    assert time.process_time() - began < 2
    assert peak < 4 << 20


def test_a_head_of_many_tensors_is_read_in_time() -> None:
    """P04: 60,000 tensors, four times what the largest model has."""
    head = {f"layer.{i}.weight": {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i in range(60_000)}
    began = time.process_time()
    assert check(file(head, bytes(240_000)), "model.safetensors").ok
    assert time.process_time() - began < 10


@given(st.binary(max_size=200))
def test_any_bytes_are_told_without_a_failure(body: bytes) -> None:
    """P04."""
    assert check(io.BytesIO(body), "model.safetensors").form == "safetensors"
