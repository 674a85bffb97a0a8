"""Where bytes come from: one module a kind of mirror, each a small class that turns a file into ranges it can serve.

A new kind is one module and one line in `KINDS`. A module is imported when a catalogue names its kind, and what it needs to fetch
(an HTTP client, boto3) only when it fetches: `list` reads the catalogue and must start fast.
"""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from indextts_hub.errors import UsageError
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import (
    Body,
    ByteRange,
    Description,
    EntryOptions,
    Head,
    Limits,
    MirrorOptions,
    RemoteFile,
    Source,
)

__all__ = [
    "KINDS",
    "Body",
    "ByteRange",
    "Context",
    "Description",
    "EntryOptions",
    "Head",
    "Limits",
    "MirrorOptions",
    "RemoteFile",
    "Source",
    "connect",
    "kind_module",
]


class KindModule(Protocol):
    """What the module of a kind has in it."""

    Mirror: type[MirrorOptions]
    Entry: type[EntryOptions]

    def connect(self, name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
        """Make the source of one version on one mirror; nothing is asked of the mirror yet."""
        ...


KINDS: Mapping[str, str] = MappingProxyType(
    {
        "file": "indextts_hub.sources.file",
        "http": "indextts_hub.sources.http",
        "hub": "indextts_hub.sources.hub",
        "huggingface": "indextts_hub.sources.huggingface",
        "link": "indextts_hub.sources.link",
        "modelscope": "indextts_hub.sources.modelscope",
        "pypi": "indextts_hub.sources.pypi",
        "s3": "indextts_hub.sources.s3",
    }
)
"""Each kind's module."""


def kind_module(kind: str) -> KindModule:
    """The module of a kind.

    Raises:
        UsageError: E_KIND, naming the kinds there are.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no kind of mirror {kind[:40]!r}", remedy=f"use one of {', '.join(KINDS)}", code="E_KIND")
    return cast("KindModule", import_module(KINDS[kind]))


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of one version on one mirror; nothing is asked of the mirror yet.

    Args:
        name: the mirror's in the catalogue.

    Raises:
        UsageError: a secret that the mirror names is not set.
    """
    return kind_module(mirror.kind).connect(name, mirror, entry, context)
