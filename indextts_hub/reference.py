"""How a person names a version: `NAME`, `NAME@sha256:HEX` or an alias. Pure."""

import re
from dataclasses import dataclass

from indextts_hub.errors import UsageError

__all__ = ["VersionRef", "check_name"]

SHORTEST_PREFIX = 8

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_HEX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")


def check_name(text: str) -> str:
    """Return `text` if it can name a version, an alias or a mirror: 1 to 64 of `a-z 0-9 . _ -`, ends without punctuation.

    Raises:
        UsageError: E_REFERENCE.
    """
    if not _NAME.fullmatch(text) or ".." in text:
        raise UsageError(
            f"{text[:80]!a} is not a name",
            remedy="use 1 to 64 lower-case letters, digits, '.', '_' and '-'",
            code="E_REFERENCE",
        )
    return text


@dataclass(frozen=True, slots=True)
class VersionRef:
    """A version as a person names it; `name` is a version's or an alias's.

    Attributes:
        name: version or alias.
        digest_prefix: 8 to 64 hex digits that the version's digest must start with, or None.
    """

    name: str
    digest_prefix: str | None = None

    @classmethod
    def parse(cls, text: str) -> "VersionRef":
        """Read `NAME` or `NAME@sha256:HEX`.

        Raises:
            UsageError: E_REFERENCE.
        """
        name, at, pinned = text.partition("@")
        check_name(name)
        if not at:
            return cls(name)
        algorithm, _, prefix = pinned.partition(":")
        if algorithm != "sha256" or not _HEX.fullmatch(prefix):
            raise UsageError(
                f"{text[:120]!a} does not name a version",
                remedy=f"write NAME@sha256:HEX with {SHORTEST_PREFIX} to 64 hex digits",
                code="E_REFERENCE",
            )
        return cls(name, prefix)

    def __str__(self) -> str:
        return self.name if self.digest_prefix is None else f"{self.name}@sha256:{self.digest_prefix}"
