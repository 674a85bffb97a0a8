"""The headers of WAV, FLAC, Ogg and MP3 files, read without trust: each field is checked against the bytes that are there."""

import math
import struct
import sys
from array import array
from dataclasses import dataclass

from synth.audio.tags.broken import broken
from synth.audio.tags.id3 import audio_start
from synth.audio.tags.ogg import header_packets, pages
from synth.audio.tags.riff import chunks

__all__ = ["Clip", "flac_clip", "mp3_clip", "ogg_clip", "wav_clip"]


@dataclass(frozen=True, slots=True)
class Clip:
    """What a clip is: its coding (`wav`, `flac`, `vorbis`, `opus`, `mp3`), rate in Hz, channels, and length in seconds."""

    coding: str
    rate: int
    channels: int
    seconds: float


_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WORDS = {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}


def wav_clip(body: bytes) -> Clip:
    """A WAV file of plain PCM or float words whose sizes are true.

    Raises:
        UsageError: E_AUDIO, if it is another kind, its sizes lie, or a float is no number.
    """
    (stated,) = struct.unpack_from("<I", body, 4)
    if stated + 8 not in {len(body), len(body) - 1, len(body) + 1}:  # some writers forget the last padding byte, or count it
        raise broken("its RIFF size is not its size")
    found = {chunk.name: chunk for chunk in chunks(body)}
    fmt, sound = found.get(b"fmt "), found.get(b"data")
    if fmt is None or sound is None or fmt.size < 16 or sound.start + sound.size > len(body):
        raise broken("its `fmt ` or `data` chunk is missing or cut off")
    kind, channels, rate, byte_rate, block, bits = struct.unpack_from("<HHIIHH", body, fmt.start)
    if kind == _EXTENSIBLE and fmt.size >= 40:
        (kind,) = struct.unpack_from("<H", body, fmt.start + 24)
    if (kind, bits) not in _WORDS:
        raise broken(f"its coding {kind:#x} with {bits} bits is not PCM or float")
    if not rate or not channels or block != channels * bits // 8 or byte_rate != block * rate or sound.size % block:
        raise broken("its `fmt ` chunk contradicts itself")
    if kind == _FLOAT and not _all_numbers(body[sound.start : sound.start + sound.size], bits):
        raise broken("some samples are no numbers")
    return Clip("wav", rate, channels, sound.size / block / rate)


def _all_numbers(sound: bytes, bits: int) -> bool:
    values = array("f" if bits == 32 else "d", sound)
    if sys.byteorder == "big":
        values.byteswap()
    # One NaN or infinity makes the sum one; ordinary samples never come near overflowing it.
    return math.isfinite(sum(values))


def flac_clip(body: bytes) -> Clip:
    """A FLAC file by its STREAMINFO (RFC 9639, 8.2).

    Raises:
        UsageError: E_AUDIO, if that is missing, contradicts itself, or does not state a length.
    """
    if len(body) < 42 or body[4] & 0x7F or int.from_bytes(body[5:8], "big") != 34:
        raise broken("its STREAMINFO is missing")
    packed = int.from_bytes(body[18:26], "big")
    rate, channels, samples = packed >> 44, (packed >> 41 & 7) + 1, packed & (2**36 - 1)
    if not rate or not samples:
        raise broken("it does not state its rate and length")
    return Clip("flac", rate, channels, samples / rate)


def ogg_clip(body: bytes) -> Clip:
    """An Ogg file with one stream of Vorbis or Opus, by its first packet and the position that its last page states.

    Raises:
        UsageError: E_AUDIO, if pages are missing, several streams stand in it, or something stands behind them.
    """
    first = header_packets(body)[0][0]
    seen = list(pages(body))
    if seen[-1].end != len(body) or any(page.serial != seen[0].serial for page in seen):
        raise broken("it is cut off, or holds more than one stream")
    if [page.number for page in seen] != list(range(len(seen))):
        raise broken("pages are missing")
    if first.startswith(b"OpusHead"):
        if len(first) < 19:
            raise broken("its Opus header is cut off")
        channels, skipped = struct.unpack_from("<BH", first, 9)
        coding, rate = "opus", 48_000  # Opus counts in these, whatever it was made from
    else:
        if len(first) < 30:
            raise broken("its Vorbis header is cut off")
        channels, rate = struct.unpack_from("<BI", first, 11)
        coding, skipped = "vorbis", 0
    if not rate or seen[-1].granule < skipped:
        raise broken("it does not state its rate and length")
    return Clip(coding, rate, channels, (seen[-1].granule - skipped) / rate)


# kbit/s of Layer III by the header's four bits, for MPEG 1 and for MPEG 2 and 2.5; Hz by its two bits, for MPEG 1, 2 and 2.5.
_BIT_RATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BIT_RATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_ID3V1 = 128


@dataclass(frozen=True, slots=True)
class _Mp3Frame:
    rate: int
    channels: int
    samples: int
    size: int


def mp3_clip(body: bytes) -> Clip:
    """An MP3 file, walked frame by frame.

    Raises:
        UsageError: E_AUDIO, if frames do not follow each other to the end, or change rate or channels on the way.
    """
    at = audio_start(body)
    end = len(body) - _ID3V1 if body[-_ID3V1:-125] == b"TAG" else len(body)
    first: _Mp3Frame | None = None
    samples = 0
    while at < end:
        frame = _mp3_frame(body, at)
        first = first or frame
        if (frame.rate, frame.channels) != (first.rate, first.channels):
            raise broken("its rate or channels change on the way")
        samples += frame.samples
        at += frame.size
    if first is None or at > end:
        raise broken("its last frame is cut off, or it has none")
    return Clip("mp3", first.rate, first.channels, samples / first.rate)


def _mp3_frame(body: bytes, at: int) -> _Mp3Frame:
    if at + 4 > len(body):
        raise broken("something that is no MPEG frame stands at its end")
    (header,) = struct.unpack_from(">I", body, at)
    version, layer = header >> 19 & 3, header >> 17 & 3
    bit_rate, rate, padding = header >> 12 & 15, header >> 10 & 3, header >> 9 & 1
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or bit_rate in {0, 15} or rate == 3:
        raise broken(f"no MPEG Layer III frame stands at byte {at}, where one should")
    hertz = _RATES[version][rate]
    kilobits = (_BIT_RATES_1 if version == 3 else _BIT_RATES_2)[bit_rate]
    samples = 1152 if version == 3 else 576
    channels = 1 if header >> 6 & 3 == 3 else 2
    return _Mp3Frame(hertz, channels, samples, samples // 8 * kilobits * 1000 // hertz + padding)
