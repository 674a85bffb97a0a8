"""How fast the voice is heard: its mel spectrogram, squeezed or stretched in time.

The network's own lengths are left alone. Where they are halved, it has one or two frames for a consonant, which it never learned to
speak. A mel says which frequencies are there and not how they swing, so that frames between its frames have the same pitch.
"""

import numpy as np
import torch
from torch import Tensor

from synth.engines.fastspeech2.symbols import SILENCE, Spelling

__all__ = ["heard", "paced"]

# Who speaks faster shortens pauses most, vowels less and consonants least (Goldman-Eisler, "Psycholinguistics", 1968; Gay, "Effect
# of speaking rate on vowel formant movements", 1978): beside the speed itself, by it to the power of these. The numbers are ours
# (decision 0096). Slower, all is as much longer: vowels die away in the silences, and would do so for ever.
_CONSONANT = 0.5
_PAUSE = -0.75


def heard(frames: Tensor, spelling: Spelling, speed: float) -> Tensor:
    """Where each symbol ends at a speed, in frames.

    Args:
        frames: int64 [T], how long the network makes each symbol.
        speed: of all of them together; above 1 is faster.

    Returns:
        float64 [T]; the last is a whole number, 1 or more. At a speed of 1 it is where they end anyway.
    """
    haste = max(1.0, speed)
    spans = frames * torch.tensor([haste**firmness for firmness in _firmnesses(spelling)], dtype=torch.float64)
    ends = spans.cumsum(0)
    return ends * (max(1, round(int(frames.sum()) / speed)) / float(ends[-1]))


def _firmnesses(spelling: Spelling) -> list[float]:
    """Of each symbol."""
    initials = {final - 1 for final in spelling.finals}
    return [
        _PAUSE if syllable == SILENCE else _CONSONANT if at in initials else 0.0 for at, syllable in enumerate(spelling.syllables)
    ]


@torch.inference_mode()
def paced(mel: Tensor, frames: Tensor, ends: Tensor) -> Tensor:
    """Squeeze or stretch a mel, symbol by symbol, in straight lines between its frames.

    Args:
        mel: float32 [F, 80].
        frames: int64 [T], how long each symbol is in it.
        ends: float64 [T], where each is to end.

    Returns:
        float32 [the last end, 80]; the mel itself if all end where they do.
    """
    before = frames.cumsum(0)
    if torch.equal(before.double(), ends):
        return mel
    middles = np.arange(round(float(ends[-1]))) + 0.5
    read = np.interp(middles, np.concatenate([[0.0], ends.numpy()]), np.concatenate([[0], before.numpy()])) - 0.5
    places = torch.from_numpy(read).float().clamp(0, len(mel) - 1)
    low = places.floor().long()
    return torch.lerp(mel[low], mel[(low + 1).clamp_max(len(mel) - 1)], (places - low)[:, None])
