"""The formats speech is handed out in: their names, suffixes, media types and the sample rates they can carry. Imports nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

from indextts_hub.errors import UsageError

__all__ = ["FORMATS", "Format", "format_named", "format_of_path"]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write samples into bytes.

    Attributes:
        name: as in requests (`format`, OpenAI's `response_format`) and as a file's suffix.
        media_type: for `Content-Type`.
        container, coding: what libsndfile, and for AAC FFmpeg, calls them; both empty for bare samples.
        rates: sample rates in Hz that it carries, ascending; empty if it carries any.
    """

    name: str
    media_type: str
    container: str
    coding: str
    rates: tuple[int, ...] = ()

    @property
    def suffix(self) -> str:
        """Of its files, with the dot."""
        return f".{self.name}"

    def rate_for(self, rate: int) -> int:
        """The rate to write samples of `rate` Hz at: the same, else the next higher that it carries, so that nothing is lost."""
        if not self.rates or rate in self.rates:
            return rate
        return next((carried for carried in self.rates if carried > rate), self.rates[-1])


# MPEG 1, 2 and 2.5 Layer III, and AAC carries them too; RFC 6716, 2 (Opus); OpenAI's `pcm` is 24 kHz, 16 bit, little-endian, mono.
_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        found.name: found
        for found in (
            Format("wav", "audio/wav", "WAV", "PCM_16"),
            Format("flac", "audio/flac", "FLAC", "PCM_16"),
            Format("mp3", "audio/mpeg", "MP3", "MPEG_LAYER_III", _MP3_RATES),
            Format("ogg", "audio/ogg", "OGG", "VORBIS"),
            Format("opus", "audio/ogg; codecs=opus", "OGG", "OPUS", _OPUS_RATES),
            Format("aac", "audio/aac", "ADTS", "AAC", _MP3_RATES),
            Format("pcm", "audio/pcm", "", "", (24_000,)),
        )
    }
)


def format_named(name: str) -> Format:
    """The format of that name, in any case.

    Raises:
        UsageError: E_FORMAT, if there is none.
    """
    found = FORMATS.get(name.strip().lower())
    if found is None:
        raise UsageError(f"no audio format is called {name[:40]!r}", remedy=f"use one of {', '.join(FORMATS)}", code="E_FORMAT")
    return found


def format_of_path(path: PurePath) -> Format:
    """The format that a file's suffix names.

    Raises:
        UsageError: E_FORMAT, if it has none or another.
    """
    if not path.suffix:
        raise UsageError(
            f"the name {path.name!r} does not say which audio format to write",
            remedy=f"end it in one of {', '.join(known.suffix for known in FORMATS.values())}, or name a format",
            code="E_FORMAT",
        )
    return format_named(path.suffix[1:])
