"""How each emotion bends the neutral voice: one readable table.

The directions are those on which the literature agrees (Juslin and Laukka, "Communication of emotions in vocal expression and music
performance", Psychological Bulletin 129, 2003, table 7: rate, level and range of f0, loudness and its variation). The sizes are
ours: the largest that keep the predictions within about two standard deviations of the corpus, outside of which the network has
heard nothing.
"""

from collections.abc import Mapping
from math import exp, log
from types import MappingProxyType

from synth.emotion import EMOTIONS
from synth.engines.fastspeech2.model import Prosody

__all__ = ["PROFILES", "prosody"]

PROFILES: Mapping[str, Prosody] = MappingProxyType(
    {
        # Fast, high, wide, fairly loud.
        "happy": Prosody(duration=0.88, f0_gain=1.35, f0_shift=0.45, energy_gain=1.10, energy_shift=0.30),
        # Fast, wide, loud, with strong accents.
        "angry": Prosody(duration=0.86, f0_gain=1.25, f0_shift=0.20, energy_gain=1.30, energy_shift=0.60),
        # Slow, low, narrow, soft.
        "sad": Prosody(duration=1.25, f0_gain=0.60, f0_shift=-0.40, energy_gain=0.85, energy_shift=-0.50),
        # Fast, high, narrow, with a wavering loudness.
        "afraid": Prosody(duration=0.84, f0_gain=0.85, f0_shift=0.60, energy_gain=1.20, energy_shift=-0.20),
        # Slow, low, wide.
        "disgusted": Prosody(duration=1.15, f0_gain=1.10, f0_shift=-0.45, energy_gain=1.15, energy_shift=0.05),
        # As sad, with less of it.
        "melancholic": Prosody(duration=1.18, f0_gain=0.72, f0_shift=-0.25, energy_gain=0.90, energy_shift=-0.30),
        # High and very wide.
        "surprised": Prosody(duration=0.95, f0_gain=1.50, f0_shift=0.60, energy_gain=1.15, energy_shift=0.25),
        # Somewhat slow, even, soft.
        "calm": Prosody(duration=1.10, f0_gain=0.85, f0_shift=-0.10, energy_gain=0.88, energy_shift=-0.15),
    }
)
"""The prosody of each emotion at full intensity."""


def prosody(weights: tuple[float, ...], speed: float) -> Prosody:
    """Mix the profiles: gains by weighted geometric mean, shifts by weighted sum. No weight at all is exactly neutral.

    Args:
        weights: of each emotion from 0 to 1, in the order of `EMOTIONS`. More than 1 in all counts as its share.
        speed: above 1 is faster.
    """
    share = [weight / max(1.0, sum(weights)) for weight in weights]
    parts = [(weight, PROFILES[name]) for weight, name in zip(share, EMOTIONS, strict=True) if weight]
    return Prosody(
        duration=exp(sum(w * log(p.duration) for w, p in parts)) / speed,
        f0_gain=exp(sum(w * log(p.f0_gain) for w, p in parts)),
        f0_shift=sum(w * p.f0_shift for w, p in parts),
        energy_gain=exp(sum(w * log(p.energy_gain) for w, p in parts)),
        energy_shift=sum(w * p.energy_shift for w, p in parts),
    )
