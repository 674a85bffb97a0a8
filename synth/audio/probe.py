"""What an untrusted clip claims to be, and whether it may be decoded: pure Python, over bytes, before any decoder sees them.

    bytes → magic → headers (`headers.py`) → Clip → limits

A clip that passes has been walked from its first byte to its last where the format allows that (WAV, Ogg, MP3); nothing may stand
behind the sound. A FLAC's frames are not walked: the decoder, in a process of its own with limits of its own, does that. What is
kept of a clip is its decoded sound, written anew, so that nothing that rode along is ever served.
"""

from dataclasses import dataclass

from indextts_hub.errors import UsageError
from synth.audio.headers import Clip, flac_clip, mp3_clip, ogg_clip, wav_clip

__all__ = ["Clip", "Limits", "probe"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reference clip may be.

    Attributes:
        size: bytes; OpenAI takes 10 MiB for a voice, and so do we.
        shortest, longest: seconds; a timbre needs some, and engines look at the first 15 or so only.
        lowest_rate, highest_rate: Hz, from telephones to studios.
        channels: one voice is mono or stereo.
    """

    size: int = 10 * 2**20
    shortest: float = 1.0
    longest: float = 60.0
    lowest_rate: int = 8_000
    highest_rate: int = 192_000
    channels: int = 2


def probe(body: bytes, limits: Limits | None = None) -> Clip:
    """Say what a clip is.

    Args:
        body: the whole file.

    Raises:
        UsageError: E_AUDIO, if it is no WAV, FLAC, MP3, Ogg Vorbis or Ogg Opus, contradicts itself, or is beyond the limits.
    """
    bounds = limits or Limits()
    if len(body) > bounds.size:
        raise _refused(f"the clip has {len(body)} bytes", f"send at most {bounds.size}")
    clip = _read(body)
    if not 1 <= clip.channels <= bounds.channels:
        raise _refused(f"the clip has {clip.channels} channels", f"send one to {bounds.channels}")
    if not bounds.lowest_rate <= clip.rate <= bounds.highest_rate:
        raise _refused(f"the clip's rate is {clip.rate} Hz", f"send {bounds.lowest_rate} to {bounds.highest_rate} Hz")
    if not bounds.shortest <= clip.seconds <= bounds.longest:
        raise _refused(f"the clip lasts {clip.seconds:.1f} s", f"send {bounds.shortest:g} to {bounds.longest:g} s of one voice")
    return clip


def _read(body: bytes) -> Clip:
    if body[:4] == b"RIFF" and body[8:12] == b"WAVE":
        return wav_clip(body)
    if body.startswith(b"fLaC"):
        return flac_clip(body)
    if body.startswith(b"OggS"):
        return ogg_clip(body)
    if body.startswith(b"ID3") or (len(body) > 1 and body[0] == 0xFF and body[1] & 0xE0 == 0xE0):
        return mp3_clip(body)
    raise _refused("this is no WAV, FLAC, MP3 or Ogg file", "send one of these")


def _refused(what: str, remedy: str) -> UsageError:
    return UsageError(what, remedy=remedy, code="E_AUDIO")
