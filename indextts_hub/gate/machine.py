"""A pickle's instructions, followed without doing any of them: what it would import, call and build is worked out as plain values.

The rules:

1.  Only the instructions below are let in; those of protocols 0 and 1, of extensions (EXT), of old classes (INST, OBJ) and of new
    ones (NEWOBJ) are in no file that `torch.save` wrote.
2.  Every import is on the allow-list, by the bytes that stand in the file. Every call is of one that may be called, with arguments
    of the right kinds.
3.  What is put into a list goes into a list, what is put into a dictionary into a dictionary (CVE-2026-24747 lives on the
    opposite), and a state is given to nothing but the `_metadata` of a state dictionary.
4.  Memory is bounded by the pickle's size, time by the number of its instructions.

The order of instructions is `pickletools.genops`'s. Pure: no I/O.
"""

import io
import pickletools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from indextts_hub.gate.allowed import CALLS, AllowList, Container, Name, Storage, Table, Value, element_size
from indextts_hub.gate.refusal import Refusal

__all__ = ["LARGEST_PICKLE", "Pickled", "follow"]

LARGEST_PICKLE = 64 << 20
"""Bytes: the names and shapes of 300,000 tensors; their elements lie beside the pickle."""

# Ten seconds of one processor, and a million instructions are 25,000 tensors.
_MOST_INSTRUCTIONS = 4_000_000
# A dictionary of dictionaries of lists: a training checkpoint nests six deep.
_DEEPEST = 32
_LONGEST_KEY = 64
_PROTOCOLS = range(2, 6)

_Argument: TypeAlias = "bool | int | float | str | bytes | None"


@dataclass(frozen=True, slots=True)
class Pickled:
    """What a pickle makes.

    Attributes:
        value: the whole.
        end: offset of the byte behind it.
        imports: `module.name` of what it imports, in order, each once.
        storages: what lies beside it, by key.
    """

    value: Value
    end: int
    imports: tuple[str, ...]
    storages: Mapping[str, Storage]


def follow(body: bytes, start: int, allowed: AllowList) -> Pickled:
    """Follow the pickle that begins at `start`, to its end.

    Raises:
        Refusal: E_PICKLE, with the offset in `body`; it has what was imported until there.
    """
    machine = _Machine(body, allowed)
    at = start
    try:
        stream = io.BytesIO(body)
        stream.seek(start)
        for count, (instruction, argument, position) in enumerate(pickletools.genops(stream)):
            at = start if position is None else position
            if count >= _MOST_INSTRUCTIONS:
                raise _refused("it has too many instructions", at)
            if (count == 0) != (instruction.name == "PROTO"):
                raise _refused("it does not begin with the number of its protocol, as torch's pickles do", at)
            machine.do(instruction.name, argument, at)
        return Pickled(machine.result(at), stream.tell(), tuple(machine.imports), machine.storages)
    except Refusal as refusal:
        refusal.imports = tuple(machine.imports)
        raise
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        # genops says ValueError of what is cut off or no instruction; the rest is a stack or memo that has not what is asked of it.
        why = f"it is broken: {ascii(str(error))[:120]}" if isinstance(error, ValueError) else "it asks for what is not there"
        raise _broken(why, at, machine.imports) from None


