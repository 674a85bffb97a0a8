"""Sounds for the tests, and a reader of what was written."""

import io

import av
import numpy as np
import soundfile
from numpy.typing import NDArray


def tone(rate: int, seconds: float = 2.0) -> NDArray[np.float32]:
    """A voice-like sound: a gliding fundamental with a few harmonics that swells and fades."""
    time = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * (180 * time + 30 * time**2)
    wave = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 8))
    return (0.2 * wave * np.sin(np.pi * time / seconds)).astype(np.float32)


def read_audio(body: bytes) -> tuple[NDArray[np.float32], int]:
    """The samples of a file and their rate, by libsndfile; AAC, which that does not know, by FFmpeg."""
    try:
        return soundfile.read(io.BytesIO(body), dtype="float32")
    except soundfile.LibsndfileError:
        with av.open(io.BytesIO(body), format="aac") as file:
            frames = [frame.to_ndarray()[0] for frame in file.decode(audio=0)]
            return np.concatenate(frames), file.streams.audio[0].rate
