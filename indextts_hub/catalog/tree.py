"""YAML as plain values, with the line and column of each: what an error in a catalogue points at.

Only what JSON has too: maps with distinct text keys, lists, text, whole numbers, true, false and null. What YAML would read as a
date, a fraction or 'yes' stays the text it is. Size, depth and number of values are bounded, so that no file can be a bomb.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

import yaml

from indextts_hub.errors import UsageError
from indextts_hub.manifest import Json

__all__ = ["Location", "Tree", "read_tree"]

Location = tuple[str | int, ...]
"""Keys and places that lead to a value from the top."""

# Thousands of files with chunk digests.
LARGEST = 16 * 2**20
DEEPEST = 20
MOST_NODES = 300_000

_INTEGER = re.compile(r"[-+]?[0-9]{1,19}")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Tree:
    """A document: its values, and where in the file each stands.

    Attributes:
        origin: the file or address it came from.
        value: the document.
        places: line and column, from 1, of each value and, under its location with `.key` in front, of each key.
    """

    origin: str
    value: Json
    places: Mapping[Location, tuple[int, int]] = field(repr=False)

    def error(self, at: Location, message: str, *, remedy: str) -> UsageError:
        """An E_CATALOG error that points at `at`, or at what is nearest above it."""
        while at and at not in self.places:
            at = at[:-1]
        return _error(self.origin, self.places.get(at, (1, 1)), message, remedy)


def read_tree(body: bytes, origin: str | PurePath) -> Tree:
    """Read one YAML document.

    Raises:
        UsageError: E_CATALOG with file, line and column.
    """
    origin = str(origin)
    if len(body) > LARGEST:
        raise _error(origin, (1, 1), f"it is larger than {LARGEST} bytes", "split it, and join the parts with include:")
    try:
        text = body.decode("utf-8-sig")
        node = yaml.compose(text, Loader=_LOADER)
    except UnicodeDecodeError:
        raise _error(origin, (1, 1), "it is not UTF-8", "save it as UTF-8") from None
    except RecursionError:
        raise _error(origin, (1, 1), "it nests too deep", "write it flatter") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _error(origin, place, f"this is no YAML: {error.problem or error.context}", "mend the file") from None
    except yaml.YAMLError as error:
        raise _error(origin, (1, 1), f"this is no YAML: {str(error).splitlines()[0]}", "mend the file") from None
    reader = _Reader(origin)
    return Tree(origin, reader.read(node, ()) if node else None, reader.places)


class _Reader:
    """Turns nodes into values and notes where they stood."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.places: dict[Location, tuple[int, int]] = {}
        self.count = 0

    def read(self, node: yaml.Node, at: Location) -> Json:
        place = _place(node)
        self.places[at] = place
        self.count += 1
        if len(at) > DEEPEST or self.count > MOST_NODES:
            # References to one node are read each time they are made: a small file could stand for a huge one.
            raise _error(self.origin, place, "it nests too deep or has too many values", "write it flatter, without *references")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(part, (*at, number)) for number, part in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, at: Location) -> Json:
        found: dict[str, Json] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _error(self.origin, _place(key_node), "a key that is no text", "write the key as text")
            key = str(key_node.value)
            if key in found:
                raise _error(self.origin, _place(key_node), f"the key {key!r} stands twice", "keep one of the two")
            found[key] = self.read(value_node, (*at, key))
            self.places[".key", *at, key] = _place(key_node)
        return found


def _scalar(node: yaml.Node) -> Json:
    text = str(node.value)
    if getattr(node, "style", None):  # quoted, or a block: text as it stands
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _place(node: yaml.Node) -> tuple[int, int]:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _error(origin: str, place: tuple[int, int], message: str, remedy: str) -> UsageError:
    return UsageError(f"{origin}:{place[0]}:{place[1]}: {message}", remedy=remedy, code="E_CATALOG")
