"""The gate itself: what a file is, by its bytes before its name, and whether it may be let in.

Three questions, in this order:

1.  Could a reader of weights take it for a zip archive, a checkpoint of torch's older form, a pickle or an array of objects? Then
    it must be a checkpoint that keeps all rules, whatever it is called.
2.  Does its name say that it will be unpickled (`.pth`, `.pt`, `.pkl`, …) or read as safetensors? Then it must be that.
3.  Anything else (texts, vocabularies, other formats) holds nothing that these readers would run, and is let in.

Time is bounded by the file's size (checksums, some gigabytes a second) and by the number of a pickle's instructions; memory by the
largest pickle. `check_pickles` and `assert_pickles` do without the checksums of tensors.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import BinaryIO, TypeAlias

from indextts_hub.errors import PolicyError
from indextts_hub.gate.acting import acts
from indextts_hub.gate.allowed import TORCH, AllowList
from indextts_hub.gate.archives import is_archive
from indextts_hub.gate.checkpoints import LEGACY_MAGIC, check_archive, check_archived_pickle, check_legacy, check_pickle
from indextts_hub.gate.machine import LARGEST_PICKLE
from indextts_hub.gate.refusal import Refusal, exactly
from indextts_hub.gate.tensors import check_safetensors

__all__ = [
    "Finding",
    "Findings",
    "Form",
    "UnsafeFile",
    "assert_checkpoint",
    "assert_let_in",
    "assert_pickles",
    "check",
    "check_checkpoint",
    "check_pickles",
]

_UNPICKLED = (".pth", ".pt", ".pkl", ".pickle", ".ckpt", ".th", ".joblib", ".dill", ".pth.tar", ".pt.tar", ".npz")
# Archives that a reader opens by themselves, and in which nothing is looked for here.
_CLOSED = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_TAR_MAGIC_AT, _TAR_MAGIC = 257, b"ustar"
_NUMPY = b"\x93NUMPY"
# numpy's own writer needs some hundred bytes; a record of many fields a few thousand.
_NUMPY_HEAD = 1 << 16
_NUMPY_KIND = re.compile(rb"['\"]descr['\"]:\s*['\"][<>|=]?[?biufcSU][0-9]*['\"]\s*,")

_ArchiveCheck: TypeAlias = Callable[[BinaryIO, int, AllowList], tuple[str, ...]]


class Form(StrEnum):
    """What a file is, to the gate."""

    ARCHIVE = "torch archive"
    LEGACY = "torch, older form"
    PICKLE = "pickle"
    SAFETENSORS = "safetensors"
    ARRAY = "numpy array"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that keeps a file out.

    Attributes:
        code: E_PICKLE, E_ARCHIVE or E_SAFETENSORS.
        what: in one line.
        where: the member and the offset in bytes.
    """

    code: str
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What looking at a file found.

    Attributes:
        path: what the file is called.
        form: what it is.
        imports: `module.name` of what its pickles import; until the first that is not let in.
        problem: what keeps it out; None if nothing does.
    """

    path: str
    form: Form
    imports: tuple[str, ...] = ()
    problem: Finding | None = None

    @property
    def ok(self) -> bool:
        """Whether it is let in."""
        return self.problem is None

    def held_to(self, names: frozenset[str]) -> "Findings":
        """The same, kept out if its pickles import anything but `names`."""
        others = [name for name in self.imports if name not in names]
        if self.problem is not None or not others:
            return self
        return replace(
            self, problem=Finding("E_PICKLE", f"the signed catalogue does not let pickles import {others[0]}", "an import")
        )


class UnsafeFile(PolicyError):
    """A file that is not let in, with what was found. Its code is the finding's: E_PICKLE, E_ARCHIVE or E_SAFETENSORS."""

    default_code = "E_PICKLE"

    def __init__(self, findings: Findings, problem: Finding) -> None:
        super().__init__(
            f"{findings.path} is not let in: {problem.what} ({problem.where})",
            remedy="get it from who publishes it, as safetensors where they have it; `indextts-hub scan FILE` shows what is in it",
            code=problem.code,
        )
        self.findings = findings


def check(file: BinaryIO, path: str, allowed: AllowList = TORCH) -> Findings:
    """Look at an open file that is called `path`, without doing anything that it says. An OSError passes through."""
    return _look(file, path, allowed, check_archive, unpickled=_is_unpickled(path))


