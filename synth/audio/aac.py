"""AAC in ADTS frames, by FFmpeg's encoder (PyAV, the extra `media`): what OpenAI calls `aac`. Frames stream as they are."""

import io
from typing import TYPE_CHECKING

from indextts_hub.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AacStream", "check_aac"]

# Plenty for one voice at 24 kHz: AAC-LC is transparent for speech from about 48 kbit/s.
_BITS_PER_SECOND = 64_000


def check_aac() -> None:
    """See that AAC can be written.

    Raises:
        UsageError: E_FORMAT, if PyAV is not installed.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        raise UsageError(
            "AAC can't be written here",
            remedy="install indextts-hub[media], or ask for mp3",
            code="E_FORMAT",
        ) from None


class AacStream:
    """Encodes segment by segment: each part can be sent at once, and all parts in order are a whole file."""

    def __init__(self, rate: int) -> None:
        """Begin one of samples at `rate` Hz, which AAC must carry. Raises UsageError, E_FORMAT, without PyAV."""
        check_aac()
        import av

        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="adts", options={"flush_packets": "1"})
        self._stream = self._container.add_stream("aac", rate=rate, layout="mono", bit_rate=_BITS_PER_SECOND)
        self._rate = rate

    def feed(self, words: "NDArray[np.int16]") -> bytes:
        """Take 16-bit words [n] and return what can be sent now, which may be nothing."""
        import av
        import numpy as np

        if not len(words):
            return b""
        samples = (words.astype(np.float32) / 32768).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = self._rate
        self._container.mux(self._stream.encode(frame))
        return self._taken()

    def close(self) -> bytes:
        """Return what is left to send. Nothing can be fed afterwards."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._taken()

    def _taken(self) -> bytes:
        # Frames have no header to come back to: what was taken need not be kept.
        taken = self._file.getvalue()
        self._file.seek(0)
        self._file.truncate()
        return taken
