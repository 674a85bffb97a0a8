"""Named texts inside audio files: read from any bytes, and written into ours, without an audio library.

    WAV    chunk `AIGC` behind `fmt `, other names as `NAME=text` in `LIST INFO ICMT`
    MP3    ID3v2 `TXXX` frames
    FLAC   Vorbis comment block
    Ogg    Vorbis comment packet of Vorbis and Opus

All of them stand at the head, before the first sample, so the head of a live stream can be tagged as well as a whole file.
A name stands in a file once: what was there under it is replaced.
"""

from collections.abc import Mapping
from types import ModuleType

from indextts_hub.errors import UsageError
from synth.audio.tags import flac, id3, ogg, riff

__all__ = ["read_tags", "write_tags"]


def read_tags(head: bytes) -> dict[str, str]:
    """The named texts of a file, from its first bytes; names in capitals.

    Raises:
        UsageError: E_AUDIO, if it is no WAV, MP3, FLAC or Ogg file, or its headers are broken or cut off.
    """
    found: dict[str, str] = _container(head).read(head)
    return found


def write_tags(head: bytes, tags: Mapping[str, str]) -> bytes:
    """The same bytes with named texts in them.

    Args:
        head: a whole file, or the first bytes of one with all of its headers.
        tags: names in capitals, and ASCII text for each.

    Raises:
        UsageError: E_AUDIO, as `read_tags`; or if the tags do not fit.
    """
    tagged: bytes = _container(head).write(head, tags)
    return tagged


def _container(head: bytes) -> ModuleType:
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return riff
    if head.startswith(b"fLaC"):
        return flac
    if head.startswith(b"OggS"):
        return ogg
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return id3
    raise UsageError("this is no WAV, MP3, FLAC or Ogg file", remedy="give one of these", code="E_AUDIO")
