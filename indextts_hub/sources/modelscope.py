"""Mirrors of kind `modelscope`: ModelScope.

A file is at `/models/{repo}/resolve/{revision}/{path}`. Revisions are branches there, so the
name pins nothing: the manifest's digests do.
"""

from typing import Literal
from urllib.parse import quote, urlsplit

from indextts_hub.sources.context import Context
from indextts_hub.sources.http import HttpSource
from indextts_hub.sources.protocol import EntryOptions, MirrorOptions, Source
from indextts_hub.sources.transport import Transport

__all__ = ["Entry", "Mirror", "connect"]


class Mirror(MirrorOptions):
    """`endpoint`: the hub's address; `token_env`: the variable of an access token, used where it is set."""

    kind: Literal["modelscope"]
    endpoint: str = "https://www.modelscope.cn"
    token_env: str | None = None


class Entry(EntryOptions):
    """`repo`: owner and name; `revision`: a branch."""

    repo: str
    revision: str = "master"


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of one revision of a repository."""
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked them against this module's models
    assert isinstance(entry, Entry)  # noqa: S101
    endpoint = mirror.endpoint
    # A token is for gated repositories; without one the public ones are still served.
    has_token = mirror.token_env is not None and mirror.token_env in context.environment
    secrets = {"Authorization": f"Bearer {context.secret(mirror.token_env or '', name).value}"} if has_token else {}
    transport = Transport(context.private_hosts | {urlsplit(endpoint).hostname or ""}, context.idle_seconds)
    base = f"{endpoint.rstrip('/')}/models/{entry.repo}/resolve/{quote(entry.revision, safe='')}"
    return HttpSource(name, mirror.limits, base, {}, secrets, entry, transport)
