"""`lite`'s networks as they were first ported, in float32 on torch's plain convolutions: what later ones are measured against.

Frozen: nothing here is made faster, or follows the engine. It takes about what the original runtime, TensorFlow Lite, takes on one
core (0.06 to 0.09 s a second of speech), whose acoustic half does not run without TensorFlow.
"""

from pathlib import Path

from torch import Tensor

from reference.vocoder import Vocoder
from reference.weights import load_acoustic_model, load_vocoder

__all__ = ["Reference"]


class Reference:
    """The frozen networks: symbols in, samples out."""

    def __init__(self, snapshot: Path) -> None:
        self.acoustic = load_acoustic_model(snapshot / "fastspeech2_quan.tflite")
        self.vocoder: Vocoder = load_vocoder(snapshot / "mb_melgan.tflite")

    def speak(self, ids: Tensor) -> Tensor:
        """Samples float32 [n] of symbols int64 [T]."""
        return self.vocoder.speak(self.acoustic.decode(self.acoustic.predict(ids)).mel)
