"""Protected links: addresses by which one file, or one version's files, can be fetched without a key.

Rules:
1. A link is `/links/ID/PATH`, signed with a key of its own by one of the schemes that CDNs use and our `http` source signs for.
2. It counts until its end, until it is revoked or until its uses are used up, whichever comes first.
3. What else is said of it, an address or whose pages may lead to it, is asked only of one whose signature is right.
"""

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlsplit

from indextts_hub.db.links import LinkRecord
from indextts_hub.errors import PolicyError, UsageError
from indextts_hub.manifest import Digest
from indextts_hub.mirror.link_keys import LinkKeys
from indextts_hub.mirror.signed import SCHEMES, check
from indextts_hub.sources.signing import Signing, Terms, sign

__all__ = ["LONGEST_SIGNATURE", "Asked", "Conditions", "address_of", "admit", "new_link"]

LONGEST_SIGNATURE = timedelta(days=7)
"""As with S3: what lives longer is a key."""
# Of one address, where a client signs anew for each request.
FRESH_SIGNATURE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Who may use a link, and how often; see `LinkRecord`."""

    address: str | None = None
    referers: tuple[str, ...] = ()
    empty_referer: bool = True
    uses: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: path and query as they came, the client's address, the page that led here."""

    target: str
    address: str
    referer: str = ""


def new_link(
    version: str,
    digest: Digest,
    path: str | None,
    life: timedelta,
    scheme: str,
    conditions: Conditions,
    now: datetime,
) -> LinkRecord:
    """A link with a key of its own, to a file of a version or, without a path, to all of them.

    Raises:
        UsageError: E_USAGE, if something of it can't be meant.
    """
    if scheme not in SCHEMES:
        raise UsageError(f"no link can be signed by {scheme[:40]!a}", remedy=f"use one of {', '.join(SCHEMES)}")
    if path is not None and life > LONGEST_SIGNATURE:
        raise UsageError(
            "a signed address lives seven days at most", remedy="choose a shorter --ttl, or give a key to whom it is for"
        )
    if conditions.address is not None:
        try:
            ipaddress.ip_network(conditions.address, strict=False)
        except ValueError:
            raise UsageError(f"{conditions.address[:60]!a} is no address", remedy="write it as 10.0.0.7 or 10.0.0.0/24") from None
    if conditions.uses is not None and (conditions.uses < 1 or path is None):
        raise UsageError("these uses can't be counted", remedy="give --uses a number from 1 on, and name one FILE")
    ttl = life if path is not None else min(life, FRESH_SIGNATURE)
    return LinkRecord(
        secrets.token_hex(8),
        now,
        now + life,
        version,
        digest,
        path,
        scheme,
        secrets.token_urlsafe(24),
        max(1, int(ttl.total_seconds())),
        conditions.address,
        conditions.referers,
        conditions.empty_referer,
        conditions.uses,
    )


def address_of(link: LinkRecord, keys: LinkKeys, path: str, base: str, now: datetime) -> str:
    """The signed address of a file.

    Args:
        base: where the service is reached, such as `http://hub.intranet:7860`.
    """
    bare = f"{base.rstrip('/')}/links/{link.id}/{quote(path)}"
    return sign(bare, Terms(_signing(link), keys.of(link), int(now.timestamp()), secrets.token_hex(8)))


def admit(link: LinkRecord, keys: LinkKeys, asked: Asked, now: datetime) -> None:
    """Let a request through that a link allows; uses are counted where the answer is known.

    Raises:
        PolicyError: E_LINK if it is not for this client, E_LINK_ENDED.
    """
    verdict = check(asked.target, _signing(link), keys.of(link), int(now.timestamp()))
    if verdict == "wrong":
        raise _refused("this address was changed on the way, or never signed")
    if verdict == "ended" or not link.is_good(now):
        raise PolicyError("this link has ended or was revoked", remedy="ask whoever gave it for a new one", code="E_LINK_ENDED")
    if link.address is not None and not _is_within(asked.address, link.address):
        raise _refused("this link is for another address")
    if link.referers and not _may_lead(asked.referer, link):
        raise _refused("no page of this site may lead here")


def _signing(link: LinkRecord) -> Signing:
    return Signing.model_validate({"scheme": link.scheme, "key_env": "-", "ttl": link.ttl})


def _refused(why: str) -> PolicyError:
    return PolicyError(why, remedy="ask whoever gave the link", code="E_LINK")


def _is_within(address: str, network: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # A socket that takes both families shows an IPv4 client as ::ffff:10.0.0.7.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed) in ipaddress.ip_network(network, strict=False)


def _may_lead(referer: str, link: LinkRecord) -> bool:
    if not referer:
        return link.empty_referer
    try:
        host = urlsplit(referer).hostname or ""
    except ValueError:
        return False
    return any(host == known or (known.startswith("*.") and host.endswith(known[1:])) for known in map(str.lower, link.referers))
