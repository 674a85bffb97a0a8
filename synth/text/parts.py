"""From a text with its marks to what is spoken in which manner: script → passages → segments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from synth.emotion import EMOTIONS, EmotionVector
from synth.engines.protocol import Segment
from synth.text import foreign
from synth.text.mood import suggest
from synth.text.normalise import check_text, nothing_to_speak, written_out
from synth.text.script import Manner, Passage, read_script
from synth.text.segments import cut, quickly_begun, sentences

__all__ = ["Part", "SpokenText", "to_parts"]


@dataclass(frozen=True, slots=True)
class Part:
    """Segments that are spoken in one manner."""

    segments: tuple[Segment, ...]
    manner: Manner


@dataclass(frozen=True, slots=True)
class SpokenText:
    """What will be spoken, in order.

    Attributes:
        silence: seconds before the first segment; behind each the segment itself says them.
        warnings: what the text's author should know; see `synth.text.notices`.
    """

    parts: tuple[Part, ...]
    silence: float
    warnings: tuple[str, ...]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, whatever their manner."""
        return tuple(segment for part in self.parts for segment in part.segments)


def to_parts(
    text: str,
    manner: Manner,
    roles: Mapping[str, Manner],
    intensity: float,
    longest: int,
    first: int | None = None,
    emotions: Sequence[str] = EMOTIONS,
    language: str = "",
) -> SpokenText:
    """Read a text's marks, write out what is read aloud, and cut it into segments.

    Args:
        manner: of what no role and no mark says otherwise.
        roles: by name, how each speaks.
        intensity: of a mark that names an emotion alone.
        longest: characters of one segment, an engine's `Capabilities.longest_segment`.
        first: characters of the first segment, as for `synth.text.segments.to_segments`.
        emotions: those that may be suggested for a sentence, where that is asked for; an engine's `Capabilities.emotions`.
        language: of the text, by its BCP 47 tag; Chinese if it is empty.

    Raises:
        UsageError: E_TEXT, if nothing in it can be spoken; E_SCRIPT, for a mark that can't be meant.
    """
    check_text(text)
    written, silence_behind = read_script(text, manner, roles, intensity)
    parts: list[Part] = []
    warnings: dict[str, None] = {}
    before = silence = 0.0
    for passage in (felt for whole in written for felt in _felt(whole, emotions)):
        silence += passage.silence
        spoken = foreign.written_out(passage.text, language) if foreign.is_foreign(language) else written_out(passage.text)
        warnings.update(dict.fromkeys(spoken.warnings))
        segments = quickly_begun(cut(spoken.text, longest), None if parts else first)
        if not segments:
            continue
        if parts:
            parts[-1] = _followed_by(parts[-1], silence)
        else:
            before = silence
        parts.append(Part(segments, passage.manner))
        silence = 0.0
    if not parts:
        raise nothing_to_speak()
    parts[-1] = _ended(parts[-1], silence + silence_behind)
    return SpokenText(tuple(parts), before, tuple(warnings))


def _felt(passage: Passage, emotions: Sequence[str]) -> Iterator[Passage]:
    """The passage; or, where its words are to say how they are felt, its sentences, neighbours of one emotion together."""
    if not passage.manner.suggested:
        yield passage
        return
    silence = passage.silence
    for vector, alike in groupby(sentences(passage.text), lambda sentence: _suggested(sentence, emotions)):
        yield Passage("".join(alike), passage.manner.feeling(vector), silence)
        silence = 0.0


def _suggested(sentence: str, emotions: Sequence[str]) -> EmotionVector:
    weights = zip(EMOTIONS, suggest(sentence).weights, strict=True)
    return EmotionVector.from_weights([weight if label in emotions else 0.0 for label, weight in weights])


def _followed_by(part: Part, silence: float) -> Part:
    """The pause that its punctuation gives, or the silence that was asked for, if that is longer."""
    last = part.segments[-1]
    return _ended(part, max(last.pause, silence))


def _ended(part: Part, pause: float) -> Part:
    return replace(part, segments=(*part.segments[:-1], replace(part.segments[-1], pause=pause)))