class _Machine:
    """A pickle's stack, its marks and its memo."""

    def __init__(self, body: bytes, allowed: AllowList) -> None:
        self._body = body
        self._allowed = allowed
        self._stack: list[Value] = []
        self._below: list[list[Value]] = []
        self._memo: dict[int, Value] = {}
        self.imports: dict[str, None] = {}
        self.storages: dict[str, Storage] = {}

    def do(self, instruction: str, argument: _Argument, at: int) -> None:
        if instruction in _CONSTANTS:
            self._stack.append(_CONSTANTS[instruction])
        elif instruction in _VALUES:
            self._stack.append(argument)
        elif instruction in _FRESH:
            self._stack.append(_FRESH[instruction]())
        elif (act := _ACTS.get(instruction)) is not None:
            act(self, argument, at)
        else:
            raise _refused(f"the instruction {instruction} is in no file of torch's", at)

    def result(self, at: int) -> Value:
        if len(self._stack) != 1 or self._below:
            raise _refused("it ends with more or less than one value", at)
        _check_depth(self._stack[0], at)
        return self._stack[0]

    def protocol(self, argument: _Argument, at: int) -> None:
        if argument not in _PROTOCOLS:
            raise _refused("it is of a protocol that is not known", at)

    def nothing(self, argument: _Argument, at: int) -> None:
        """FRAME says how much to read ahead, STOP that all is read."""

    def mark(self, _: _Argument, __: int) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _marked(self, at: int) -> list[Value]:
        if not self._below:
            raise _refused("it asks for a mark that is not there", at)
        found, self._stack = self._stack, self._below.pop()
        return found

    def tuple_of_marked(self, _: _Argument, at: int) -> None:
        members = self._marked(at)
        self._stack.append(Container("tuple", members))

    def tuple_of(self, count: int) -> None:
        members = [self._stack.pop() for _ in range(count)]
        self._stack.append(Container("tuple", members[::-1]))

    def put(self, argument: _Argument, _: int) -> None:
        key = len(self._memo) if argument is None else argument
        self._memo[int(key)] = self._stack[-1]

    def get(self, argument: _Argument, at: int) -> None:
        if not isinstance(argument, int) or argument not in self._memo:
            raise _refused("it remembers what it never kept", at)
        self._stack.append(self._memo[argument])

    def append(self, _: _Argument, at: int) -> None:
        self._extend([self._stack.pop()], "list", at)

    def appends(self, _: _Argument, at: int) -> None:
        self._extend(self._marked(at), "list", at)

    def additems(self, _: _Argument, at: int) -> None:
        members = self._marked(at)
        if not all(isinstance(member, str | int) for member in members):
            raise _refused("a set of something else than words and numbers", at)
        self._extend(members, "set", at)

    def _extend(self, members: Iterable[Value], kind: str, at: int) -> None:
        target = self._stack[-1]
        if not isinstance(target, Container) or target.kind != kind:
            raise _refused(f"it puts members into what is no {kind}", at)
        target.members.extend(members)

    def setitem(self, _: _Argument, at: int) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set([key, value], at)

    def setitems(self, _: _Argument, at: int) -> None:
        self._set(self._marked(at), at)

    def _set(self, flat: list[Value], at: int) -> None:
        target = self._stack[-1]
        if not isinstance(target, Table):
            raise _refused("it puts entries into what is no dictionary", at)
        if len(flat) % 2:
            raise _refused("a key without its value", at)
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if key is not None and not isinstance(key, str | int | float):
                raise _refused("a key that is neither a word nor a number", at)
            target.members[key] = value

    def import_written(self, argument: _Argument, at: int) -> None:
        """GLOBAL: `c`, the module, a line feed, the name, a line feed."""
        module, _, name = argument.partition(" ") if isinstance(argument, str) else ("", "", "")
        # genops reads escapes in the names, which an unpickler does not: only what stands there plainly counts.
        if not self._body.startswith(f"c{module}\n{name}\n".encode(), at):
            raise _refused("it imports something by a name that is not plain", at)
        self._import(module, name, at)

    def import_stacked(self, _: _Argument, at: int) -> None:
        """STACK_GLOBAL: the module and the name are the two topmost values, whatever brought them there."""
        name, module = self._stack.pop(), self._stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise _refused("it imports something whose name is no word", at)
        self._import(module, name, at)

    def _import(self, module: str, name: str, at: int) -> None:
        full = Name(module, name)
        shown = ascii(str(full))[1:-1][:120]
        self.imports[shown] = None
        # A dot moved from the module to the name would be another import under the same words.
        if str(full) not in self._allowed.names or "." in name:
            raise _refused(f"it imports {shown}, which is not on the allow-list", at)
        self._stack.append(full)

    def call(self, _: _Argument, at: int) -> None:
        arguments, called = self._stack.pop(), self._stack.pop()
        shown = ascii(str(called))[1:-1][:120]
        if not isinstance(called, Name) or str(called) not in CALLS:
            raise _refused(f"it calls {shown if isinstance(called, Name) else 'what is no function'}", at)
        if not isinstance(arguments, Container) or arguments.kind != "tuple":
            raise _refused(f"it calls {shown} with something else than arguments", at)
        try:
            self._stack.append(CALLS[str(called)](arguments.members))
        except (ValueError, LookupError):
            raise _refused(f"it calls {shown} with arguments that torch never writes", at) from None

    def build(self, _: _Argument, at: int) -> None:
        """BUILD: a state for the topmost value; only a state dictionary gets one, its `_metadata`."""
        state, target = self._stack.pop(), self._stack[-1]
        if (
            not isinstance(target, Table)
            or not target.ordered
            or not isinstance(state, Table)
            or set(state.members) != {"_metadata"}
        ):
            raise _refused("it sets the state of something", at)

    def beside(self, _: _Argument, at: int) -> None:
        """BINPERSID: bytes beside the pickle: ("storage", class, key, device, elements[, view])."""
        match self._stack.pop():
            case Container("tuple", ["storage", Name() as of, str(key), str(device), int(count), *view]) if not isinstance(
                count, bool
            ):
                storage = Storage(str(of), key, count)
            case _:
                raise _refused("it refers to something else than a storage", at)
        if not element_size(storage.of) or not 0 < len(key) <= _LONGEST_KEY or not key.isascii() or not key.isdigit() or count < 0:
            raise _refused("it refers to a storage that torch never writes", at)
        if len(device) > _LONGEST_KEY or view not in ([], [None]):
            raise _refused("it refers to a storage in a way that torch no longer writes", at)
        if self.storages.setdefault(key, storage) != storage:
            raise _refused(f"the storage {key} is of two kinds", at)
        self._stack.append(storage)


