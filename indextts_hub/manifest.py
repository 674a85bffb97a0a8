"""What a version is: its engine, its licences and its files; and the canonical JSON whose SHA-256 is the version's digest.

The rules this module keeps:

1.  A manifest has one encoding. `parse_manifest` accepts exactly the bytes that `Manifest.canonical` writes, so a digest names
    one manifest and a manifest has one digest.
2.  Files are sorted by path; every path is portable; no two are one file on a system where case does not count.
3.  Sizes are from 1 to 2^63 - 1 bytes; digests are SHA-256 in lower-case hex. No other algorithm has a place to stand.
4.  Sources and chunk digests are no part of it: the same bytes, from elsewhere or checked in other pieces, are one version.

Canonical JSON is RFC 8785 restricted to strings, integers, booleans, null, lists and objects with ASCII keys. Pure: no I/O.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NewType, TypeAlias

from indextts_hub.errors import IntegrityError, UsageError
from indextts_hub.paths import PortablePath, check_no_collisions, portable_path

__all__ = [
    "ByteCount",
    "ChunkDigests",
    "Digest",
    "FileEntry",
    "Json",
    "License",
    "Manifest",
    "PartLicense",
    "canonical_json",
    "check_digest",
    "load_strict_json",
    "parse_manifest",
]

Digest = NewType("Digest", str)
"""A SHA-256 in 64 lower-case hex digits."""

ByteCount = NewType("ByteCount", int)
"""A size or an offset in bytes."""

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

SCHEMA = 1
LARGEST_FILE = 2**63 - 1
# 100,000 files of 150 bytes each; what is larger is no manifest of a model.
LARGEST_MANIFEST = 16 * 2**20
DEEPEST = 16

_DIGEST = re.compile(r"[0-9a-f]{64}")
# Possessive, and without insisting on the last quote: a string that never ends costs one look, not one for each of its quotes.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def check_digest(text: str) -> Digest:
    """Return `text` as a digest.

    Raises:
        IntegrityError: E_DIGEST, if it is not 64 lower-case hex digits.
    """
    if not _DIGEST.fullmatch(text):
        raise IntegrityError(
            f"{text[:80]!a} is not a SHA-256 digest",
            remedy="give 64 lower-case hex digits; no other algorithm is accepted",
            code="E_DIGEST",
        )
    return Digest(text)


@dataclass(frozen=True, slots=True)
class ChunkDigests:
    """The SHA-256 of each chunk of a file: all of `size` bytes but the last."""

    size: ByteCount
    sha256: tuple[Digest, ...]

    def check_covers(self, file_size: int) -> None:
        """Refuse a list that is too short or too long for a file of `file_size` bytes.

        Raises:
            UsageError: E_CHUNKS.
        """
        if self.size < 1 or len(self.sha256) != -(-file_size // self.size):
            raise UsageError(
                f"{len(self.sha256)} chunk digests of {self.size} bytes do not cover {file_size} bytes",
                remedy="write the chunk digests again with `indextts-hub manifest chunks REF`",
                code="E_CHUNKS",
            )


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a version: where it lies, how long it is, what it hashes to."""

    path: PortablePath
    size: ByteCount
    sha256: Digest
    chunks: ChunkDigests | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= LARGEST_FILE:
            raise UsageError(
                f"{self.path} has the size {self.size}",
                remedy="give the size in bytes, from 1 to 2^63 - 1",
                code="E_SIZE",
            )
        if self.chunks is not None:
            self.chunks.check_covers(self.size)


@dataclass(frozen=True, slots=True)
class License:
    """Under what terms the files may be used; `commercial` is None where the licence does not say plainly."""

    name: str
    url: str | None = None
    commercial: bool | None = None


@dataclass(frozen=True, slots=True)
class PartLicense:
    """The licence of the files under the folder `at`, where it differs from the version's."""

    at: PortablePath
    license: License


