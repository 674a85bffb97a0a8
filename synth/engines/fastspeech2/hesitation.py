"""Where a voice stops that need not: within long phrases, between two words.

Goldman-Eisler, "Psycholinguistics: Experiments in Spontaneous Speech" (1968): hesitations fall between words, more of them where a
speaker is afraid or depressed. Every half dozen syllables is ours.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from synth.engines.fastspeech2.model import FRAME, SAMPLE_RATE, Prediction
from synth.engines.fastspeech2.symbols import SILENCE, Spelling

__all__ = ["Hesitant", "hesitant"]

# A phrase of fewer syllables is said in one go.
_SHORTEST = 8
_EVERY = 6


@dataclass(frozen=True, slots=True)
class Hesitant:
    """A prediction and the spelling it is of, with the silences that were put in."""

    predicted: Prediction
    spelling: Spelling


def hesitant(predicted: Prediction, spelling: Spelling, seconds: float) -> Hesitant:
    """Put silences of so many seconds between words of long phrases; none, or in short ones: what was given."""
    stops = _stops(spelling) if seconds > 0 else ()
    if not stops:
        return Hesitant(predicted, spelling)
    # Behind the joint of each such syllable stands what the network made of the silence at the beginning.
    behind = {spelling.finals[stop] + 1 for stop in stops}
    order: list[int] = []
    silent: list[int] = []
    for at in range(len(spelling.ids)):
        order.append(at)
        if at in behind:
            silent.append(len(order))
            order.append(0)
    frames = predicted.frames[order]
    frames[silent] = seconds * SAMPLE_RATE / FRAME
    syllables = [spelling.syllables[at] for at in order]
    for at in silent:
        syllables[at] = SILENCE
    shifted = Prediction(predicted.hidden[order], frames, predicted.f0[order], predicted.energy[order])
    finals = torch.tensor(spelling.finals)
    moved = finals + (finals[:, None] > torch.tensor(sorted(behind))).sum(1)
    ids = tuple(spelling.ids[at] for at in order)
    return Hesitant(shifted, replace(spelling, ids=ids, syllables=tuple(syllables), finals=tuple(moved.tolist())))


def _stops(spelling: Spelling) -> tuple[int, ...]:
    """The syllables behind which the voice stops: ends of words, evenly over each long phrase."""
    stops: list[int] = []
    for before, end in pairwise([-1, *sorted(spelling.ends)]):
        length = end - before
        count = length // _EVERY if length >= _SHORTEST else 0
        for number in range(1, count + 1):
            wanted = before + number * length / (count + 1)
            near = [at for at in spelling.word_ends if before < at < end and abs(at - wanted) <= _EVERY / 2]
            if near:
                stops.append(min(near, key=lambda at: abs(at - wanted)))
    return tuple(dict.fromkeys(stops))
