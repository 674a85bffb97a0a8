"""Pickles that nobody thought of: plain values are let in, what would import something else is not, and no bytes upset the gate."""

import io
import pickle
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from indextts_hub.gate import TORCH, check, check_checkpoint
from tests.hub.gate.pickling import call, checkpoint, put, stacked, tensor

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=4)
    ),
    max_leaves=20,
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz_.", min_size=1, max_size=12)

# Instructions with their arguments, as pieces that may stand anywhere: most rows of them make no sense, and some would act.
PIECES = st.one_of(
    st.sampled_from(
        [b"(", b"0", b"1", b"2", b")", b"]", b"}", b"l", b"d", b"t", b"\x85", b"\x86", b"R", b"b", b"s", b"a", b"e", b"u"]
    ),
    st.sampled_from([b"N", b"\x88", b"\x89", b"o", b"\x81", b"\x92", b"\x93", b"\x94", b"Q", b"\x8f", b"\x90", b"\x91", b"."]),
    st.sampled_from(
        [b"K\x01", b"M\x01\x02", b"q\x00", b"h\x00", b"r\x01\x00\x00\x00", b"\x82\x01", b"I1\n", b"S'a'\n", b"p0\n", b"g0\n"]
    ),
    st.sampled_from(sorted(TORCH.names)).map(lambda name: b"c%s\n%s\n" % tuple(part.encode() for part in name.rsplit(".", 1))),
    st.tuples(WORDS, WORDS).map(lambda pair: b"c%s\n%s\n" % (pair[0].encode(), pair[1].encode())),
    st.tuples(WORDS, WORDS).map(lambda pair: stacked(*pair)),
    st.sampled_from([put("storage"), put("cpu"), put("0"), put((1, 2)), put({}), tensor()]),
)


class _Watched(pickle.Unpickler):
    """Notes what is asked for, and gives something that does nothing."""

    def __init__(self, body: bytes) -> None:
        super().__init__(io.BytesIO(body))
        self.asked: list[str] = []

    def find_class(self, module: str, name: str) -> object:
        self.asked.append(f"{module}.{name}")
        return _Nothing

    def persistent_load(self, _: object) -> object:
        return _Nothing()


class _Nothing(dict[object, object]):
    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def __setstate__(self, _: object) -> None:
        pass


@given(PLAIN, st.integers(2, 5))
def test_plain_values_are_let_in(value: object, protocol: int) -> None:
    findings = check_checkpoint(io.BytesIO(pickle.dumps(value, protocol)), "state.pkl")
    assert findings.ok, findings.problem


@given(WORDS, WORDS, PLAIN, st.sampled_from([0, 2, 3, 4, 5]))
def test_what_is_not_on_the_list_is_never_called(module: str, name: str, argument: object, protocol: int) -> None:
    """P01."""
    body = call(module, name, argument, protocol=protocol)
    for called in ("gpt.pth", "notes.txt"):
        assert not check(io.BytesIO(body), called).ok
    assert not check(io.BytesIO(checkpoint(body)), "gpt.pth").ok


@settings(max_examples=1000)
@given(st.lists(PIECES, max_size=12).map(b"".join), st.sampled_from([b"\x80\x02", b"\x80\x04", b""]))
@example(tensor(), b"\x80\x02")
def test_an_unpickler_asks_for_nothing_that_the_gate_did_not_see(pieces: bytes, protocol: bytes) -> None:
    """P01: what is let in is read by a real unpickler, which asks for what the gate says and nothing else."""
    body = protocol + pieces + b"."
    findings = check_checkpoint(io.BytesIO(body), "gpt.pth")
    watched = _Watched(body)
    with suppress(Exception):
        watched.load()
    if findings.ok:
        assert set(watched.asked) <= set(findings.imports) <= TORCH.names
    assert findings.ok <= all(asked in TORCH.names for asked in watched.asked)


@settings(max_examples=500)
@given(
    st.binary(max_size=300),
    st.sampled_from(["gpt.pth", "model.bin", "README", "a.npz", "a.npy"]),
    st.sampled_from([b"", b"\x80\x02", b"PK\x03\x04", b"\x93NUMPY\x01\x00"]),
)
def test_no_bytes_upset_the_gate(body: bytes, name: str, head: bytes) -> None:
    assert check(io.BytesIO(head + body), name).path == name


@given(st.data())
def test_a_checkpoint_with_a_changed_byte_is_refused_or_still_harmless(data: st.DataObject) -> None:
    """P02: one byte anywhere; what is then let in names nothing more than before."""
    good = checkpoint(b"\x80\x02" + tensor() + b".")
    at = data.draw(st.integers(0, len(good) - 1))
    changed = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]
    findings = check(io.BytesIO(changed), "gpt.pth")
    assert not findings.ok or set(findings.imports) <= TORCH.names
