"""Speech from the versions that the hub keeps: `Synthesizer("lite").synthesize("你好").save("hello.wav")`.

Engines' environments import this package too, and have little else: what it exports is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.audio.captions import Caption
    from synth.audio.label import Marks
    from synth.emotion import EmotionVector
    from synth.synthesizer import ModelUsed, Speech, Synthesizer
    from synth.text.script import Manner

__all__ = ["Caption", "EmotionVector", "Manner", "Marks", "ModelUsed", "Speech", "Synthesizer"]

_ROOMS = {"Caption": "audio.captions", "Marks": "audio.label", "EmotionVector": "emotion", "Manner": "text.script"}


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module(f"synth.{_ROOMS.get(name, 'synthesizer')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