_Act: TypeAlias = Callable[[_Machine, _Argument, int], None]

_CONSTANTS: Mapping[str, Value] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# They push what stands behind them, a plain value.
_VALUES = frozenset(
    {
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "SHORT_BINBYTES",
        "BINBYTES",
        "BINBYTES8",
    }
)
_FRESH: Mapping[str, Callable[[], Value]] = {
    "EMPTY_TUPLE": lambda: Container("tuple"),
    "EMPTY_LIST": lambda: Container("list"),
    "EMPTY_SET": lambda: Container("set"),
    "EMPTY_DICT": Table,
}
_ACTS: Mapping[str, _Act] = {
    "PROTO": _Machine.protocol,
    "FRAME": _Machine.nothing,
    "STOP": _Machine.nothing,
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_of_marked,
    "TUPLE1": lambda machine, _, __: machine.tuple_of(1),
    "TUPLE2": lambda machine, _, __: machine.tuple_of(2),
    "TUPLE3": lambda machine, _, __: machine.tuple_of(3),
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "ADDITEMS": _Machine.additems,
    "SETITEM": _Machine.setitem,
    "SETITEMS": _Machine.setitems,
    "GLOBAL": _Machine.import_written,
    "STACK_GLOBAL": _Machine.import_stacked,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.beside,
}


def _check_depth(root: Value, at: int) -> None:
    """Refuse what nests deeper than `_DEEPEST`, or holds itself: whoever walks over it would not come back."""
    depth: dict[int, int] = {}
    under: set[int] = set()
    # Each shared member is looked at once, or a small pickle of shared lists would take forever.
    todo: list[tuple[Value, bool]] = [(root, False)]
    while todo:
        value, seen = todo.pop()
        members = _members(value)
        if seen:
            under.discard(id(value))
            depth[id(value)] = 1 + max((depth.get(id(member), 0) for member in members), default=0)
            if depth[id(value)] > _DEEPEST:
                raise _refused(f"it nests deeper than {_DEEPEST}", at)
        elif members and id(value) not in depth:
            if id(value) in under:
                raise _refused("it holds itself", at)
            under.add(id(value))
            todo.append((value, True))
            todo += [(member, False) for member in members]


def _members(value: Value) -> list[Value]:
    if isinstance(value, Container):
        return value.members
    return list(value.members.values()) if isinstance(value, Table) else []


def _refused(what: str, at: int) -> Refusal:
    return Refusal("E_PICKLE", what, at)


def _broken(why: str, at: int, imports: Iterable[str]) -> Refusal:
    refusal = _refused(why, at)
    refusal.imports = tuple(imports)
    return refusal