def check_pickles(file: BinaryIO, path: str, allowed: AllowList = TORCH) -> Findings:
    """As `check`, for a file that was checked when it came, and hashed now: what it would do, and not the checksums of its tensors.

    Milliseconds, where adding up the tensors of a model takes seconds.
    """
    return _look(file, path, allowed, check_archived_pickle, unpickled=_is_unpickled(path))


def check_checkpoint(file: BinaryIO, path: str, allowed: AllowList = TORCH) -> Findings:
    """As `check`, for a file that is about to be unpickled whatever it is called: it must be a checkpoint."""
    return _look(file, path, allowed, check_archive, unpickled=True)


def assert_let_in(findings: Findings) -> Findings:
    """Return findings that say nothing against a file.

    Raises:
        UnsafeFile: E_PICKLE, E_ARCHIVE, E_SAFETENSORS.
    """
    if findings.problem is not None:
        raise UnsafeFile(findings, findings.problem)
    return findings


def assert_checkpoint(file: BinaryIO, path: str, allowed: AllowList = TORCH) -> Findings:
    """As `check_checkpoint`; a file that is not let in is an error. Call it on the very descriptor that is unpickled afterwards.

    Raises:
        UnsafeFile: E_PICKLE, E_ARCHIVE.
    """
    return assert_let_in(check_checkpoint(file, path, allowed))


def assert_pickles(file: BinaryIO, path: str, allowed: AllowList = TORCH) -> Findings:
    """As `assert_checkpoint`, without the checksums of tensors, of which nothing is run.

    Raises:
        UnsafeFile: E_PICKLE, E_ARCHIVE.
    """
    return assert_let_in(_look(file, path, allowed, check_archived_pickle, unpickled=True))


def _is_unpickled(path: str) -> bool:
    return path.lower().endswith(_UNPICKLED)


def _look(file: BinaryIO, path: str, allowed: AllowList, archive: _ArchiveCheck, *, unpickled: bool) -> Findings:
    size = file.seek(0, os.SEEK_END)
    head = exactly(file, 0, 512)
    form = _form(file, size, head, path, unpickled=unpickled)
    try:
        imports = _checked(file, size, head, form, allowed, archive)
    except Refusal as refusal:
        within = f"{refusal.within} at " if refusal.within else "at "
        return Findings(path, form, refusal.imports, Finding(refusal.code, refusal.what, f"{within}byte {refusal.at}"))
    finally:
        file.seek(0)
    return Findings(path, form, imports)


def _form(file: BinaryIO, size: int, head: bytes, path: str, *, unpickled: bool) -> Form:
    if path.lower().endswith(".safetensors") and not unpickled:
        return Form.SAFETENSORS
    if is_archive(file, size):
        return Form.ARCHIVE
    if head.startswith(LEGACY_MAGIC):
        return Form.LEGACY
    if unpickled:
        return Form.PICKLE
    if head.startswith(_NUMPY):
        return Form.ARRAY
    return Form.PICKLE if acts(file, size) else Form.OTHER


def _checked(file: BinaryIO, size: int, head: bytes, form: Form, allowed: AllowList, archive: _ArchiveCheck) -> tuple[str, ...]:
    match form:
        case Form.ARCHIVE:
            return archive(file, size, allowed)
        case Form.LEGACY:
            return check_legacy(file, size, allowed)
        case Form.PICKLE:
            _check_closed(head)
            if size > LARGEST_PICKLE:
                raise Refusal("E_PICKLE", "it is no checkpoint of torch's, and too large for a pickle", 0)
            return check_pickle(exactly(file, 0, size), 0, allowed).imports
        case Form.SAFETENSORS:
            check_safetensors(file, size)
        case Form.ARRAY:
            _check_array(exactly(file, 0, _NUMPY_HEAD))
        case Form.OTHER:
            _check_closed(head)
    return ()


def _check_closed(head: bytes) -> None:
    for magic, name in _CLOSED.items():
        if head.startswith(magic):
            raise Refusal("E_ARCHIVE", f"it is packed as {name}, where nothing can be looked at", 0)
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_TAR_MAGIC)] == _TAR_MAGIC:
        raise Refusal("E_ARCHIVE", "it is packed as tar, as torch's oldest checkpoints are", _TAR_MAGIC_AT)


def _check_array(head: bytes) -> None:
    """An array of numbers or letters: numpy unpickles arrays of objects."""
    begin, width = (10, 2) if head[6:7] == b"\x01" else (12, 4)
    length = int.from_bytes(head[8 : 8 + width], "little")
    if length > len(head) - begin or not _NUMPY_KIND.search(head[begin : begin + length]):
        raise Refusal("E_PICKLE", "an array of something else than numbers, which numpy unpickles", 0)
