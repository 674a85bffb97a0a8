"""Signed addresses, as the CDNs that guard against hotlinking want them, for a client that is entitled to them. Pure.

Each scheme is a function from an address, a key and a moment to the signed address. The formulas are those that the vendors
publish; tests hold each to its published example. What an address reveals of its own end, `expiry` reads.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Literal
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field

from indextts_hub.errors import UsageError
from indextts_hub.sources.context import Secret

__all__ = ["SCHEMES", "Signing", "Terms", "expiry", "sign"]

Scheme = Literal[
    "aliyun-a",
    "aliyun-b",
    "aliyun-c",
    "aliyun-c-query",
    "cloudfront",
    "nginx",
    "nginx-path",
    "qiniu-private",
    "qiniu-timestamp",
    "tencent-a",
    "tencent-c",
    "tencent-d",
    "upyun",
]


class Signing(BaseModel):
    """How a mirror's addresses are signed.

    Attributes:
        key_env: the variable of the key.
        ttl: seconds that a signed address is good for, where the address says so.
        clock_offset: seconds to add to this machine's clock.
        parameter: the query parameter's name, where the CDN lets it be chosen.
        expression: of nginx's `secure_link_md5`, with `{expires}`, `{uri}` and `{key}`.
        access_key_env: the variable of Qiniu's access key, or of CloudFront's key pair's id.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: Scheme
    key_env: str
    ttl: int = Field(default=1800, ge=1, le=7 * 86400)
    clock_offset: float = 0.0
    parameter: str | None = None
    expression: str = "{expires}{uri} {key}"
    access_key_env: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a scheme signs with.

    Attributes:
        now: seconds since 1970, the mirror's clock as far as it is known.
        nonce: a random word, for schemes that want one.
    """

    options: Signing
    key: Secret
    now: int
    nonce: str = "0"
    access_key: str = ""


def sign(url: str, terms: Terms) -> str:
    """The signed address of `url`.

    Raises:
        UsageError: E_SECRET, if the key is none of the kind that the scheme wants.
    """
    return SCHEMES[terms.options.scheme](urlsplit(url), terms)


def expiry(url: str) -> datetime | None:
    """When a signed address ends, if it says so: SigV4, CloudFront, nginx, Qiniu and Aliyun Drive; else None."""
    query = {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
    if "X-Amz-Date" in query and query.get("X-Amz-Expires", "").isdigit():
        signed = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(query["X-Amz-Expires"]))
    for name in ("Expires", "expires", "x-oss-expires", "e"):
        if query.get(name, "").isdigit():
            return datetime.fromtimestamp(int(query[name]), UTC)
    if "sign" in query and re.fullmatch(r"[0-9a-f]{8}", query.get("t", "")):
        return datetime.fromtimestamp(int(query["t"], 16), UTC)
    if (policy := query.get("Policy")) and (end := re.search(rb'"AWS:EpochTime":\s*(\d{1,12})', _policy(policy))):
        return datetime.fromtimestamp(int(end[1]), UTC)
    return None


def _policy(text: str) -> bytes:
    """CloudFront's custom policy, whose base64 has `-_~` for `+=/`; the only time in it that matters comes after `DateLessThan`."""
    with suppress(ValueError):
        return base64.b64decode(text.translate(str.maketrans("-_~", "+=/"))).partition(b"DateLessThan")[2]
    return b""


def _aliyun_a(url: SplitResult, terms: Terms) -> str:
    # https://help.aliyun.com/document_detail/85113.html
    signed = _md5(f"{url.path}-{terms.now}-{terms.nonce}-0-{terms.key.value}")
    return _with_query(url, f"{terms.options.parameter or 'auth_key'}={terms.now}-{terms.nonce}-0-{signed}")


def _aliyun_b(url: SplitResult, terms: Terms) -> str:
    # https://help.aliyun.com/en/cdn/user-guide/type-b-signing; the time is Beijing's
    moment = datetime.fromtimestamp(terms.now, timezone(timedelta(hours=8))).strftime("%Y%m%d%H%M")
    return _with_path(url, f"/{moment}/{_md5(terms.key.value + moment + url.path)}{url.path}")


def _aliyun_c(url: SplitResult, terms: Terms) -> str:
    # https://help.aliyun.com/document_detail/85115.html; the case of the hex digits counts
    moment = f"{terms.now:X}"
    return _with_path(url, f"/{_md5(terms.key.value + url.path + moment)}/{moment}{url.path}")


def _aliyun_c_query(url: SplitResult, terms: Terms) -> str:
    moment = f"{terms.now:X}"
    return _with_query(url, f"KEY1={_md5(terms.key.value + url.path + moment)}&KEY2={moment}")


