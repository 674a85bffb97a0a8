"""Mirrors of kind `hub`: another indextts-hub, which serves its blobs by their digests.

A file is at `/hub/blobs/sha256/{sha256}`, whatever its name and version: the other hub needs to know neither.
"""

from typing import Literal
from urllib.parse import urlsplit

from indextts_hub.sources.context import Context
from indextts_hub.sources.http import HttpSource
from indextts_hub.sources.protocol import EntryOptions, MirrorOptions, Source
from indextts_hub.sources.transport import Transport

__all__ = ["Entry", "Mirror", "connect"]


class Mirror(MirrorOptions):
    """`endpoint`: the other hub's address; `token_env`: the variable of a key that it issued."""

    kind: Literal["hub"]
    endpoint: str
    token_env: str | None = None


class Entry(EntryOptions):
    """Nothing: the digest says it all."""

    path: str = "hub/blobs/sha256/{sha256}"


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of a version on another hub.

    Raises:
        UsageError: E_SECRET, if the variable of the key is not set.
    """
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked it against this module's model
    secrets = {"Authorization": f"Bearer {context.secret(mirror.token_env, name).value}"} if mirror.token_env else {}
    transport = Transport(context.private_hosts | {urlsplit(mirror.endpoint).hostname or ""}, context.idle_seconds)
    return HttpSource(name, mirror.limits, mirror.endpoint, {}, secrets, entry, transport, public=not secrets)
