"""The two forms of a torch checkpoint: the zip archive (since torch 1.6) and the older chain of pickles with the bytes behind them.

Sources: `torch/serialization.py` (`_save`, `_legacy_save`) and `caffe2/serialize/inline_container.cc`.
"""

import re
from collections.abc import Mapping
from typing import BinaryIO

from indextts_hub.gate.allowed import AllowList, Container, Storage, Table, element_size
from indextts_hub.gate.archives import Member, assert_sum, read_archive, read_member
from indextts_hub.gate.machine import LARGEST_PICKLE, Pickled, follow
from indextts_hub.gate.refusal import Refusal, exactly

__all__ = ["LEGACY_MAGIC", "check_archive", "check_archived_pickle", "check_legacy", "check_pickle"]

LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
"""The pickle of torch's magic number, 0x1950A86A20F9469CFC6C, as it begins every file of the older form."""

_PICKLE = "data.pkl"
_STORAGE = re.compile(r"data/[0-9]{1,10}")
# Short texts about the file; `.data/serialization_id` is a hash of the names.
_SMALL = {"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
_LARGEST_SMALL = 64
_LEGACY_PROTOCOL = 1001


def check_archive(file: BinaryIO, size: int, allowed: AllowList) -> tuple[str, ...]:
    """Check a zip archive; return what its pickle imports.

    Raises:
        Refusal: E_ARCHIVE or E_PICKLE.
    """
    members = _members(file, size)
    for member in members.values():
        assert_sum(file, member)
    return _checked(file, members, allowed)


def check_archived_pickle(file: BinaryIO, size: int, allowed: AllowList) -> tuple[str, ...]:
    """As `check_archive`, but of the storages, which nothing runs, only the lengths.

    Raises:
        Refusal: E_ARCHIVE or E_PICKLE.
    """
    members = _members(file, size)
    for name, member in members.items():
        if not _STORAGE.fullmatch(name):
            assert_sum(file, member)
    return _checked(file, members, allowed)


def check_legacy(file: BinaryIO, size: int, allowed: AllowList) -> tuple[str, ...]:
    """Check a file of the older form; return what its pickles import.

    Raises:
        Refusal: E_PICKLE.
    """
    body = exactly(file, 0, min(size, LARGEST_PICKLE))
    imports: dict[str, None] = {}
    storages: dict[str, Storage] = {}
    made = []
    at = len(LEGACY_MAGIC)
    for _ in ("protocol", "machine", "object", "keys"):
        pickled = follow(body, at, allowed)
        imports |= dict.fromkeys(pickled.imports)
        storages |= pickled.storages
        made.append(pickled.value)
        at = pickled.end
    protocol, machine, _, keys = made
    little = isinstance(machine, Table) and machine.members.get("little_endian") is True
    if protocol != _LEGACY_PROTOCOL or not little:
        raise Refusal("E_PICKLE", "it was written by another program, or on another kind of machine", 0)
    if not isinstance(keys, Container) or {key for key in keys.members if isinstance(key, str)} != storages.keys():
        raise Refusal("E_PICKLE", "it lists other storages than it uses", at)
    for key in keys.members:
        storage = storages[str(key)]
        if exactly(file, at, 8) != storage.count.to_bytes(8, "little"):
            raise Refusal("E_PICKLE", f"the storage {storage.key} is not as long as it is said to be", at)
        at += 8 + storage.count * element_size(storage.of)
        if at > size:
            raise Refusal("E_PICKLE", f"the storage {storage.key} is cut off", size)
    if at != size:
        raise Refusal("E_PICKLE", "there is something behind its last storage", at)
    return tuple(imports)


def check_pickle(body: bytes, start: int, allowed: AllowList) -> Pickled:
    """Follow a pickle that is all there is from `start` on.

    Raises:
        Refusal: E_PICKLE.
    """
    pickled = follow(body, start, allowed)
    if pickled.end != len(body):
        refusal = Refusal("E_PICKLE", "there is something behind its end", pickled.end)
        refusal.imports = pickled.imports
        raise refusal
    return pickled


def _members(file: BinaryIO, size: int) -> dict[str, Member]:
    """By their names within the folder that all of them are in."""
    return {member.name.partition("/")[2]: member for member in read_archive(file, size)}


def _checked(file: BinaryIO, members: Mapping[str, Member], allowed: AllowList) -> tuple[str, ...]:
    for name, member in members.items():
        if name in _SMALL:
            _check_small(file, member)
        elif name != _PICKLE and not _STORAGE.fullmatch(name):
            # `code/` and `constants.pkl` are TorchScript's, `.data/extern_modules` is a package's: programs, not weights.
            raise Refusal("E_ARCHIVE", f"{member.name!a} is no part of a checkpoint", member.header)
    if _PICKLE not in members:
        raise Refusal("E_ARCHIVE", "a zip archive that is no torch checkpoint", 0)
    if members[_PICKLE].size > LARGEST_PICKLE:
        raise Refusal("E_PICKLE", "its pickle is too large", members[_PICKLE].start)
    try:
        pickled = check_pickle(read_member(file, members[_PICKLE]), 0, allowed)
    except Refusal as refusal:
        refusal.within = members[_PICKLE].name
        raise
    _check_storages(pickled.storages, members)
    return pickled.imports


def _check_small(file: BinaryIO, member: Member) -> None:
    if member.size > _LARGEST_SMALL or not read_member(file, member).isascii():
        raise Refusal("E_ARCHIVE", f"{member.name} is more than a word", member.start)
    if member.name.endswith("/byteorder") and read_member(file, member) != b"little":
        raise Refusal("E_ARCHIVE", "it was written on another kind of machine", member.start)


def _check_storages(storages: Mapping[str, Storage], members: Mapping[str, Member]) -> None:
    for storage in storages.values():
        member = members.get(f"data/{storage.key}")
        if member is None or member.size != storage.count * element_size(storage.of):
            raise Refusal("E_PICKLE", f"the storage {storage.key} is missing, or not as long as it is said to be", 0)
