"""How emphasis is heard in Mandarin: the word itself longer, wider in pitch and louder, what follows in its phrase flatter, softer.

After Xu, "Effects of tone and focus on the formation and alignment of F0 contours", J. Phonetics 27 (1999): in focus the pitch
moves further from its mean, above all upwards; before it nothing changes; behind it the pitch is lower and flatter to the phrase's
end. Chen and Gussenhoven, "Emphasis and tonal implementation in Standard Chinese", J. Phonetics 36 (2008): syllables in focus are
about a quarter longer. How much louder they are is ours.
"""

from dataclasses import dataclass

from synth.engines.fastspeech2.symbols import Spelling

__all__ = ["Stress", "stresses"]


@dataclass(frozen=True, slots=True)
class Stress:
    """How one syllable is bent; as it stands it bends nothing.

    Attributes:
        length: what its length is multiplied by.
        pitch: semitones, added.
        pitch_range: how far its pitch is from the utterance's mean, multiplied.
        loudness: decibels, added.
    """

    length: float = 1.0
    pitch: float = 0.0
    pitch_range: float = 1.0
    loudness: float = 0.0


_PLAIN = Stress()
_IN_FOCUS = Stress(length=1.25, pitch=1.2, pitch_range=1.4, loudness=2.5)
_BEHIND = Stress(pitch=-1.0, pitch_range=0.75, loudness=-1.5)


def stresses(spelling: Spelling) -> tuple[Stress, ...]:
    """How each syllable is bent by the emphasis in an utterance."""
    found: list[Stress] = []
    behind = False
    for syllable in range(len(spelling.finals)):
        if syllable in spelling.emphasised:
            found.append(_IN_FOCUS)
            behind = True
        else:
            found.append(_BEHIND if behind else _PLAIN)
        if syllable in spelling.ends:
            behind = False
    return tuple(found)
