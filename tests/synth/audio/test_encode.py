"""Encoded speech is a file that others read back: same length, same sound, the rate the format carries."""

import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indextts_hub.errors import StorageError, UsageError
from synth.audio.encode import SpeechStream, encode, save
from synth.audio.formats import FORMATS, format_named, format_of_path
from tests.synth.audio.voices import read_audio, tone

SECONDS = 2.0


def decoded(body: bytes, name: str) -> tuple[NDArray[np.float32], int]:
    if name == "pcm":
        return np.frombuffer(body, "<i2").astype(np.float32) / 32767, 24_000
    return read_audio(body)


def likeness(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The correlation where it is highest: codecs delay by some milliseconds."""
    size = len(one) + len(other)
    products = np.fft.irfft(np.fft.rfft(one, size) * np.fft.rfft(other, size).conj(), size)
    return float(products.max() / np.sqrt(np.sum(one**2) * np.sum(other**2)))


@pytest.mark.parametrize("rate", [22_050, 24_000])
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_encoded_sounds_and_lasts_the_same(name: str, rate: int) -> None:
    form = format_named(name)
    read, read_rate = decoded(encode(tone(rate), rate, form), name)
    assert read_rate == form.rate_for(rate)
    # ADTS has no place to say what its first and last frames are padded with.
    assert len(read) / read_rate == pytest.approx(SECONDS, abs=0.1 if name == "aac" else 0.001)
    assert likeness(tone(read_rate), read) > (0.97 if name in {"mp3", "ogg", "opus", "aac"} else 0.9999)


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_of_segments_plays_as_one(name: str) -> None:
    form = format_named(name)
    stream = SpeechStream(22_050, form)
    parts = [stream.feed(segment) for segment in np.array_split(tone(22_050), 7)]
    body = b"".join([*parts, stream.close()])
    read, read_rate = decoded(with_true_length(body, round(SECONDS * form.rate_for(22_050))), name)
    assert len(read) / read_rate == pytest.approx(SECONDS, abs=0.1 if name in {"mp3", "aac"} else 0.001)
    assert likeness(tone(read_rate), read) > 0.97


def with_true_length(body: bytes, samples: int) -> bytes:
    """libsndfile believes the length in a header; players read on until the stream ends."""
    if body.startswith(b"RIFF"):
        return body[:4] + (len(body) - 8).to_bytes(4, "little") + body[8:40] + (len(body) - 44).to_bytes(4, "little") + body[44:]
    if body.startswith(b"fLaC"):
        return body[:22] + samples.to_bytes(4, "big") + body[26:]
    return body


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_starts_with_its_first_segment(name: str) -> None:
    stream = SpeechStream(24_000, format_named(name))
    assert len(stream.feed(tone(24_000, 1.0))) > 200


def test_streamed_samples_are_those_of_the_whole_file() -> None:
    stream = SpeechStream(24_000, format_named("wav"))
    body = b"".join([stream.feed(tone(24_000)[:10_000]), stream.feed(tone(24_000)[10_000:]), stream.close()])
    assert body[44:] == encode(tone(24_000), 24_000, format_named("pcm"))
    assert body[40:44] == b"\xff\xff\xff\xff"


def test_speech_without_samples_is_a_defect() -> None:
    with pytest.raises(ValueError, match="no samples"):
        encode(np.zeros(0, np.float32), 24_000, format_named("mp3"))


def test_what_is_too_loud_is_clipped_and_does_not_wrap_around() -> None:
    words = np.frombuffer(encode(np.array([2.0, -2.0, 1.0], np.float32), 24_000, format_named("pcm")), "<i2")
    assert words.tolist() == [32767, -32768, 32767]


def test_samples_that_are_no_numbers_are_a_defect() -> None:
    with pytest.raises(ValueError, match="finite"):
        encode(np.array([np.nan], np.float32), 24_000, format_named("wav"))


def test_a_saved_wav_is_read_by_the_standard_library(tmp_path: Path) -> None:
    save(tone(24_000), 24_000, tmp_path / "speech.wav")
    with wave.open(str(tmp_path / "speech.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (24_000, 1, 2, 48_000)
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


def test_saving_into_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        save(tone(24_000), 24_000, tmp_path / "absent" / "speech.wav")


@pytest.mark.parametrize("name", ["m4a", "", "../wav", "wav\x00"])
def test_an_unknown_format_names_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        format_named(name)
    assert refused.value.code == "E_FORMAT"
    assert "flac" in refused.value.remedy


def test_a_suffix_names_the_format() -> None:
    assert format_of_path(Path("a/b.MP3")) is FORMATS["mp3"]
    with pytest.raises(UsageError):
        format_of_path(Path("speech"))


def test_importing_the_encoder_imports_no_array_library() -> None:
    asked = "import sys, synth.audio.encode, synth.audio.formats; print({'numpy', 'soundfile', 'soxr'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == "set()"
