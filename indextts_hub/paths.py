"""Paths that come from outside: accepted once here, portable everywhere, or refused.

A portable path is relative, in NFC, with `/` between its parts, and means the same file on every system: it has no part that
Windows reserves or trims, no backslash, drive, control character or direction mark, and is short enough for every file system.
Pure: nothing here touches a disk.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NewType

from indextts_hub.errors import UsageError

__all__ = ["PortablePath", "check_no_collisions", "portable_path"]

PortablePath = NewType("PortablePath", str)

# 255 bytes is what ext4, APFS and NTFS allow for one name; 1,000 leaves room for the store's own folders under PATH_MAX 4,096
# and, in practice, under Windows' long paths.
LONGEST_PART = 255
LONGEST_PATH = 1000

_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{digit}" for device in ("com", "lpt") for digit in "123456789¹²³"}
)
_FORBIDDEN = frozenset('<>:"|?*\\')
# Control, format (direction marks, zero-width joiners), surrogate, private use and unassigned characters.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def portable_path(text: str) -> PortablePath:
    """Return `text` as a portable path.

    Raises:
        UsageError: E_PATH, naming the part and why it is refused.
    """
    if not text or len(text.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        raise _refused(text, f"it is empty or longer than {LONGEST_PATH} bytes")
    if unicodedata.normalize("NFC", text) != text:
        raise _refused(text, "it is not in Unicode NFC")
    for part in text.split("/"):
        if why := _why_not(part):
            raise _refused(text, why)
    return PortablePath(text)


def check_no_collisions(paths: Iterable[PortablePath]) -> None:
    """Refuse paths that would be one file on some system, and a file that is also a folder.

    Raises:
        UsageError: E_PATH, naming both paths.
    """
    seen: dict[str, PortablePath] = {}
    folders: dict[str, PortablePath] = {}
    for path in paths:
        folded = _fold(path)
        if folded in seen:
            raise _refused(path, f"it is the same file as {seen[folded]!r} where case does not count")
        seen[folded] = path
        parts = folded.split("/")
        for depth in range(1, len(parts)):
            folders.setdefault("/".join(parts[:depth]), path)
    for folded, path in seen.items():
        if folded in folders:
            raise _refused(path, f"it is a file, and a folder in {folders[folded]!r}")


def _fold(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", path).casefold())


# The same parts come again in version after version: a store of 1,000 of them is read in half the time.
@lru_cache(maxsize=4096)
def _why_not(part: str) -> str | None:
    if part in {"", ".", ".."}:
        return "it is absolute or has an empty, '.' or '..' part"
    if len(part.encode("utf-8", "surrogatepass")) > LONGEST_PART:
        return f"a part is longer than {LONGEST_PART} bytes"
    if bad := next((c for c in part if c in _FORBIDDEN or unicodedata.category(c) in _FORBIDDEN_CATEGORIES), None):
        return f"it has the character U+{ord(bad):04X}"
    # NFKC turns full-width '．．／' into '../': what could become a way out after someone's normalisation is refused.
    if any(c in {"/", "\\"} for c in unicodedata.normalize("NFKC", part)) or unicodedata.normalize("NFKC", part) in {
        ".",
        "..",
    }:
        return "it normalises to a path separator or '..'"
    if part[-1] in {" ", "."}:
        return "a part ends in a space or a dot, which Windows drops"
    if part.split(".", maxsplit=1)[0].casefold().rstrip(" ") in _RESERVED:
        return f"{part!r} is a device on Windows"
    return None


def _refused(path: str, why: str) -> UsageError:
    shown = ascii(path if len(path) <= 120 else path[:117] + "...")
    return UsageError(f"the path {shown} is refused: {why}", remedy="rename the file where it comes from", code="E_PATH")
