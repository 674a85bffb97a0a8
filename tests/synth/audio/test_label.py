"""Generated speech says that it is generated, and by which version, and sounds as before."""

import contextlib
import io
import struct
import wave

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from synth.audio.cue import rhythm_cue
from synth.audio.encode import SpeechStream, encode
from synth.audio.formats import FORMATS
from synth.audio.label import Label, Provenance, can_be_labelled, labelled, read_label, read_provenance
from synth.audio.tags import read_tags, write_tags
from tests.synth.audio.voices import read_audio

LABEL = Label("example.com", "task-17")
PROVENANCE = Provenance("lite", "ab" * 32, "task-17")
SAMPLES = (0.3 * np.sin(np.arange(24_000) * 0.07)).astype(np.float32)
FILES = {name: encode(SAMPLES, 24_000, form) for name, form in FORMATS.items() if can_be_labelled(form)}


@pytest.mark.parametrize("name", FILES)
def test_a_label_is_read_back(name: str) -> None:
    body = labelled(FILES[name], LABEL, PROVENANCE)
    assert read_label(body) == Label("example.com", "task-17", "example.com", "task-17")
    assert read_provenance(body) == PROVENANCE


@pytest.mark.parametrize("name", FILES)
def test_labelled_speech_sounds_as_before(name: str) -> None:
    plain, rate = read_audio(FILES[name])
    marked, marked_rate = read_audio(labelled(FILES[name], LABEL, PROVENANCE))
    assert marked_rate == rate
    assert np.array_equal(plain, marked)


@pytest.mark.parametrize("name", FILES)
def test_a_file_has_one_label_and_the_last_one_counts(name: str) -> None:
    once = labelled(FILES[name], LABEL, PROVENANCE)
    twice = labelled(once, Label("other", "18"), PROVENANCE)
    assert read_label(twice) == Label("other", "18", "other", "18")
    assert twice.count(b"ContentProducer") == 1
    assert labelled(twice, LABEL, PROVENANCE) == once


@pytest.mark.parametrize("name", FILES)
def test_the_first_part_of_a_stream_can_be_labelled(name: str) -> None:
    stream = SpeechStream(24_000, FORMATS[name])
    first = labelled(stream.feed(SAMPLES), LABEL, PROVENANCE)
    assert read_label(first) is not None
    whole = first + stream.feed(SAMPLES) + stream.close()
    assert read_provenance(whole) == PROVENANCE
    if name in {"mp3", "ogg", "opus"}:  # the others state a length, which a stream has not
        assert len(soundfile.read(io.BytesIO(whole))[0]) == pytest.approx(48_000, abs=2_500)


@pytest.mark.parametrize("name", ["flac", "ogg", "opus"])
def test_others_read_our_tags(name: str) -> None:
    with soundfile.SoundFile(io.BytesIO(write_tags(FILES[name], {"TITLE": "spoken"}))) as file:
        assert file.title == "spoken"


@pytest.mark.parametrize("name", ["flac", "ogg", "mp3"])
def test_what_others_wrote_stays(name: str) -> None:
    file = io.BytesIO()
    form = FORMATS[name]
    with soundfile.SoundFile(file, "w", 24_000, 1, form.coding, format=form.container) as sink:
        sink.title = "a title"
        sink.write(SAMPLES)
    with soundfile.SoundFile(io.BytesIO(labelled(file.getvalue(), LABEL, PROVENANCE))) as read:
        assert read.title == "a title"


def test_the_standard_library_reads_a_labelled_wav() -> None:
    with wave.open(io.BytesIO(labelled(FILES["wav"], LABEL, PROVENANCE))) as file:
        assert file.getnframes() == 24_000


def test_the_wav_chunk_stands_behind_fmt_and_is_of_even_length() -> None:
    body = labelled(FILES["wav"], Label("odd", "1"), PROVENANCE)
    assert body[36:40] == b"AIGC"
    assert struct.unpack_from("<I", body, 4)[0] == len(body) - 8


def test_the_value_is_written_as_the_standard_has_it() -> None:
    assert Label("p", "7").to_text() == (
        '{"AIGC":{"Label":"1","ContentProducer":"p","ProduceID":"7","ReservedCode1":"",'
        '"ContentPropagator":"p","PropagateID":"7","ReservedCode2":""}}'
    )


@pytest.mark.parametrize("text", ['say "this"', "back\\slash", "中文", "line\nbreak", "\x7f"])
def test_a_label_takes_only_what_the_standard_allows(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Label(text, "1")
    assert refused.value.code == "E_LABEL"


def test_a_file_without_a_label_has_none() -> None:
    assert [read_label(body) for body in FILES.values()] == [None] * len(FILES)
    assert [read_provenance(body) for body in FILES.values()] == [None] * len(FILES)


@pytest.mark.parametrize(
    "value", ["", "{", "[1]", '{"AIGC":[]}', '{"AIGC":{"Label":1}}', '{"AIGC":{"Label":"1","ProduceID":[]}}', "[" * 9_999]
)
def test_a_label_of_another_kind_is_no_label(value: str) -> None:
    assert read_label(write_tags(FILES["flac"], {"AIGC": value})) is None


def test_bare_samples_can_not_be_labelled() -> None:
    assert not can_be_labelled(FORMATS["pcm"])
    with pytest.raises(UsageError) as refused:
        labelled(bytes(100), LABEL, PROVENANCE)
    assert refused.value.code == "E_AUDIO"


@given(
    name=st.sampled_from(sorted(FILES)), cut=st.integers(0, 600), flips=st.dictionaries(st.integers(0, 500), st.integers(0, 255))
)
def test_broken_files_are_read_or_refused(name: str, cut: int, flips: dict[int, int]) -> None:
    body = bytearray(labelled(FILES[name], LABEL, PROVENANCE)[: 5_000 - 8 * cut])
    for at, value in flips.items():
        if at < len(body):
            body[at] = value
    for act in (read_tags, read_label, lambda head: write_tags(head, {"AIGC": "x"})):
        with contextlib.suppress(UsageError):
            act(bytes(body))


def test_the_rhythm_cue_is_short_long_short_short() -> None:
    cue = np.abs(rhythm_cue(8_000))
    loud = np.concatenate([[False], np.convolve(cue > 0.02, np.ones(80) / 80, "same") > 0.1])
    edges = np.flatnonzero(np.diff(loud.astype(int)))
    lengths = np.diff(edges)[::2] / 8_000
    assert [round(float(length), 1) for length in lengths] == [0.1, 0.3, 0.1, 0.1]
