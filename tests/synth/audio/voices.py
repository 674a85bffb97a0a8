"""Sounds for the tests."""

import numpy as np
from numpy.typing import NDArray


def tone(rate: int, seconds: float = 2.0) -> NDArray[np.float32]:
    """A voice-like sound: a gliding fundamental with a few harmonics that swells and fades."""
    time = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * (180 * time + 30 * time**2)
    wave = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 8))
    return (0.2 * wave * np.sin(np.pi * time / seconds)).astype(np.float32)
