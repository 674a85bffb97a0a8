"""Mirrors of kind `huggingface`: the Hugging Face Hub and what speaks its protocol (hf-mirror, another hub).

A file is at `/{repo}/resolve/{revision}/{path}`, which redirects to a signed address on a CDN: it is asked for anew for each range,
so a signed address never grows old. The revision is a commit, and the bytes are the manifest's: no metadata is needed.
"""

from typing import Literal
from urllib.parse import quote, urlsplit

from indextts_hub.sources.context import Context
from indextts_hub.sources.http import HttpSource
from indextts_hub.sources.protocol import EntryOptions, MirrorOptions, Source
from indextts_hub.sources.transport import Transport

__all__ = ["Entry", "Mirror", "connect"]

TOKEN = "HF_TOKEN"  # noqa: S105 - the variable's name
DEFAULT_ENDPOINT = "https://huggingface.co"


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
    # HF_ENDPOINT means here what it means to every client of the Hub; a mirror with an address of its own keeps it.
    standing_in = context.environment.get("HF_ENDPOINT") if mirror.endpoint == DEFAULT_ENDPOINT else None
    endpoint = standing_in or mirror.endpoint
    # A token is for gated repositories; without one the public ones are still served.
    token = context.environment.get(mirror.token_env or "") or (_signed_in() if mirror.token_env == TOKEN else None)
    secrets = {"Authorization": f"Bearer {token}"} if token else {}
    transport = Transport(context.private_hosts | {urlsplit(endpoint).hostname or ""}, context.idle_seconds)
    base = f"{endpoint.rstrip('/')}/{entry.repo}/resolve/{quote(entry.revision, safe='')}"
    return HttpSource(name, mirror.limits, base, {}, secrets, entry, transport)


def _signed_in() -> str | None:
    """The token that `hf auth login` left, where that command leaves it."""
    from huggingface_hub import get_token

    return get_token()
