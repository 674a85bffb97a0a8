"""The native engine: `lite`'s one Mandarin voice at 24 kHz. Deterministic: the same segment and settings give the same samples.

text → syllables → symbols → predict → bend → decode → pace → level → shade → vocode → breathe → tape → limit
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from indextts_hub.errors import UsageError
from indextts_hub.surroundings import processors
from synth.emotion import EMOTIONS, NEUTRAL
from synth.engines.fastspeech2.bending import bent
from synth.engines.fastspeech2.hesitation import hesitant
from synth.engines.fastspeech2.model import FRAME, LONGEST, SAMPLE_RATE, FastSpeech2
from synth.engines.fastspeech2.pace import paced
from synth.engines.fastspeech2.profiles import Expression, expression
from synth.engines.fastspeech2.reference import mood_of
from synth.engines.fastspeech2.spectrum import Breath, levelled, shaded
from synth.engines.fastspeech2.symbols import Mapper, Spelling, read_mapper
from synth.engines.fastspeech2.tape import Tape
from synth.engines.fastspeech2.vocoder import Vocoder
from synth.engines.fastspeech2.weights import load_acoustic_model, load_vocoder
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings, Spoken
from synth.text.mood import suggest
from synth.text.pinyin import Break, Syllable, to_syllables

__all__ = ["CAPABILITIES", "FastSpeech2Engine", "load"]

CAPABILITIES = Capabilities(
    sample_rate=SAMPLE_RATE,
    emotions=(NEUTRAL, *EMOTIONS),
    cloning=False,
    # 60 syllables are 12 s, an octave higher 24 before the tape: below the 25 s that the network's table of positions covers.
    longest_segment=60,
    languages=("zh",),
    notes=(
        "one female voice; a reference clip can change its mood, not its timbre",
        "the seed changes nothing: speech is deterministic",
    ),
    levels=1,
    controls=("pitch", "volume", "emotion_voice", "emotion_text"),
)

# The voice as it was trained stays below; only what an emotion makes louder comes up here.
_KNEE = 0.8

# Each takes some 100 MiB beyond what they share.
_MOST_AT_ONCE = 8

# Samples over which a segment dies away, 5 ms: too short to be heard as anything.
_FADE = 120

# Half as long a segment takes half the memory beyond the weights: the mel and the vocoder's layers grow with it.
_THRIFTY = replace(CAPABILITIES, longest_segment=30, thrift=("memory is short: sentences are cut every 30 characters",))


@dataclass(frozen=True, slots=True)
class FastSpeech2Engine:
    """The two networks and the mapper between text and them."""

    mapper: Mapper
    acoustic: FastSpeech2
    vocoder: Vocoder
    capabilities: Capabilities = CAPABILITIES

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        """Speak one segment, its pause as silence behind it.

        Raises:
            UsageError: E_TEXT, if the segment is longer than the network's table of positions.
        """
        pieces = list(self.stream(segment, settings))
        return replace(pieces[0], samples=b"".join(piece.samples for piece in pieces), ends=True)

    def stream(self, segment: Segment, settings: Settings) -> Iterator[SegmentSpeech]:
        """As `speak`, in pieces as they are computed: together the same bytes, the times with the first, its pause with the last.

        Raises:
            UsageError: E_TEXT, if the segment is longer than the network's table of positions.
        """
        sounds = to_syllables(segment.text)
        spelling = self.mapper.spell(sounds)
        if len(spelling.ids) > LONGEST:
            raise UsageError(
                f"a segment of {len(spelling.ids)} symbols, and this engine speaks at most {LONGEST} in one go",
                remedy="put punctuation into the text",
                code="E_TEXT",
            )
        how = expression(settings.emotion, _moods(settings))
        hesitating = hesitant(self.acoustic.predict(torch.tensor(spelling.ids)), spelling, how.hesitation)
        predicted, spelling = hesitating.predicted, hesitating.spelling
        bend = bent(predicted, spelling, how, settings.speed, settings.pitch)
        acoustics = self.acoustic.decode(replace(predicted, frames=bend.frames.float()))
        mel = paced(acoustics.mel, acoustics.durations, bend.ends)  # [F, 80]
        mel = shaded(levelled(mel), how, bend.ratios, bend.loudness)
        breath, tape = Breath(mel, how.breath), Tape(bend.ratios)
        gain = 10 ** (settings.volume / 20)
        times = _times(sounds, spelling, bend.ends.tolist(), tape)
        silence = torch.zeros(round(segment.pause * how.pauses * SAMPLE_RATE))
        at = said = 0
        for samples in self.vocoder.stream(mel):
            breathed = samples + breath.over(at, at + len(samples))
            at += len(samples)
            ends = at == len(mel) * FRAME
            taped = tape.push(breathed, ends=ends)
            heard = limited(taped * gain) * _fading(said, said + len(taped), int(tape.times[-1]))
            said += len(taped)
            yield SegmentSpeech(_bytes(torch.cat([heard, silence]) if ends else heard), times=times, ends=ends)
            times = ()


def _moods(settings: Settings) -> list[tuple[float, Expression]]:
    """What a reference and a text add to the emotions, each with its weight."""
    moods: list[Expression] = []
    if settings.emotion_voice is not None:
        moods.append(mood_of(Path(settings.emotion_voice)))
    if settings.emotion_text is not None:
        moods.append(expression(suggest(settings.emotion_text).weights))
    return [(settings.intensity, mood) for mood in moods]


def limited(samples: Tensor) -> Tensor:
    """Bend what is too loud below 1, sample by sample; what is not stays as it is, so that loudness is even over segments."""
    loud = samples.abs()
    if not len(loud) or float(loud.max()) <= _KNEE:
        return samples
    over = _KNEE + (1 - _KNEE) * torch.tanh((loud - _KNEE) / (1 - _KNEE))
    return torch.where(loud > _KNEE, over * samples.sign(), samples)


def _fading(start: int, end: int, last: int) -> Tensor:
    """What these samples of `last` count: 1, but for the last of all, so that no vowel that is cut off is heard as a click."""
    return ((last - torch.arange(start, end)) / _FADE).clamp(0.0, 1.0)


def _bytes(samples: Tensor) -> bytes:
    return samples.numpy().astype("<f4").tobytes()


def _times(sounds: tuple[Syllable | Break, ...], spelling: Spelling, ends: list[float], tape: Tape) -> tuple[Spoken, ...]:
    """When each character, or each word in Latin letters, is heard: from where its symbols end, in frames before the tape."""
    seconds = [float(tape.times[round(end * FRAME)]) / SAMPLE_RATE for end in (0.0, *ends)]
    spans: dict[int, tuple[float, float]] = {}
    for number, (start, end) in zip(spelling.syllables, pairwise(seconds), strict=True):
        spans[number] = (spans.get(number, (start, end))[0], end)
    times: list[Spoken] = []
    for number, syllable in enumerate(sound for sound in sounds if isinstance(sound, Syllable)):
        start, end = spans[number]
        if syllable.text or not times:
            times.append(Spoken(syllable.text, start, end))
        else:  # a further syllable of the same word
            times[-1] = replace(times[-1], end=end)
    return tuple(times)


def load(snapshot: Path, thrift: int = 0) -> FastSpeech2Engine:
    """Load `lite` from its snapshot and speak once, so that the first real segment is not slower than the next.

    Each segment is spoken by one thread, and as many at once as there are processors, in doubles or threads: those that share the
    layers of one segment wait for each other at every layer, and its samples would depend on who else is being spoken for.

    Args:
        thrift: above 0 it takes shorter segments, one at a time.

    Raises:
        IntegrityError: E_WEIGHTS, if a file does not hold what this engine knows.
    """
    torch.set_num_threads(1)
    engine = FastSpeech2Engine(
        read_mapper(snapshot / "baker_mapper.json"),
        load_acoustic_model(snapshot / "fastspeech2_quan.tflite"),
        load_vocoder(snapshot / "mb_melgan.tflite"),
        _THRIFTY if thrift else replace(CAPABILITIES, at_once=min(processors(), _MOST_AT_ONCE)),
    )
    engine.speak(Segment("你好"), Settings())
    return engine
