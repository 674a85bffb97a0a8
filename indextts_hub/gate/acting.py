"""Whether a file that is called something else would do anything if it were unpickled all the same.

A look at its instructions from the first byte on, with no more understanding than that each finds on the stack what it takes: texts
and other formats fall over within their first words. What would import and call something is then held to the rules of pickles.
"""

import io
import pickletools
from typing import BinaryIO

from indextts_hub.gate.refusal import exactly

__all__ = ["acts"]

# Almost everything is told by its first words; the large window bounds time and memory.
_WINDOWS = (1 << 12, 64 << 20)
_MOST_INSTRUCTIONS = 1_000_000

_IMPORTS = frozenset({"GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"})
_CALLS = frozenset({"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "STOP"})


def acts(file: BinaryIO, size: int) -> bool:
    """Whether an unpickler would import something and call it, or hand it out, before it fell over."""
    for window in _WINDOWS:
        stream = io.BytesIO(exactly(file, 0, min(window, size)))
        imported, called = _followed(stream)
        if called or stream.tell() < min(window, size) or window >= size:
            return called
    return imported


def _followed(stream: io.BytesIO) -> tuple[bool, bool]:
    """Whether something is imported, and whether it is then called, until the instructions end or make no sense."""
    done = 0
    try:
        # One pickle may stand behind another: who reads one may go on with the next.
        while True:
            walk = _Walk()
            for instruction, _, _ in pickletools.genops(stream):
                done += 1
                if not walk.can(instruction) or done >= _MOST_INSTRUCTIONS:
                    return walk.imported, walk.imported and done >= _MOST_INSTRUCTIONS
                if walk.imported and instruction.name in _CALLS:
                    return True, True
    except (ValueError, IndexError, OverflowError):
        return walk.imported, False


class _Walk:
    """How many values are on the stack, and where the marks are."""

    def __init__(self) -> None:
        self.imported = False
        self._depth = 0
        self._marks: list[int] = []

    def can(self, instruction: pickletools.OpcodeInfo) -> bool:
        """Take one step; False if it asks for more than there is."""
        before = instruction.stack_before
        if pickletools.stackslice in before:
            self._depth, taken = self._marks.pop(), before.index(pickletools.markobject)
        else:
            taken = len(before)
        if taken > self._depth:
            return False
        self.imported |= instruction.name in _IMPORTS
        if instruction.name == "MARK":
            self._marks.append(self._depth)
        else:
            self._depth += len(instruction.stack_after) - taken
        return True