def _nginx(url: SplitResult, terms: Terms) -> str:
    # https://nginx.org/en/docs/http/ngx_http_secure_link_module.html: the MD5 as base64url without padding
    expires = terms.now + terms.options.ttl
    said = terms.options.expression.replace("{expires}", str(expires)).replace("{uri}", unquote(url.path))
    digest = hashlib.md5(said.replace("{key}", terms.key.value).encode(), usedforsecurity=False).digest()
    return _with_query(url, f"md5={base64.urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}")


def _nginx_path(url: SplitResult, terms: Terms) -> str:
    # The module's older form: /prefix/MD5(link + secret)/link
    prefix, _, link = url.path.removeprefix("/").partition("/")
    return _with_path(url, f"/{prefix}/{_md5(unquote(link) + terms.key.value)}/{link}")


def _qiniu_private(url: SplitResult, terms: Terms) -> str:
    # https://developer.qiniu.com/kodo/1202/download-token: the token must stand last
    dated = _with_query(url, f"e={terms.now + terms.options.ttl}")
    mac = hmac.new(terms.key.value.encode(), dated.encode(), hashlib.sha1).digest()
    return f"{dated}&token={terms.access_key}:{base64.urlsafe_b64encode(mac).decode()}"


def _qiniu_timestamp(url: SplitResult, terms: Terms) -> str:
    # https://developer.qiniu.com/fusion/3841/timestamp-hotlinking-prevention-fusion: t is the end, in lower-case hex
    end = f"{terms.now + terms.options.ttl:x}"
    return _with_query(url, f"sign={_md5(terms.key.value + quote(unquote(url.path)) + end)}&t={end}")


def _tencent_a(url: SplitResult, terms: Terms) -> str:
    # https://www.tencentcloud.com/document/product/228/35222
    signed = _md5(f"{url.path}-{terms.now}-{terms.nonce}-0-{terms.key.value}")
    return _with_query(url, f"{terms.options.parameter or 'sign'}={terms.now}-{terms.nonce}-0-{signed}")


def _tencent_c(url: SplitResult, terms: Terms) -> str:
    # https://www.tencentcloud.com/document/product/1552/109331
    moment = f"{terms.now:x}"
    return _with_path(url, f"/{_md5(terms.key.value + url.path + moment)}/{moment}{url.path}")


def _tencent_d(url: SplitResult, terms: Terms) -> str:
    # https://www.tencentcloud.com/document/product/1552/109332
    return _with_query(url, f"{terms.options.parameter or 'sign'}={_md5(f'{terms.key.value}{url.path}{terms.now}')}&t={terms.now}")


def _cloudfront(url: SplitResult, terms: Terms) -> str:
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
    from botocore.signers import CloudFrontSigner
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(terms.key.value.encode(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(
            f"{terms.options.key_env} holds no RSA key", remedy="put the key pair's private key there, as PEM", code="E_SECRET"
        )
    rsa = key
    # SHA-1 is what CloudFront verifies by default; it guards an address for minutes, and no byte is believed because of it.
    signer = CloudFrontSigner(terms.access_key, lambda message: rsa.sign(message, PKCS1v15(), SHA1()))  # noqa: S303
    end = datetime.fromtimestamp(terms.now + terms.options.ttl, UTC)
    return str(signer.generate_presigned_url(urlunsplit(url), date_less_than=end))


def _upyun(url: SplitResult, terms: Terms) -> str:
    # https://help.upyun.com/knowledge-base/cdn-token-limite/: the digest's middle eight digits, then the end
    end = terms.now + terms.options.ttl
    return _with_query(url, f"{terms.options.parameter or '_upt'}={_md5(f'{terms.key.value}&{end}&{url.path}')[12:20]}{end}")


SCHEMES: Mapping[str, Callable[[SplitResult, Terms], str]] = MappingProxyType(
    {
        "aliyun-a": _aliyun_a,
        "aliyun-b": _aliyun_b,
        "aliyun-c": _aliyun_c,
        "aliyun-c-query": _aliyun_c_query,
        "cloudfront": _cloudfront,
        "nginx": _nginx,
        "nginx-path": _nginx_path,
        "qiniu-private": _qiniu_private,
        "qiniu-timestamp": _qiniu_timestamp,
        "tencent-a": _tencent_a,
        "tencent-c": _tencent_c,
        "tencent-d": _tencent_d,
        "upyun": _upyun,
    }
)
"""Each scheme's function. Those whose formula is nowhere published in full are left out."""


def _md5(text: str) -> str:
    # The schemes' own choice. It guards an address for minutes; no byte is believed because of it.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _with_query(url: SplitResult, query: str) -> str:
    return urlunsplit(url._replace(query=f"{url.query}&{query}" if url.query else query))


def _with_path(url: SplitResult, path: str) -> str:
    return urlunsplit(url._replace(path=path))
