"""The mood of a reference clip as an expression: what is heard of it, against this voice in neutral. Its timbre is not taken.

Nobody's neutral voice is known from one clip. So pitch is taken against a woman's or a man's usual, each as far as the clip is
likely one of them: a voice between the two says nothing. Pace, pauses, range, final movement, dynamics and spectral tilt are taken
against this voice speaking neutrally. Loudness is the recording's, formants and breath are the speaker's and the room's as much as
the mood's: they are left.
"""

from functools import lru_cache
from math import exp
from pathlib import Path

import numpy as np
import soundfile
import soxr

from indextts_hub.errors import UsageError
from synth.engines.fastspeech2.listening import RATE, Heard, heard
from synth.engines.fastspeech2.profiles import Expression

__all__ = ["mood_of"]

# This voice in neutral: means over 26 sentences (those that the profiles were tuned on, bench/emotion.py), as `heard` hears them.
_NEUTRAL = Heard(rate=4.71, pauses=0.06, pitch=15.8, pitch_range=11.3, final_pitch=-3.3, dynamics=5.5, tilt=-14.7, harmonicity=13.0)
# Men speak some ten semitones lower than women, either by some three more or less (Simpson, "Phonetic differences between male and
# female speech", 2009).
_MAN_BELOW = 10.0
_SPREAD = 3.0
# What is bent for what is heard: the regression of the profiles' numbers on what is heard of them, over those sentences in all
# emotions. Each is what the quantity moves less than it is bent by (tones and consonants keep theirs), made smaller by how much of
# what is heard is the mood's and not the sentence's: of the final movement a fifth, for tones move a sentence's end more than most
# moods do; of rate and pauses half; of tilt and range two thirds; of dynamics three quarters. Of the pitch it is four fifths, and
# the doubt whose voice it is takes that much.
_RATE, _PAUSES, _RANGE, _FINAL, _DYNAMICS, _TILT = 0.66, 4.3, 1.07, 0.33, 1.87, 0.37
# As far as the profiles go, and a little further: beyond, the voice breaks.
_BOUNDS = {
    "rate": (0.7, 1.4),
    "pauses": (0.5, 2.2),
    "pitch": (-4.0, 5.0),
    "pitch_range": (0.35, 1.8),
    "final_pitch": (-5.0, 6.0),
    "dynamics": (0.5, 1.7),
    "tilt": (-3.0, 3.0),
}
# Seconds; a longer clip says no more of a mood.
_LONGEST = 15
# Clips that are remembered: those of the voices in use.
_REMEMBERED = 32


def mood_of(clip: Path) -> Expression:
    """Listen to a clip.

    Raises:
        UsageError: E_AUDIO, if it can't be read or holds no voice.
    """
    found = clip.stat()
    return _mood(clip, found.st_mtime_ns, found.st_size)


@lru_cache(_REMEMBERED)
def _mood(clip: Path, _changed: int, _size: int) -> Expression:
    try:
        with soundfile.SoundFile(clip) as file:
            samples, rate = file.read(_LONGEST * file.samplerate, dtype="float32", always_2d=True), file.samplerate
    except (OSError, RuntimeError) as error:
        raise _no_voice(f"the clip can't be read: {error}") from None
    of = heard(np.asarray(soxr.resample(samples.mean(1), rate, RATE), np.float32))
    if of is None:
        raise _no_voice("there is no voice in the clip")
    return _expression(of)


def _expression(of: Heard) -> Expression:
    over_woman, over_man = of.pitch - _NEUTRAL.pitch, of.pitch - _NEUTRAL.pitch + _MAN_BELOW
    # How likely it is a woman's: of two normal distributions of the same width.
    woman = 1 / (1 + exp((over_woman**2 - over_man**2) / (2 * _SPREAD**2)))
    bends = {
        "rate": (of.rate / _NEUTRAL.rate) ** _RATE,
        "pauses": 1 + _PAUSES * (of.pauses - _NEUTRAL.pauses),
        "pitch": woman * over_woman + (1 - woman) * over_man,
        "pitch_range": 1 + _RANGE * (of.pitch_range / _NEUTRAL.pitch_range - 1),
        "final_pitch": _FINAL * (of.final_pitch - _NEUTRAL.final_pitch),
        "dynamics": 1 + _DYNAMICS * (of.dynamics / _NEUTRAL.dynamics - 1),
        "tilt": _TILT * (of.tilt - _NEUTRAL.tilt),
    }
    return Expression(**{name: float(np.clip(bend, *_BOUNDS[name])) for name, bend in bends.items()})


def _no_voice(message: str) -> UsageError:
    return UsageError(message, remedy="give a recording of somebody who speaks, a second or longer", code="E_AUDIO")
