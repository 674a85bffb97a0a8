"""A voice that hesitates stops between words of long phrases, as long as it is told to."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from synth.emotion import EMOTIONS
from synth.engines.fastspeech2.hesitation import hesitant
from synth.engines.fastspeech2.model import Prediction
from synth.engines.fastspeech2.symbols import SILENCE, Mapper, Spelling
from synth.engines.protocol import Segment, Settings
from synth.text.pinyin import to_syllables

LONG = "他昨天晚上突然打电话告诉我今天不用去学校了"


class AnySymbol(dict[str, int]):
    def __missing__(self, name: str) -> int:
        return len(name)


class AnySyllable(dict[str, tuple[str, str]]):
    def __missing__(self, pinyin: str) -> tuple[str, str]:
        return "^", pinyin


def spelled(text: str) -> Spelling:
    return Mapper(AnySymbol(), AnySyllable()).spell(to_syllables(text))


def predicted(spelling: Spelling) -> Prediction:
    count = len(spelling.ids)
    numbers = torch.arange(count, dtype=torch.float32)
    return Prediction(numbers[:, None].expand(count, 4).clone(), torch.full((count,), 5.0), numbers, numbers)


def test_none_or_in_a_short_phrase_is_what_was_predicted() -> None:
    for text, seconds in ((LONG, 0.0), ("今天天气好", 0.5), ("", 0.5)):
        spelling = spelled(text)
        given = predicted(spelling)
        found = hesitant(given, spelling, seconds)
        assert found.predicted is given
        assert found.spelling is spelling


def test_silences_stand_between_words_and_all_else_stays_in_order() -> None:
    spelling = spelled(LONG)
    found = hesitant(predicted(spelling), spelling, 0.125)
    added = [at for at, (one, other) in enumerate(pairwise(found.predicted.f0.tolist()), 1) if other < one]
    assert len(added) == 3
    for at in added:
        assert found.spelling.syllables[at] == SILENCE
        assert found.spelling.syllables[at - 1] in spelling.word_ends
        assert float(found.predicted.frames[at]) == 10.0
        assert torch.equal(found.predicted.hidden[at], torch.zeros(4))
    kept = [at for at in range(len(found.spelling.ids)) if at not in added]
    assert [float(found.predicted.f0[at]) for at in kept] == list(range(len(spelling.ids)))
    assert [found.spelling.syllables[at] for at in found.spelling.finals] == list(range(len(spelling.finals)))


def test_nothing_is_torn_from_the_word_that_it_leans_on() -> None:
    read = [sound for sound in to_syllables("我们的老师说过的话大家都记住了") if not hasattr(sound, "level")]
    ends = spelled("我们的老师说过的话大家都记住了").word_ends
    assert not any(read[end + 1].tone == "5" for end in ends if end + 1 < len(read))


@pytest.mark.slow
def test_a_frightened_voice_stops_within_a_long_phrase_and_the_longer_the_more_it_is_frightened(lite_snapshot: Path) -> None:
    from synth.engines.fastspeech2.engine import load

    engine = load(lite_snapshot)

    def longest_gap(intensity: float) -> float:
        settings = Settings(emotion=tuple(intensity * (name == "afraid") for name in EMOTIONS))
        times = engine.speak(Segment(LONG), settings).times
        return max(after.start - before.end for before, after in pairwise(times))

    gaps = [longest_gap(intensity) for intensity in (0.0, 0.5, 1.0)]
    assert gaps[0] == pytest.approx(0.0, abs=1e-6)
    assert 0.03 < gaps[1] < gaps[2]
