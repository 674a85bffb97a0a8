"""The label that is heard: a rhythm of tones, short long, short short, which is `AI` in Morse (GB 45438-2025, 5.3)."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cue", "rhythm_cue"]

# Morse's proportions at 12 words a minute, slow enough to be told apart: a long is three shorts, a gap within a letter one.
_SHORT = 0.1
_RHYTHM = ((1, 1), (3, 3), (1, 1), (1, 0))  # units of tone, units of silence behind it
_PITCH = 880.0  # Hz: above the pitch of voices, within what telephones carry
_LOUDNESS = 0.15  # of full scale: heard, and not louder than speech
_EDGE = 0.008  # seconds of fading in and out: without them a tone clicks


class Cue(StrEnum):
    """Where in generated speech it stands, if anywhere."""

    NONE = "none"
    START = "start"
    END = "end"


def rhythm_cue(rate: int) -> "NDArray[np.float32]":
    """The cue as float32 samples [n] at `rate` Hz, about a second, with half a second of silence behind it."""
    import numpy as np

    parts: list[NDArray[np.float64]] = []
    for tone, silence in _RHYTHM:
        time = np.arange(round(tone * _SHORT * rate)) / rate
        edge = np.minimum(1.0, np.minimum(time, time[::-1]) / _EDGE)
        parts += [_LOUDNESS * edge * np.sin(2 * np.pi * _PITCH * time), np.zeros(round(silence * _SHORT * rate))]
    return np.concatenate([*parts, np.zeros(rate // 2)]).astype(np.float32)
