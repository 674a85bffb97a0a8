"""What each emotion sounds like, read from `profiles.toml`, and how weights mix them into one expression. Pure."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from math import exp, log

from synth.emotion import EMOTIONS

__all__ = ["Expression", "expression", "profiles"]


@dataclass(frozen=True, slots=True)
class Expression:
    """How to bend the neutral voice; as it stands it bends nothing. `profiles.toml` says what each quantity means, and its unit."""

    rate: float = 1.0
    pauses: float = 1.0
    hesitation: float = 0.0
    final_lengthening: float = 1.0
    pitch: float = 0.0
    pitch_range: float = 1.0
    final_pitch: float = 0.0
    tremor: float = 0.0
    loudness: float = 0.0
    dynamics: float = 1.0
    tilt: float = 0.0
    breath: float = 0.0
    formants: float = 1.0


@cache
def profiles() -> Mapping[str, Expression]:
    """Return the expression of each emotion at full intensity, by its label."""
    table = tomllib.loads((files("synth.engines.fastspeech2") / "profiles.toml").read_text("utf-8"))
    return {label: Expression(**{name: float(bend) for name, (bend, _source) in table[label].items()}) for label in EMOTIONS}


def expression(weights: tuple[float, ...], others: Sequence[tuple[float, Expression]] = ()) -> Expression:
    """Mix the profiles: factors by weighted geometric mean, what is added by weighted sum. No weight at all is exactly neutral.

    Args:
        weights: of each emotion from 0 to 1, in the order of `EMOTIONS`.
        others: further expressions with their weights. More than 1 in all counts as its share.
    """
    parts = [*((weight, profiles()[label]) for weight, label in zip(weights, EMOTIONS, strict=True)), *others]
    whole = max(1.0, sum(weight for weight, _ in parts))
    shares = [(weight / whole, profile) for weight, profile in parts if weight]
    mixed: dict[str, float] = {}
    for quantity in fields(Expression):
        bends = [(share, float(getattr(profile, quantity.name))) for share, profile in shares]
        if quantity.default == 1.0:
            mixed[quantity.name] = exp(sum(share * log(bend) for share, bend in bends))
        else:
            mixed[quantity.name] = sum(share * bend for share, bend in bends)
    return Expression(**mixed)
