"""What the engines of IndexTTS have in common: how upstream weighs emotions, what is heard of a clip, how samples are handed on."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from indextts_hub.errors import IntegrityError, UsageError
from indextts_hub.gate import assert_pickles
from synth.engines.protocol import Segment, SegmentSpeech, Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "BIAS",
    "CONTROLS",
    "LONGEST_REFERENCE",
    "MOST_CODES",
    "SAMPLE_RATE",
    "assert_loadable",
    "emotion_vector",
    "handed_on",
    "heard_of",
    "nothing_said",
    "reference",
    "seeded",
    "unfitting",
]

SAMPLE_RATE = 22_050
LONGEST_REFERENCE = 15.0
"""Seconds of a reference clip that upstream listens to."""

BIAS = (0.9375, 0.875, 1.0, 1.0, 0.9375, 0.9375, 0.6875, 0.5625)
"""By what each weight is multiplied, in the order of `EMOTIONS`: upstream's own, `IndexTTS2.normalize_emo_vec`."""

MOST_EMOTION = 0.8
"""What the weights sum up to at most: upstream's own; beyond it the voice loses itself."""

MOST_CODES = 1500
"""Codes for one segment, 60 s of speech, unless somebody asks for another number: upstream's own."""

CONTROLS = (
    "emotion_voice",
    "volume",
    "temperature",
    "top_p",
    "top_k",
    "num_beams",
    "repetition_penalty",
    "length_penalty",
    "max_mel_tokens",
)
"""Which of the further settings all of them follow."""

# What is made louder is bent below 1 from here on, instead of cut off.
_KNEE = 0.8


def assert_loadable(snapshot: Path, checkpoints: Sequence[str], others: Sequence[str]) -> None:
    """See that every file is there, and that no checkpoint would run anything; before anything is loaded.

    Raises:
        IntegrityError: E_WEIGHTS, naming a file that is not there.
        UnsafeFile: E_PICKLE, E_ARCHIVE.
    """
    for path in (*checkpoints, *others):
        if not (snapshot / path).is_file():
            raise IntegrityError(f"the version has no {path}", remedy="run `indextts-hub verify --repair` on it", code="E_WEIGHTS")
    for path in checkpoints:
        with (snapshot / path).open("rb") as file:
            assert_pickles(file, path)


def unfitting(name: str, error: Exception) -> IntegrityError:
    """The error of files that are not those of `name`, by the error of the code that loaded them."""
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return IntegrityError(
        f"the files are not those of {name}: {said[:200]}",
        remedy="run `indextts-hub verify --repair` on the version",
        code="E_WEIGHTS",
    )


def emotion_vector(weights: Sequence[float]) -> list[float] | None:
    """The vector that the network is given; None for neutral, which leaves it to the reference how the voice feels.

    Args:
        weights: eight, from 0 to 1, in the order of `EMOTIONS`.
    """
    biased = [weight * bias for weight, bias in zip(weights, BIAS, strict=True)]
    if not (total := sum(biased)):
        return None
    scale = min(1.0, MOST_EMOTION / total)
    return [weight * scale for weight in biased]


def reference(settings: Settings) -> str:
    """The clip whose timbre is taken.

    Raises:
        UsageError: E_VOICE, if there is none.
    """
    if settings.voice is None:
        raise UsageError("IndexTTS speaks with a reference clip", remedy="name a voice that is kept", code="E_VOICE")
    return settings.voice


def heard_of(settings: Settings) -> tuple[str, ...]:
    """What whoever asked should know of the clips: of a long one only the beginning counts."""
    import soundfile

    said = []
    for what, clip in (("the reference", settings.voice), ("the clip of the mood", settings.emotion_voice)):
        if clip is not None and (seconds := soundfile.info(clip).duration) > LONGEST_REFERENCE:
            said.append(f"{what} is {seconds:.0f} s long, of which the first {LONGEST_REFERENCE:.0f} count")
    return tuple(said)


def seeded(seed: int) -> None:
    """Have everything drawn from now on follow from the seed."""
    import torch

    torch.manual_seed(seed)
    random.seed(seed)


def nothing_said() -> UsageError:
    """The error of a segment for which the network came to its end before it began."""
    return UsageError("nothing was said of this text", remedy="use another seed, or write it otherwise", code="E_TEXT")


def handed_on(samples: "NDArray[np.float32]", segment: Segment, settings: Settings, warnings: Sequence[str]) -> SegmentSpeech:
    """A spoken segment: float32 [n] in -1 to 1 at the volume that was asked for, and its pause."""
    import numpy as np

    silence = np.zeros(round(segment.pause * SAMPLE_RATE), np.float32)
    whole = np.concatenate([_at_volume(samples, settings.volume), silence])
    return SegmentSpeech(whole.clip(-1, 1).astype("<f4").tobytes(), tuple(warnings))


def _at_volume(samples: "NDArray[np.float32]", decibels: float) -> "NDArray[np.float32]":
    import numpy as np

    loud = samples * np.float32(10 ** (decibels / 20))
    if decibels <= 0:
        return loud
    bent = np.sign(loud) * (_KNEE + (1 - _KNEE) * np.tanh((np.abs(loud) - _KNEE) / (1 - _KNEE)))
    return np.where(np.abs(loud) > _KNEE, bent, loud).astype(np.float32)
