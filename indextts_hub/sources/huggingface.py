"""Mirrors of kind `huggingface`: the Hugging Face Hub and what speaks its protocol (hf-mirror, another hub).

A file is at `/{repo}/resolve/{revision}/{path}`, which redirects to a signed address on a CDN: it is asked for anew for each range,
so a signed address never grows old. The revision is a commit, and the bytes are the manifest's: no metadata is needed.
"""

import json
import re
from contextlib import closing
from typing import Literal
from urllib.parse import quote, urlsplit

from indextts_hub.errors import Lied
from indextts_hub.sources.context import Context
from indextts_hub.sources.http import HttpSource
from indextts_hub.sources.protocol import EntryOptions, Head, MirrorOptions, Source
from indextts_hub.sources.transport import Request, Transport

__all__ = ["Entry", "Mirror", "connect", "head"]

TOKEN = "HF_TOKEN"  # noqa: S105 - the variable's name
DEFAULT_ENDPOINT = "https://huggingface.co"
# So many entries of a tree come at once; a repository of more is not compared for what it lost.
PAGE = 1000
_COMMIT = re.compile("[0-9a-f]{40}")


class Mirror(MirrorOptions):
    """`endpoint`: the hub's address; `token_env`: the variable of an access token, used where it is set."""

    kind: Literal["huggingface"]
    endpoint: str = DEFAULT_ENDPOINT
    token_env: str | None = None


class Entry(EntryOptions):
    """`repo`: owner and name; `revision`: a commit of 40 hex digits."""

    repo: str
    revision: str


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of one revision of a repository."""
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked them against this module's models
    assert isinstance(entry, Entry)  # noqa: S101
    endpoint, secrets, transport = _reached(mirror, context)
    base = f"{endpoint.rstrip('/')}/{entry.repo}/resolve/{quote(entry.revision, safe='')}"
    return HttpSource(name, mirror.limits, base, {}, secrets, entry, transport)


def head(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Head:
    """Ask at which commit the branch `main` of a repository is, and, if it is another than the entry's, what its files are.

    Of files that are not kept by Git LFS only Git's own digest is told, which says nothing about SHA-256.

    Raises:
        SourceError: the hub does not say.
    """
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked them against this module's models
    assert isinstance(entry, Entry)  # noqa: S101
    endpoint, secrets, transport = _reached(mirror, context)
    base = f"{endpoint.rstrip('/')}/api/models/{entry.repo}"
    with closing(transport):
        try:
            told = json.loads(transport.document(Request(name, f"{base}/revision/main", secrets=secrets)))
            commit = str(told["sha"])
            if not _COMMIT.fullmatch(commit):
                raise ValueError(commit)
            if commit == entry.revision:
                return Head(commit, {}, whole=False)
            tree = json.loads(
                transport.document(Request(name, f"{base}/tree/{commit}?recursive=true&expand=false", secrets=secrets))
            )
            files = {str(each["path"]): each.get("lfs") for each in tree if each.get("type") == "file"}
            digests = {path: str(lfs["oid"]) if lfs else None for path, lfs in files.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Lied(f"{name} does not say where {entry.repo} stands", remedy="look whether its endpoint is a hub") from None
    return Head(commit, digests, whole=len(tree) < PAGE)


def _reached(mirror: Mirror, context: Context) -> tuple[str, dict[str, str], Transport]:
    # HF_ENDPOINT means here what it means to every client of the Hub; a mirror with an address of its own keeps it.
    standing_in = context.environment.get("HF_ENDPOINT") if mirror.endpoint == DEFAULT_ENDPOINT else None
    endpoint = standing_in or mirror.endpoint
    # A token is for gated repositories; without one the public ones are still served.
    token = context.environment.get(mirror.token_env or "") or (_signed_in() if mirror.token_env == TOKEN else None)
    secrets = {"Authorization": f"Bearer {token}"} if token else {}
    transport = Transport(context.private_hosts | {urlsplit(endpoint).hostname or ""}, context.idle_seconds)
    return endpoint, secrets, transport


def _signed_in() -> str | None:
    """The token that `hf auth login` left, where that command leaves it."""
    from huggingface_hub import get_token

    return get_token()
