"""Whether an engine can do what is asked of it: seen before it is asked, with what it can do instead. Pure."""

from indextts_hub.errors import UsageError
from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.protocol import Capabilities, Settings

__all__ = ["check_able"]


def check_able(can: Capabilities, settings: Settings) -> None:
    """See that an engine can speak with these settings.

    Raises:
        UsageError: E_EMOTION or E_VOICE, listing what it can; E_SPEED.
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
