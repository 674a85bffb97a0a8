"""Samples into the bytes of an audio file: whole, properly closed files, and streams that can be listened to as they grow.

libsndfile (by soundfile) encodes, soxr resamples; both are imported when the first sample is encoded.
"""

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from indextts_hub.store.durable import write_durably
from synth.audio.aac import AacStream, check_aac
from synth.audio.formats import Format, format_of_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from soundfile import SoundFile

__all__ = ["SpeechStream", "check_encoder", "encode", "save"]

# What OpenAI, ffmpeg and browsers take for 'until the stream ends'.
_UNKNOWN_SIZE = 0xFFFF_FFFF


def check_encoder(form: Format) -> None:
    """See that a format can be written here. Raises UsageError, E_FORMAT, for AAC without its encoder."""
    if form.container == "ADTS":
        check_aac()


def encode(samples: "NDArray[np.float32]", rate: int, form: Format) -> bytes:
    """Write samples as a whole file whose headers state its length.

    Args:
        samples: float32 [n], mono; what exceeds -1 to 1 is clipped.
        rate: of the samples, in Hz; resampled if the format can't carry it.

    Raises:
        ValueError: there are no samples, or one is NaN or infinite, which is a defect of the engine.
        UsageError: E_FORMAT, for AAC without its encoder.
    """
    import soxr

    if not len(samples):
        raise ValueError("there are no samples to encode")

    carried = form.rate_for(rate)
    resampled = samples if carried == rate else soxr.resample(samples, rate, carried)
    words = _to_int16(resampled)
    if not form.container:
        return words.tobytes()
    if form.container == "ADTS":
        stream = AacStream(carried)
        return stream.feed(words) + stream.close()
    file = io.BytesIO()
    with _open(file, carried, form) as sink:
        sink.write(words)
    return file.getvalue()


def save(samples: "NDArray[np.float32]", rate: int, path: Path, form: Format | None = None) -> None:
    """Write samples to a file, in the format its suffix names unless one is given; the file appears whole or not at all.

    Raises:
        UsageError: E_FORMAT, if the suffix names no format.
        StorageError: it could not be written.
    """
    write_durably(path, encode(samples, rate, form or format_of_path(path)))


class SpeechStream:
    """Encodes segment by segment: each part can be sent at once, and all parts in order are one playable stream.

    The headers can't state a length that is not known yet: WAV says 'until the end', MP3 and FLAC say nothing. A file that is
    kept should be written by `encode`.
    """

    def __init__(self, rate: int, form: Format) -> None:
        """Begin one of samples at `rate` Hz. Raises UsageError, E_FORMAT, for AAC without its encoder."""
        self._form = form
        self._rate = form.rate_for(rate)
        self._pipe = _Pipe()
        self._resampler = None
        if self._rate != rate:
            import soxr

            self._resampler = soxr.ResampleStream(rate, self._rate, 1, dtype="float32")
        self._sink = None
        self._aac = AacStream(self._rate) if form.container == "ADTS" else None
        if form.name == "wav":
            self._pipe.write(_endless_wav_header(self._rate))
        elif form.container and self._aac is None:
            self._sink = _open_stream(self._pipe, self._rate, form)

    def feed(self, samples: "NDArray[np.float32]") -> bytes:
        """Take float32 samples [n] and return what can be sent now, which may be nothing."""
        return self._write(samples, last=False)

    def close(self) -> bytes:
        """Return what is left to send. Nothing can be fed afterwards."""
        import numpy as np

        rest = self._write(np.zeros(0, np.float32), last=True)
        if self._aac is not None:
            return rest + self._aac.close()
        if self._sink is None:
            return rest
        self._sink.close()
        return rest + self._pipe.taken()

    def _write(self, samples: "NDArray[np.float32]", *, last: bool) -> bytes:
        resampled = samples if self._resampler is None else self._resampler.resample_chunk(samples, last=last)
        words = _to_int16(resampled)
        if self._aac is not None:
            return self._aac.feed(words)
        if self._sink is None:
            self._pipe.write(words.tobytes())
        elif len(words):
            self._sink.write(words)
            self._sink.flush()
        return self._pipe.taken()


class _Pipe(io.RawIOBase):
    """A file that is taken away from the front while it is written at the back.

    Encoders come back at the end to fill in lengths at the start; where those bytes are gone already, the correction is dropped.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._gone = 0
        self._at = 0

    def taken(self) -> bytes:
        taken = bytes(self._held)
        self._gone += len(taken)
        self._held.clear()
        return taken

    def write(self, body: "bytes | memoryview") -> int:  # type: ignore[override]  # the buffers soundfile hands over are these
        body = bytes(body)
        start = self._at - self._gone
        kept = body[max(0, -start) :]
        start = max(0, start)
        self._held[start : start + len(kept)] = kept
        self._at += len(body)
        return len(body)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._gone + len(self._held)}
        self._at = starts[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _open(file: io.BytesIO, rate: int, form: Format) -> "SoundFile":
    from soundfile import SoundFile

    return SoundFile(file, "w", rate, channels=1, subtype=form.coding, format=form.container)


def _open_stream(file: _Pipe, rate: int, form: Format) -> "SoundFile":
    from soundfile import SoundFile

    if form.container != "MP3":
        return SoundFile(file, "w", rate, channels=1, subtype=form.coding, format=form.container)
    # Players tell an MP3's length, and seek in it, by its bit rate where there is no index of frames: it must be constant.
    # libsndfile counts down from 160 kbit/s at 0 to 8 at 1 for rates up to 24 kHz: this is 64, which is plenty for one voice.
    return SoundFile(file, "w", rate, 1, form.coding, format=form.container, compression_level=0.63, bitrate_mode="CONSTANT")


def _to_int16(samples: "NDArray[np.float32]") -> "NDArray[np.int16]":
    """All formats get the same 16-bit words, rounded to nearest: libsndfile would truncate, and wrap what is clipped."""
    import numpy as np

    if not np.isfinite(samples).all():
        raise ValueError("samples must be finite")
    words: NDArray[np.int16] = np.clip(np.rint(samples * np.float32(32767)), -32768, 32767).astype("<i2")
    return words


def _endless_wav_header(rate: int) -> bytes:
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", _UNKNOWN_SIZE, b"WAVE") + fmt + struct.pack("<4sI", b"data", _UNKNOWN_SIZE)
