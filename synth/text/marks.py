"""The marks inside a segment's text, which say how it is read and are not read themselves. Pure; standard library only.

    这<em>非常<行|XING2></em>。

`<行|XING2>` is a reading, `<em>非常</em>` is emphasis: from `<em>` to `</em>`, or to the end of the line. In normalised text each
`<em>` has its `</em>`, and no punctuation stands between them, so that a segment that ends at punctuation has whole marks.
"""

import re
from collections.abc import Iterator

__all__ = ["EMPHASIS", "READING", "SPELLING", "emphasised", "spoken_length", "stretches", "without_emphasis", "without_marks"]

READING = r"<[^<>|\n]{1,8}\|[A-Za-zü:1-5\ ]{2,60}>"
"""Matches a reading; what it reads stands before the bar."""

SPELLING = r"<[^<>|\n]{1,40}\|[^<>|\n]{2,80}>"
"""Matches a reading of any language, `<minute|M IH1 . N AH0 T>`, that only some engines understand."""

EMPHASIS = r"<em>[^\n]*?</em>"
"""Matches an emphasis in normalised text."""

_EDGE = re.compile("</?em>", re.IGNORECASE)
_SPLIT = re.compile("(</?em>|\n)", re.IGNORECASE)
_READ = re.compile(r"<([^<>|\n]{1,8})\|[A-Za-zü:1-5\ ]{2,60}>")


def stretches(text: str) -> Iterator[tuple[str, bool]]:
    """The text without its marks of emphasis, in pieces, and of each whether it is emphasised."""
    held = False
    for piece in _SPLIT.split(text):
        if _EDGE.fullmatch(piece):
            held = piece[1] != "/"
            continue
        held = held and piece != "\n"
        if piece:
            yield piece, held


def emphasised(text: str, ends: str) -> str:
    """Mark a stretch of normalised text, between the characters that end a clause.

    Args:
        ends: those characters, outside of readings.
    """
    clause = re.compile(rf"(?:{READING}|[^{re.escape(ends)}])+")
    return clause.sub(lambda found: _wrapped(found.group()), text)


def _wrapped(clause: str) -> str:
    bare = clause.strip()
    return clause.replace(bare, f"<em>{bare}</em>") if bare else clause


def without_emphasis(text: str) -> str:
    """For engines that know no emphasis: the text without its marks, readings kept."""
    return _EDGE.sub("", text)


def without_marks(text: str) -> str:
    """What people read, in captions: the words alone."""
    return _READ.sub(r"\1", without_emphasis(text))


def spoken_length(text: str) -> int:
    """Characters that are spoken; marks are none."""
    return len(text) if "<" not in text else len(without_marks(text))
