"""From text to the segments that an engine speaks in one go, each with the silence behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from synth.engines.protocol import Segment
from synth.text.marks import EMPHASIS, READING, SPELLING, spoken_length, without_emphasis
from synth.text.normalise import normalise
from synth.text.pinyin import is_readable
from synth.text.words import cut_words

__all__ = ["QUICK_START", "SegmentedText", "cut", "quickly_begun", "sentences", "shortened", "to_segments"]

QUICK_START = 20
"""Characters of a first segment that is heard soon: some 4 s of speech, in which the next is ready."""

# A shorter first segment would be a breath of its own, and what is left of the sentence should not be a scrap either.
_SHORTEST_START = 8

# Seconds of silence behind a segment. A reader of news pauses 0.3 to 0.6 s at a full stop and about half of that at a comma; the
# engine's own closing silence, about 0.15 s, comes on top.
PAUSES = {"\n": 0.45, "。": 0.3, "！": 0.3, "？": 0.3, "!": 0.3, "?": 0.3, ".": 0.3, "；": 0.25, ";": 0.25}
PAUSE_AT_COMMA = 0.1
PAUSE_AT_CUT = 0.0

_SENTENCE = re.compile(rf"(?:{SPELLING}|[^。！？!?；;\n.]|\.(?!\s|$))*(?:\.(?=\s|$)|[。！？!?；;\n])*[”’」』）)]*")
_CLAUSE = re.compile(rf"(?:{READING}|[^，、：,:—])+[，、：,:—]*|[，、：,:—]+")
# Where a first segment may end: no list is cut at 、, and no reading at its colon.
_STOP = re.compile(rf"(?:{READING}|[^，,：:—])+[，,：:—]+")
_NUMBER = "[零〇一二三四五六七八九十百千万亿两点幺]{2,}"
# An emphasis, a reading, a word in Latin letters, a number, Han characters, or any other: what is cut no further than into words.
_ATOM = re.compile(rf"{EMPHASIS}|{READING}|[A-Za-z]+(?:-[A-Za-z]+)*|{_NUMBER}|(?:(?!{_NUMBER})[\u3400-\u9fff])+|.", re.DOTALL)
_HAN = re.compile(rf"(?!{_NUMBER})[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class SegmentedText:
    """What will be spoken, in order, and what its author should know."""

    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()


def to_segments(text: str, longest: int, first: int | None = None) -> SegmentedText:
    """Normalise a text and cut it: at sentences, where one is too long at clauses, and only then between words.

    Args:
        text: as a person wrote it.
        longest: characters of one segment, an engine's `Capabilities.longest_segment`.
        first: characters of the first segment, if punctuation allows, so that speech begins soon; `QUICK_START` is a good one.

    Raises:
        UsageError: E_TEXT, if nothing in it can be spoken.
    """
    spoken = normalise(text)
    segments = quickly_begun(cut(spoken.text, longest), first)
    last = segments[-1]
    return SegmentedText((*segments[:-1], Segment(last.text)), spoken.warnings)


def sentences(text: str) -> tuple[str, ...]:
    """A text in its sentences, which together are the text."""
    return tuple(filter(None, _SENTENCE.findall(text)))


def cut(spoken: str, longest: int) -> tuple[Segment, ...]:
    """Cut normalised text, each segment with the pause that stands behind it; none, if nothing in it can be spoken."""
    return tuple(segment for sentence in _SENTENCE.findall(spoken) for segment in _segments(sentence, longest))


def quickly_begun(segments: tuple[Segment, ...], first: int | None) -> tuple[Segment, ...]:
    """The same, the first of at most `first` characters where a comma or a colon allows it; never between words."""
    if first is None or not segments or spoken_length(segments[0].text) <= first:
        return segments
    whole, rest = segments[0], segments[1:]
    for stop in _STOP.finditer(whole.text):
        begin, left = whole.text[: stop.end()], whole.text[stop.end() :].strip()
        if _SHORTEST_START <= spoken_length(begin) <= first and spoken_length(left) >= _SHORTEST_START:
            return (Segment(begin, PAUSE_AT_COMMA), Segment(left, whole.pause), *rest)
    return segments


def shortened(segment: Segment, longest: int) -> tuple[Segment, ...]:
    """The same in shorter segments, for an engine that takes no longer ones any more."""
    if spoken_length(segment.text) <= longest:
        return (segment,)
    parts = list(_packed(segment.text, longest))
    return (*(Segment(part) for part in parts[:-1]), Segment(parts[-1], segment.pause))


def _segments(sentence: str, longest: int) -> Iterator[Segment]:
    body = sentence.strip()
    if not _speaks(body):
        return
    pause = next((PAUSES[character] for character in reversed(sentence) if character in PAUSES), PAUSE_AT_COMMA)
    parts = list(_packed(body, longest))
    for number, part in enumerate(parts, 1):
        at_comma = PAUSE_AT_COMMA if part[-1] in "，、：,:—" else PAUSE_AT_CUT
        yield Segment(part, pause if number == len(parts) else at_comma)


def _packed(sentence: str, longest: int) -> Iterator[str]:
    """Clauses put together as long as they fit; a clause that alone is too long is cut between its atoms."""
    if spoken_length(sentence) <= longest:
        yield sentence
        return
    held = ""
    for piece in (piece for clause in _CLAUSE.findall(sentence) for piece in _cut(clause, longest)):
        if held and spoken_length(held) + spoken_length(piece) > longest:
            yield from (held.strip(),) if _speaks(held) else ()
            held = ""
        held += piece
    if _speaks(held):
        yield held.strip()


def _cut(clause: str, longest: int) -> Iterator[str]:
    if spoken_length(clause) <= longest:
        yield clause
        return
    held = ""
    for atom in (piece for whole in _ATOM.findall(clause) for piece in _atoms(whole, longest)):
        if held and spoken_length(held) + spoken_length(atom) > longest:
            yield held
            held = ""
        held += atom
    yield held


def _atoms(whole: str, longest: int) -> Iterator[str]:
    """What is left together: an emphasis that fits, a reading, a word; a word longer than a segment is no word: cut it."""
    if whole.startswith("<em>") and spoken_length(whole) > longest:
        yield from (f"<em>{part}</em>" for part in _cut(without_emphasis(whole), longest))
    elif whole.startswith("<"):
        yield whole
    else:
        for word in cut_words(whole) if _HAN.match(whole) else (whole,):
            yield from (word[start : start + longest] for start in range(0, len(word), longest))


def _speaks(text: str) -> bool:
    # Letters that have no reading here are those of another language: what nothing reads was left out before.
    return any(character.isalpha() or is_readable(character) for character in text)
