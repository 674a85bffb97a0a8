"""Speech from the versions that the hub keeps: `Synthesizer("lite").synthesize("你好").save("hello.wav")`.

Engines' environments import this package too, and have little else: what it exports is imported when it is asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.synthesizer import ModelUsed, Speech, SpeechSegment, Synthesizer

__all__ = ["ModelUsed", "Speech", "SpeechSegment", "Synthesizer"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from synth import synthesizer

        return getattr(synthesizer, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
