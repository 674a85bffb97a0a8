"""Emotions: one vocabulary for all engines, commands, the API and the page. Pure.

The eight emotions and their order are those of IndexTTS-2's emotion vector; neutral is the vector of zeros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from indextts_hub.errors import UsageError

__all__ = ["ALIASES", "AUTO", "AUTO_NAMES", "EMOTIONS", "NEUTRAL", "EmotionVector", "emotion_label", "is_auto"]

NEUTRAL = "neutral"

AUTO = "auto"
"""Asked for in place of an emotion: each sentence is to be spoken with the one that its words suggest."""

AUTO_NAMES = (AUTO, "自动")

EMOTIONS = ("happy", "angry", "sad", "afraid", "disgusted", "melancholic", "surprised", "calm")
"""The order of the weights in an emotion vector."""

_CHINESE = {
    NEUTRAL: ("中性",),
    "happy": ("高兴", "喜悦", "开心"),
    "angry": ("愤怒", "生气"),
    "sad": ("悲伤", "难过"),
    "afraid": ("恐惧", "害怕"),
    "disgusted": ("厌恶", "反感"),
    "melancholic": ("低落", "忧郁"),
    "surprised": ("惊讶", "惊喜"),
    "calm": ("平静", "温柔", "自然"),
}

ALIASES: Mapping[str, str] = MappingProxyType({alias: label for label, names in _CHINESE.items() for alias in (label, *names)})
"""Every accepted name of an emotion, English and Chinese, and its label."""


def emotion_label(text: str) -> str:
    """Return the label that `text` names, in English in any case or in Chinese.

    Raises:
        UsageError: E_EMOTION, listing the labels.
    """
    label = ALIASES.get(text.strip().lower())
    if label is None:
        raise UsageError(
            f"{text[:40]!r} is not an emotion",
            remedy=f"use one of {', '.join((NEUTRAL, *EMOTIONS))}, or its Chinese name",
            code="E_EMOTION",
        )
    return label


def is_auto(text: str) -> bool:
    """Whether each sentence's own emotion is asked for."""
    return text.strip().lower() in AUTO_NAMES


@dataclass(frozen=True, slots=True)
class EmotionVector:
    """How much of each of the eight emotions, each from 0 to 1, in the order of `EMOTIONS`."""

    weights: tuple[float, float, float, float, float, float, float, float] = (0.0,) * 8

    def __post_init__(self) -> None:
        if any(not 0 <= weight <= 1 for weight in self.weights):
            raise UsageError("an emotion's weight is not between 0 and 1", remedy="give each weight from 0 to 1", code="E_EMOTION")

    @classmethod
    def of(cls, emotion: str, intensity: float) -> "EmotionVector":
        """The vector of one emotion, by label or alias, at an intensity from 0 to 1."""
        return cls.mixture({emotion: intensity})

    @classmethod
    def from_weights(cls, weights: Sequence[float]) -> "EmotionVector":
        """The vector of eight weights, in the order of `EMOTIONS`.

        Raises:
            UsageError: E_EMOTION, for another number of them, or a weight outside 0 to 1.
        """
        if len(weights) != len(EMOTIONS):
            raise UsageError(f"{len(weights)} weights are given", remedy=f"give {len(EMOTIONS)}", code="E_EMOTION")
        a, b, c, d, e, f, g, h = weights
        return cls((a, b, c, d, e, f, g, h))

    @classmethod
    def mixture(cls, weights: Mapping[str, float]) -> "EmotionVector":
        """The vector that holds each named emotion at its weight; neutral adds nothing.

        Raises:
            UsageError: E_EMOTION, for an unknown name or a weight outside 0 to 1.
        """
        found = {emotion_label(name): weight for name, weight in weights.items()}
        if not 0 <= found.pop(NEUTRAL, 0.0) <= 1:
            raise UsageError("an intensity is not between 0 and 1", remedy="give it from 0 to 1", code="E_EMOTION")
        a, b, c, d, e, f, g, h = (float(found.get(label, 0.0)) for label in EMOTIONS)
        return cls((a, b, c, d, e, f, g, h))
