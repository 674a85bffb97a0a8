"""What is newer than what is here: in the catalogue, and where versions come from; and telling somebody."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from indextts_hub.errors import SourceError, UsageError
from indextts_hub.hub import Hub
from indextts_hub.manifest import Digest, Json
from indextts_hub.sources.context import Secret
from indextts_hub.upstream import Upstream, look_upstream

__all__ = ["SIGNATURE", "Newer", "look", "post"]

SIGNATURE = "X-Indextts-Signature"
"""The header of a signed message: `sha256=` and the HMAC-SHA-256 of its body, as GitHub signs its own."""

POST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Newer:
    """What there is against what is here.

    Attributes:
        versions: that the catalogue has with another digest: name, digest here, digest there.
        upstream: the repositories of the versions that are here; empty if they were not asked.
    """

    versions: tuple[tuple[str, Digest, Digest], ...]
    upstream: tuple[Upstream, ...]

    @property
    def moved(self) -> tuple[Upstream, ...]:
        """The repositories that have moved on."""
        return tuple(each for each in self.upstream if each.moved)

    @property
    def anything(self) -> bool:
        """Whether anything is newer."""
        return bool(self.versions or self.moved)

    def document(self) -> dict[str, Json]:
        """All of it, for programs."""
        versions: list[Json] = [{"version": name, "digest": here, "latest": there} for name, here, there in self.versions]
        upstream: list[Json] = [
            {
                "version": each.version,
                "mirror": each.mirror,
                "repo": each.repo,
                "pinned": each.pinned,
                "latest": each.latest,
                "moved": each.moved,
                "files": [*each.files],
                "code": None if each.error is None else each.error.code,
                "error": None if each.error is None else each.error.message,
            }
            for each in self.upstream
        ]
        return {"versions": versions, "upstream": upstream}

    def lines(self) -> list[str]:
        """What is newer, a line each."""
        found = [f"{name}: the catalogue has {there[:12]}, here is {here[:12]}" for name, here, there in self.versions]
        for each in self.moved:
            what = f"{each.version}: {each.repo} on {each.mirror}"
            files = f", {len(each.files)} of its files" if each.files else ""
            found.append(f"{what} has moved from {each.pinned[:12]} to {(each.latest or '')[:12]}{files}")
        return found


def look(hub: Hub, *, upstream: bool) -> Newer:
    """Compare what is here with the catalogue, and, if it is wanted, with the repositories that its versions come from.

    Raises:
        UsageError, SourceError: there is no catalogue to be had.
    """
    here = hub.lock()
    known = [version for name, version in hub.catalog.versions.items() if name in here] if upstream else []
    found = tuple(each for version in known for each in look_upstream(hub.catalog, version))
    return Newer(tuple(hub.outdated()), found)


def post(url: Secret, key: Secret | None, newer: Newer) -> None:
    """Tell a webhook what is newer, in JSON: `text` for people, as chat programs want it, the rest for programs.

    Args:
        key: what the message is signed with; None: it is not.

    Raises:
        UsageError: E_WEBHOOK, if the address is none.
        SourceError: E_WEBHOOK, if it does not take it; the message names the host and nothing else of the address.
    """
    import httpx2

    host = urlsplit(url.value).hostname
    if host is None or urlsplit(url.value).scheme not in {"http", "https"}:
        raise UsageError("the webhook is no address", remedy="give one that begins with https://", code="E_WEBHOOK")
    body = json.dumps({"text": "\n".join(newer.lines()), **newer.document()}, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers[SIGNATURE] = f"sha256={hmac.new(key.value.encode(), body, hashlib.sha256).hexdigest()}"
    try:
        answer = httpx2.post(url.value, content=body, headers=headers, timeout=POST_SECONDS, follow_redirects=False)
    except httpx2.HTTPError as error:
        said = f"the webhook at {host} can't be reached: {type(error).__name__}"
        raise SourceError(said, remedy="look at its address", code="E_WEBHOOK") from None
    if not answer.is_success:
        raise SourceError(f"the webhook at {host} answers {answer.status_code}", remedy="look at its address", code="E_WEBHOOK")
