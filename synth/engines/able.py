"""Whether an engine can do what is asked of it: seen before it is asked, with what it can do instead. Pure."""

from dataclasses import fields

from indextts_hub.errors import UsageError
from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.protocol import Capabilities, Sampling, Settings

__all__ = ["check_able"]


def check_able(can: Capabilities, settings: Settings) -> None:
    """See that an engine can speak with these settings.

    Raises:
        UsageError: E_EMOTION, E_VOICE, E_LANGUAGE or E_CONTROL, listing what it can; E_SPEED.
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
    if not 0.5 <= settings.speed <= 2.0:
        raise UsageError(f"a speed of {settings.speed:g} can't be spoken", remedy="give one from 0.5 to 2", code="E_SPEED")
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


def _asked_for(settings: Settings) -> list[str]:
    """The further settings that were given, by name."""
    plain = Settings()
    given = [
        name for name in ("emotion_voice", "emotion_text", "pitch", "volume") if getattr(settings, name) != getattr(plain, name)
    ]
    return given + [drawn.name for drawn in fields(Sampling) if getattr(settings.sampling, drawn.name) is not None]
