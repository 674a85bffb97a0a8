import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.engines.protocol import Capabilities, Sampling, Segment, SegmentSpeech, Settings, Spoken
from synth.worker.wire import (
    HEADER,
    LARGEST_FRAME,
    Cancel,
    Cancelled,
    Done,
    Failed,
    Frame,
    Hello,
    Knock,
    SegmentReady,
    Speak,
    WireError,
    body_length,
    decode,
    encode,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
numbers = st.floats(allow_nan=False)
integers = st.integers(-(2**63), 2**63 - 1)
many_texts = st.lists(texts, max_size=3).map(tuple)
many_times = st.lists(st.builds(Spoken, texts, numbers, numbers), max_size=3).map(tuple)
samples = st.binary(max_size=16).map(lambda raw: raw[: len(raw) // 4 * 4])

sampling = st.builds(
    Sampling, *[st.none() | numbers] * 2, *[st.none() | integers] * 2, *[st.none() | numbers] * 2, st.none() | integers
)
settings = st.builds(
    Settings,
    st.lists(numbers, max_size=8).map(tuple), numbers, integers, *[st.none() | texts] * 3, *[numbers] * 3, texts, sampling,
)  # fmt: skip

frames: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Knock, texts, integers),
    st.builds(
        Hello,
        st.builds(
            Capabilities,
            st.integers(1, 2**31),
            many_texts,
            st.booleans(),
            st.integers(1, 10_000),
            *[many_texts] * 3,
            integers,
            st.booleans(),
            many_texts,
            st.integers(1, 64),
        ),
    ),
    st.builds(
        Speak,
        texts,
        st.lists(st.builds(Segment, texts, numbers), max_size=4).map(tuple),
        settings,
    ),
    st.builds(Cancel, texts),
    st.builds(SegmentReady, texts, integers, st.builds(SegmentSpeech, samples, many_texts, many_times, st.booleans())),
    st.builds(Done, texts),
    st.builds(Cancelled, texts),
    st.builds(Failed, st.none() | texts, integers, texts, texts, texts),
)


@given(frames)
def test_what_is_sent_is_what_arrives(frame: Frame) -> None:
    sent = encode(frame)
    assert body_length(sent[:HEADER]) == len(sent) - HEADER
    assert decode(sent[HEADER:]) == frame


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_is_a_frame_but_breaks_nothing(garbage: bytes) -> None:
    try:
        frame = decode(garbage)
    except WireError:
        return
    assert decode(encode(frame)[HEADER:]) == frame


@given(frames, st.data())
def test_a_frame_that_was_cut_is_refused(frame: Frame, data: st.DataObject) -> None:
    body = encode(frame)[HEADER:]
    cut = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(WireError):
        decode(body[:cut])


@pytest.mark.parametrize("header", [b"", b"\0\0\0", struct.pack(">I", LARGEST_FRAME + 1), b"HTTP"])
def test_an_absurd_length_is_refused_before_anything_is_read(header: bytes) -> None:
    with pytest.raises(WireError):
        body_length(header)


def test_samples_that_are_no_whole_float32_are_refused() -> None:
    with pytest.raises(WireError):
        decode(encode(SegmentReady("t", 0, SegmentSpeech(b"\0\0\0")))[HEADER:])


def test_half_a_surrogate_pair_in_a_message_does_not_lose_the_message() -> None:
    frame = decode(encode(Failed(None, 1, "E_ENGINE", "broken \ud800 text", "look"))[HEADER:])
    assert isinstance(frame, Failed)
    assert frame.message == "broken ? text"