@dataclass(frozen=True)  # without slots: the digest is made once
class Manifest:
    """A version's engine, licences and files, sorted by path."""

    engine: str
    license: License
    files: tuple[FileEntry, ...]
    parts: tuple[PartLicense, ...] = ()

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("a version without files", remedy="list at least one file", code="E_MANIFEST")
        object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda file: file.path)))
        object.__setattr__(self, "parts", tuple(sorted(self.parts, key=lambda part: part.at)))
        check_no_collisions(file.path for file in self.files)

    @property
    def size(self) -> ByteCount:
        """The sum of the files' sizes in bytes."""
        return ByteCount(sum(file.size for file in self.files))

    def canonical(self) -> bytes:
        """The one encoding of this manifest."""
        document: dict[str, Json] = {
            "engine": self.engine,
            "files": [{"path": f.path, "sha256": f.sha256, "size": f.size} for f in self.files],
            "license": _license_json(self.license),
            "schema": SCHEMA,
        }
        if self.parts:
            document["parts"] = [{"at": part.at, "license": _license_json(part.license)} for part in self.parts]
        return canonical_json(document)

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 of `canonical()`: the version's digest."""
        return Digest(hashlib.sha256(self.canonical()).hexdigest())

    def file(self, path: str) -> FileEntry | None:
        """The file at `path`, or None."""
        return next((file for file in self.files if file.path == path), None)

    def blobs(self) -> Iterator[tuple[Digest, ByteCount]]:
        """Each distinct content once, as digest and size in bytes."""
        return iter({file.sha256: (file.sha256, file.size) for file in self.files}.values())


def canonical_json(value: Json) -> bytes:
    """Encode `value` as canonical JSON: sorted keys, no white space, UTF-8, nothing escaped that need not be."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def load_strict_json(body: bytes, *, largest: int = LARGEST_MANIFEST) -> Json:
    """Read JSON that may come from anyone: bounded in size and depth, UTF-8, no duplicate key, no float, no NaN.

    Raises:
        IntegrityError: E_JSON, naming the rule that was broken.
    """
    if len(body) > largest:
        raise _bad_json(f"it is longer than {largest} bytes")
    try:
        text = body.decode("utf-8")
        _check_depth(text)
        value: Json = json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_bounded_int,
        )
    except UnicodeDecodeError:
        raise _bad_json("it is not UTF-8") from None
    except ValueError as error:
        raise _bad_json(str(error)) from None
    return value


def parse_manifest(body: bytes) -> Manifest:
    """Read a canonical manifest.

    Raises:
        IntegrityError: E_MANIFEST or E_JSON, if it is not canonical or breaks a rule above.
    """
    document = load_strict_json(body)
    try:
        manifest = _manifest(document)
    except (KeyError, TypeError, UsageError) as error:
        raise IntegrityError(f"this is no manifest: {error}", remedy="fetch the version again", code="E_MANIFEST") from None
    if manifest.canonical() != body:
        raise IntegrityError("this manifest is not in its canonical form", remedy="fetch the version again", code="E_MANIFEST")
    return manifest


def _manifest(document: Json) -> Manifest:
    top = _object(document)
    if top["schema"] != SCHEMA:
        raise TypeError(f"schema {top['schema']!r}, and this program knows {SCHEMA}")
    return Manifest(
        engine=_string(top["engine"]),
        license=_license(top["license"]),
        files=tuple(_file(_object(entry)) for entry in _list(top["files"])),
        parts=tuple(
            PartLicense(portable_path(_string(_object(part)["at"])), _license(_object(part)["license"]))
            for part in _list(top.get("parts", []))
        ),
    )


def _file(entry: dict[str, Json]) -> FileEntry:
    size = entry["size"]
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError("a size that is not an integer")
    return FileEntry(portable_path(_string(entry["path"])), ByteCount(size), check_digest(_string(entry["sha256"])))


def _license(value: Json) -> License:
    entry = _object(value)
    url, commercial = entry["url"], entry["commercial"]
    if commercial is not None and not isinstance(commercial, bool):
        raise TypeError("a licence's 'commercial' that is neither true, false nor null")
    return License(_string(entry["name"]), None if url is None else _string(url), commercial)


def _license_json(value: License) -> Json:
    return {"commercial": value.commercial, "name": value.name, "url": value.url}


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError("something else where an object should be")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("something else where a list should be")
    return value


def _string(value: Json) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError("something else where a line of text should be")
    return value


def _check_depth(text: str) -> None:
    # The standard parser recurses; counting brackets outside strings first keeps a hostile document from its stack.
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise ValueError(f"it nests deeper than {DEEPEST}")


def _no_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _no_float(text: str) -> Json:
    raise ValueError(f"{text[:20]} is not an integer")


def _bounded_int(text: str) -> int:
    if len(text) > 20:
        raise ValueError("an integer of more than 20 digits")
    return int(text)


def _bad_json(why: str) -> IntegrityError:
    return IntegrityError(f"this JSON is refused: {why}", remedy="get it again from where it came", code="E_JSON")
