"""A clip from outside is what its bytes say, or is refused before a decoder sees it."""

import contextlib
import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from indextts_hub.errors import UsageError
from synth.audio.encode import encode
from synth.audio.formats import FORMATS
from synth.audio.label import Label, Provenance, labelled
from synth.audio.probe import Limits, probe
from tests.synth.audio.voices import tone

CODINGS = {"wav": "wav", "flac": "flac", "mp3": "mp3", "ogg": "vorbis", "opus": "opus"}
FILES = {name: encode(tone(24_000), 24_000, FORMATS[name]) for name in CODINGS}


def wav(*, kind: int = 1, channels: int = 1, rate: int = 24_000, bits: int = 16, sound: bytes = bytes(96_000)) -> bytes:
    block = channels * bits // 8
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, kind, channels, rate, rate * block % 2**32, block % 2**16, bits)
    return struct.pack("<4sI4s", b"RIFF", 36 + len(sound), b"WAVE") + fmt + struct.pack("<4sI", b"data", len(sound)) + sound


def refusal(body: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(UsageError) as refused:
        probe(body, limits)
    assert refused.value.code == "E_AUDIO"
    return refused.value.message


@pytest.mark.parametrize("name", FILES)
def test_a_clip_is_what_it_says(name: str) -> None:
    clip = probe(FILES[name])
    assert (clip.coding, clip.channels) == (CODINGS[name], 1)
    assert clip.rate == (48_000 if name == "opus" else 24_000)
    assert clip.seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("name", FILES)
def test_our_own_labelled_speech_can_be_a_clip(name: str) -> None:
    body = labelled(FILES[name], Label("example.com", "1"), Provenance("lite", "0" * 64, "1"))
    assert probe(body).coding == CODINGS[name]


@pytest.mark.parametrize(("coding", "bits"), [("PCM_U8", 8), ("PCM_24", 24), ("FLOAT", 32), ("DOUBLE", 64)])
def test_every_plain_kind_of_wav_is_taken(coding: str, bits: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone(16_000)] * 2, 1), 16_000, coding, format="WAV" if bits < 24 else "WAVEX")
    assert probe(file.getvalue()).channels == 2


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
def test_mp3_of_every_rate_is_walked_to_its_end(rate: int) -> None:
    clip = probe(encode(tone(rate), rate, FORMATS["mp3"]))
    assert clip.rate == rate
    assert clip.seconds == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (wav(rate=0), "contradicts"),
        (wav(channels=65_535), "contradicts"),
        (wav(channels=0, sound=b""), "contradicts"),
        (wav(kind=2, bits=4), "PCM or float"),
        (wav(kind=0x11, bits=4), "PCM or float"),
        (wav(channels=8), "8 channels"),
        (wav(rate=1_000), "1000 Hz"),
        (wav(rate=768_000, sound=bytes(10**6)), "768000 Hz"),
        (wav(sound=b""), "0.0 s"),
        (wav(kind=3, bits=32, sound=struct.pack("<f", float("nan")) * 48_000), "no numbers"),
        (wav(kind=3, bits=32, sound=struct.pack("<f", 0.1) * 47_999 + struct.pack("<f", float("inf"))), "no numbers"),
        (wav()[:40] + struct.pack("<I", 2**31) + wav()[44:], "cut off"),
        (wav()[:4] + struct.pack("<I", 2**32 - 1) + wav()[8:], "RIFF size"),
        (wav() + b"PK\x03\x04 and a whole archive", "RIFF size"),
        (wav()[:30], "RIFF size"),
        (b"<html><body>not found</body></html>", "no WAV"),
        (b"", "no WAV"),
        (FILES["mp3"] + b"<script>alert(1)</script>", "frame"),
        (FILES["mp3"][:-20], "cut off"),
        (FILES["ogg"] + b"GIF89a", "cut off, or holds more"),
        (FILES["ogg"] + FILES["opus"], "more than one stream"),
        (FILES["ogg"] + FILES["ogg"], "broken"),
        (FILES["opus"][:-7], "cut off"),
        (FILES["flac"][:20] + bytes(6) + FILES["flac"][26:], "rate and length"),
        (b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f", "frame"),
    ],
)
def test_a_clip_that_lies_is_refused(body: bytes, why: str) -> None:
    assert why in refusal(body)


def test_what_stands_behind_the_sound_inside_the_riff_is_no_sound() -> None:
    body = wav()
    extra = struct.pack("<4sI", b"junk", 40) + bytes(40)
    assert probe(body[:4] + struct.pack("<I", len(body) - 8 + 48) + body[8:] + extra).seconds == 2.0


def test_a_clip_beyond_the_limits_is_refused() -> None:
    assert "bytes" in refusal(bytes(1001), Limits(size=1000))
    assert "lasts" in refusal(FILES["wav"], Limits(longest=1.5))
    assert "lasts" in refusal(FILES["flac"], Limits(shortest=2.5))


@given(name=st.sampled_from(sorted(FILES)), flips=st.dictionaries(st.integers(0, 300), st.integers(0, 255), max_size=8))
def test_damaged_headers_are_read_or_refused(name: str, flips: dict[int, int]) -> None:
    body = bytearray(FILES[name])
    for at, value in flips.items():
        body[at] = value
    with contextlib.suppress(UsageError):
        probe(bytes(body))


@given(st.binary(max_size=200), st.sampled_from([b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b""]))
def test_garbage_is_refused(rest: bytes, magic: bytes) -> None:
    refusal(magic + rest)
