"""Whether an engine can do what is asked of it: seen before it is asked, with what it can do instead. Pure."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from indextts_hub.errors import UsageError
from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.protocol import Capabilities, Sampling, Settings

__all__ = ["BOUNDS", "check_able", "sampling_of", "segment_length"]

BOUNDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "speed": (0.5, 2.0),
        "pitch": (-12.0, 12.0),
        "volume": (-20.0, 20.0),
        "intensity": (0.0, 1.0),
        "temperature": (0.1, 2.0),
        "top_p": (0.01, 1.0),
        "top_k": (1, 100),
        "num_beams": (1, 10),
        "repetition_penalty": (0.1, 20.0),
        "length_penalty": (-2.0, 2.0),
        "max_mel_tokens": (50, 1815),
        "segment_length": (10, 200),
    }
)
"""The least and the most of each number in `Settings` and `Sampling` (upstream's), and of a segment in characters."""

_WHOLE = frozenset({"top_k", "num_beams", "max_mel_tokens"})


def check_able(can: Capabilities, settings: Settings) -> None:
    """See that an engine can speak with these settings.

    Raises:
        UsageError: E_EMOTION, E_VOICE, E_LANGUAGE or E_CONTROL, with what it can; E_SPEED.
    """
    asked = [label for label, weight in zip(EMOTIONS, settings.emotion, strict=True) if weight > 0] or [NEUTRAL]
    if missing := [label for label in asked if label not in can.emotions]:
        raise UsageError(
            f"this version can't speak {', '.join(missing)}", remedy=f"it can speak: {', '.join(can.emotions)}", code="E_EMOTION"
        )
    if settings.voice is not None and not can.cloning:
        raise UsageError(
            "this version speaks with its own voice only", remedy="leave the voice out, or ask for another version", code="E_VOICE"
        )
    if settings.voice is None and not can.own_voice:
        raise UsageError(
            "this version has no voice of its own", remedy="keep a voice with its owner's consent, and name it", code="E_VOICE"
        )
    moods = [any(settings.emotion), settings.emotion_voice is not None, settings.emotion_text is not None]
    if sum(moods) > 1:
        raise UsageError(
            "an emotion is given in two ways", remedy="give weights, or a voice, or a text to take it from", code="E_EMOTION"
        )
    if settings.language and settings.language not in can.languages:
        raise UsageError(
            f"this version does not speak {settings.language!a}", remedy=f"it speaks: {', '.join(can.languages)}", code="E_LANGUAGE"
        )
    if missing := [name for name in _asked_for(settings) if name not in can.controls]:
        raise UsageError(
            f"this version does not follow {', '.join(missing)}",
            remedy=f"it follows: {', '.join(('emotion', 'speed', *can.controls))}",
            code="E_CONTROL",
        )
    for name, number in {**_numbers(settings), **settings.sampling.given()}.items():
        least, most = BOUNDS[name]
        if not least <= number <= most:
            raise UsageError(
                f"a {name} of {number:g} can't be spoken",
                remedy=f"give one from {least:g} to {most:g}",
                code="E_SPEED" if name == "speed" else "E_CONTROL",
            )


def segment_length(can: Capabilities, asked: int | None) -> int:
    """Characters of one segment: as many as were asked for, if the engine takes as many.

    Raises:
        UsageError: E_CONTROL, for a number out of bounds.
    """
    least, most = BOUNDS["segment_length"]
    if asked is not None and not least <= asked <= most:
        raise UsageError(f"segments of {asked} characters can't be cut", remedy=f"give {least:g} to {most:g}", code="E_CONTROL")
    return can.longest_segment if asked is None else min(asked, can.longest_segment)


def sampling_of(given: Mapping[str, float]) -> Sampling:
    """The settings of these names.

    Raises:
        UsageError: E_CONTROL, for a name that none has, or half a number where only whole ones are.
    """
    names = [each.name for each in fields(Sampling)]
    for name, value in given.items():
        if name not in names:
            raise UsageError(f"nothing is drawn by {name[:40]!a}", remedy=f"use {', '.join(names)}", code="E_CONTROL")
        if name in _WHOLE and value != int(value):
            raise UsageError(f"a {name} of {value:g} can't be", remedy="give a whole number", code="E_CONTROL")
    whole = {name: int(value) for name, value in given.items() if name in _WHOLE}
    rest = {name: float(value) for name, value in given.items() if name not in _WHOLE}
    return Sampling(**whole, **rest)  # type: ignore[arg-type]  # each goes where it was seen to belong


def _numbers(settings: Settings) -> dict[str, float]:
    return {name: getattr(settings, name) for name in ("speed", "pitch", "volume", "intensity")}


def _asked_for(settings: Settings) -> list[str]:
    """The further settings that were given, by name."""
    plain = Settings()
    given = [
        name for name in ("emotion_voice", "emotion_text", "pitch", "volume") if getattr(settings, name) != getattr(plain, name)
    ]
    return [*given, *settings.sampling.given()]
