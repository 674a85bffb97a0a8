"""Mirrors of kind `modelscope`: ModelScope.

A file is at `/models/{repo}/resolve/{revision}/{path}`. Revisions are branches there, so the
name pins nothing: the manifest's digests do.
"""

import json
from contextlib import closing
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

from indextts_hub.errors import Lied
from indextts_hub.sources.context import Context
from indextts_hub.sources.http import HttpSource
from indextts_hub.sources.protocol import EntryOptions, Head, MirrorOptions, Source
from indextts_hub.sources.transport import Request, Transport

__all__ = ["Entry", "Mirror", "connect", "head"]


# An answer of so many entries is cut there.
PAGE = 3000


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
    secrets, transport = _reached(name, mirror, context)
    base = f"{mirror.endpoint.rstrip('/')}/models/{entry.repo}/resolve/{quote(entry.revision, safe='')}"
    return HttpSource(name, mirror.limits, base, {}, secrets, entry, transport)


def head(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Head:
    """Ask what the files of a branch are now.

    Raises:
        SourceError: the hub does not say.
    """
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked them against this module's models
    assert isinstance(entry, Entry)  # noqa: S101
    secrets, transport = _reached(name, mirror, context)
    query = urlencode({"Revision": entry.revision, "Recursive": "True"})
    url = f"{mirror.endpoint.rstrip('/')}/api/v1/models/{entry.repo}/repo/files?{query}"
    with closing(transport):
        try:
            files = json.loads(transport.document(Request(name, url, secrets=secrets)))["Data"]["Files"]
            digests = {str(each["Path"]): each.get("Sha256") or None for each in files if each.get("Type") != "tree"}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Lied(f"{name} does not say where {entry.repo} stands", remedy="look whether its endpoint is a hub") from None
    return Head(entry.revision, digests, whole=len(files) < PAGE)


def _reached(name: str, mirror: Mirror, context: Context) -> tuple[dict[str, str], Transport]:
    # A token is for gated repositories; without one the public ones are still served.
    has_token = mirror.token_env is not None and mirror.token_env in context.environment
    secrets = {"Authorization": f"Bearer {context.secret(mirror.token_env or '', name).value}"} if has_token else {}
    return secrets, Transport(context.private_hosts | {urlsplit(mirror.endpoint).hostname or ""}, context.idle_seconds)
