"""Batch files: many texts in one file, one a line, each with what is asked of it. CSV, JSON Lines, or the cues of an SRT. Pure."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from indextts_hub.errors import UsageError

__all__ = ["FORMS", "MOST_LINES", "Line", "read_lines"]

MOST_LINES = 10_000
"""A long book; what is longer is two files."""

LONGEST_NAME = 100
_NAME = re.compile(r"[\w][\w .-]*(?<![ .])")
_TIMES = re.compile(r"(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*(\d{1,3}):(\d\d):(\d\d)[,.](\d{1,3}).*")


@dataclass(frozen=True, slots=True)
class Line:
    """One text of a batch; what is None is as the whole batch has it.

    Attributes:
        number: of the line, from 1; a header is none.
        name: of its files, without a suffix.
        emotion: a label or its Chinese name.
        emotion_voice, emotion_text: whose mood is taken instead.
        pitch: semitones.
        volume: decibels.
        language: a tag.
        start, end: seconds at which an SRT has it.
    """

    number: int
    text: str
    name: str | None = None
    emotion: str | None = None
    intensity: float | None = None
    speed: float | None = None
    voice: str | None = None
    seed: int | None = None
    start: float | None = None
    end: float | None = None
    emotion_voice: str | None = None
    emotion_text: str | None = None
    pitch: float | None = None
    volume: float | None = None
    language: str | None = None

    def asked(self) -> "dict[str, str | float]":
        """What the line says of how it is spoken, by the names of the service."""
        said: dict[str, str | float | None] = {name: getattr(self, name) for name in _KEYS if name not in {"text", "name"}}
        return {name: value for name, value in said.items() if value is not None}


_TEXTS = frozenset({"text", "name", "emotion", "voice", "emotion_voice", "emotion_text", "language"})
_NUMBERS: Mapping[str, Callable[[str], float]] = MappingProxyType(
    {"intensity": float, "speed": float, "seed": int, "pitch": float, "volume": float}
)
_KEYS = tuple(field.name for field in fields(Line) if field.name in _TEXTS or field.name in _NUMBERS)


def read_lines(content: str, form: str) -> tuple[Line, ...]:
    """Read a batch file.

    Args:
        form: `csv` (with a header that names `text`), `jsonl` or `srt`.

    Raises:
        UsageError: E_BATCH, naming the line that can't be meant; or there are none, or more than `MOST_LINES`.
    """
    reader = FORMS.get(form)
    if reader is None:
        raise _refused(f"no batch file is called {form[:20]!r}", f"use one of {', '.join(FORMS)}")
    lines: list[Line] = []
    names: set[str] = set()
    for line in reader(content):
        if len(lines) == MOST_LINES:
            raise _refused(f"the file has more than {MOST_LINES} lines", "send it in parts")
        if not line.text.strip():
            continue
        if line.name is not None and line.name.casefold() in names:
            raise _refused(f"line {line.number}: the name {line.name!r} was there before", "give each line a name of its own")
        names.add((line.name or "").casefold())
        lines.append(line)
    if not lines:
        raise _refused("there is no line with a text in the file", f"its columns, or keys, are {', '.join(_KEYS)}")
    return tuple(lines)


def _csv(content: str) -> Iterator[Line]:
    rows = csv.DictReader(io.StringIO(content.removeprefix("\ufeff")), strict=True)
    try:
        if "text" not in (rows.fieldnames or ()):
            raise _refused("the first row of the file names no column `text`", f"name columns {', '.join(_KEYS)} in the first row")
        for number, row in enumerate(rows, 1):
            if None in row:
                raise _refused(f"line {number} has more columns than the first row", 'put texts with commas into quotes: "…"')
            yield _line(number, {key: value for key, value in row.items() if value})
    except csv.Error as error:
        raise _refused(f"the file is no CSV: {error}", "save it as UTF-8 CSV") from None


def _jsonl(content: str) -> Iterator[Line]:
    number = 0
    for text in content.removeprefix("\ufeff").splitlines():
        if not text.strip():
            continue
        number += 1
        try:
            read = json.loads(text)
        except (ValueError, RecursionError):
            raise _refused(f"line {number} is no JSON", "write one object a line") from None
        if not isinstance(read, dict):
            raise _refused(f"line {number} is no JSON object", 'write {"text": "…"}')
        yield _line(number, {key: value for key, value in read.items() if value is not None})


def _srt(content: str) -> Iterator[Line]:
    blocks = re.split(r"\n\s*\n", content.removeprefix("\ufeff").replace("\r\n", "\n").strip())
    for number, block in enumerate(blocks, 1):
        rows = block.split("\n")
        if rows[0].strip().isdigit() and len(rows) > 1:
            del rows[0]
        times = _TIMES.fullmatch(rows[0].strip())
        if times is None:
            raise _refused(f"cue {number} has no times", "write them as 00:00:01,000 --> 00:00:02,500")
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        if end < start:
            raise _refused(f"cue {number} ends before it begins", "put its times right")
        yield Line(number, re.sub(r"</?[a-zA-Z][^<>]*>", "", "\n".join(rows[1:])), start=start, end=end)


FORMS: Mapping[str, Callable[[str], Iterator[Line]]] = MappingProxyType({"csv": _csv, "jsonl": _jsonl, "srt": _srt})
"""How each kind of batch file is read, by its suffix."""


def _line(number: int, given: Mapping[str | None, object]) -> Line:
    found: dict[str, str | float] = {}
    for key, value in given.items():
        if key in _TEXTS and isinstance(value, str):
            found[str(key)] = value
        elif key in _NUMBERS and isinstance(value, str | int | float):
            try:
                found[str(key)] = _NUMBERS[str(key)](str(value))
            except ValueError:
                raise _refused(f"line {number}: {key} is {str(value)[:20]!r}", "give a number") from None
        else:
            raise _refused(f"line {number}: there is no {str(key)[:40]!r}, or not with such a value", f"use {', '.join(_KEYS)}")
    name = found.get("name")
    if isinstance(name, str) and (len(name) > LONGEST_NAME or not _NAME.fullmatch(name)):
        raise _refused(f"line {number}: {name[:40]!r} can't be the name of a file", "use letters, digits, - and _")
    if "text" not in found:
        raise _refused(f"line {number} has no text", "give each line one")
    return Line(number, **found)  # type: ignore[arg-type]  # each was made what its field is, above


def _seconds(clock: tuple[str, ...]) -> float:
    hours, minutes, seconds, fraction = clock
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _refused(what: str, remedy: str) -> UsageError:
    return UsageError(what, remedy=remedy, code="E_BATCH")
