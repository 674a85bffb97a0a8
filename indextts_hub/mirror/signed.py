"""Whether an address is signed as a scheme wants: the other side of `indextts_hub.sources.signing`. Pure.

An address is checked by signing it again: what the signature adds is taken off, the moment and the nonce in it are read, and the
bare address is signed with them and with the key. It is right if the very same address comes out. So every scheme has one formula
in this program, the one that is held to its vendor's published example.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote, unquote

from indextts_hub.sources.context import Secret
from indextts_hub.sources.signing import Signing, Terms, sign

__all__ = ["PATH_SCHEMES", "SCHEMES", "Verdict", "bare_path", "check"]

# Clocks differ; a signature from further in the future would outlive its time.
CLOCK_SKEW = 300

Verdict = Literal["good", "wrong", "ended"]


@dataclass(frozen=True, slots=True)
class _Form:
    """Where a scheme's signature stands, and what its moment means.

    Attributes:
        pattern: of the whole target; `path` is the bare path, `moment` what was signed with, `nonce` a random word.
        base: of the moment's digits; 0 for Beijing's calendar.
        is_end: whether the moment is the end; else the signature counts for the scheme's `ttl` from it.
    """

    pattern: re.Pattern[str]
    base: int
    is_end: bool


def _form(pattern: str, base: int = 10, *, is_end: bool = False) -> _Form:
    return _Form(re.compile(pattern), base, is_end)


# Of no scheme's formula; but a path that began with two slashes would be read as one.
_HOST = "http://hub"
_HASH = "[0-9a-f]{32}"
_FORMS: Mapping[str, _Form] = MappingProxyType(
    {
        "aliyun-a": _form(rf"(?P<path>/[^?]*)\?auth_key=(?P<moment>\d{{1,12}})-(?P<nonce>[0-9A-Za-z]{{1,64}})-0-{_HASH}"),
        "aliyun-b": _form(rf"/(?P<moment>\d{{12}})/{_HASH}(?P<path>/[^?]*)", 0),
        "aliyun-c": _form(rf"/{_HASH}/(?P<moment>[0-9A-F]{{1,12}})(?P<path>/[^?]*)", 16),
        "aliyun-c-query": _form(rf"(?P<path>/[^?]*)\?KEY1={_HASH}&KEY2=(?P<moment>[0-9A-F]{{1,12}})", 16),
        "nginx": _form(r"(?P<path>/[^?]*)\?md5=[\w-]{22}&expires=(?P<moment>\d{1,12})", is_end=True),
        "qiniu-timestamp": _form(rf"(?P<path>/[^?]*)\?sign={_HASH}&t=(?P<moment>[0-9a-f]{{1,12}})", 16, is_end=True),
        "tencent-a": _form(rf"(?P<path>/[^?]*)\?sign=(?P<moment>\d{{1,12}})-(?P<nonce>[0-9A-Za-z]{{1,64}})-0-{_HASH}"),
        "tencent-c": _form(rf"/{_HASH}/(?P<moment>[0-9a-f]{{1,12}})(?P<path>/[^?]*)", 16),
        "tencent-d": _form(rf"(?P<path>/[^?]*)\?sign={_HASH}&t=(?P<moment>\d{{1,12}})"),
        "upyun": _form(r"(?P<path>/[^?]*)\?_upt=[0-9a-f]{8}(?P<moment>\d{1,12})", is_end=True),
    }
)
SCHEMES = tuple(_FORMS)
"""Those that can be checked here: with a key that both sides have, and an end. Left out are CloudFront's RSA, Qiniu's signature
over the whole address with its host, which a proxy changes, and nginx's older form, which never ends."""

PATH_SCHEMES = re.compile(rf"/(?:\d{{12}}/{_HASH}|{_HASH}/[0-9A-Fa-f]{{1,12}})(?P<path>/links/.*)")
"""Addresses of links whose signature stands before the path."""


def bare_path(path: str) -> str:
    """The path without a signature that stands before it."""
    match = PATH_SCHEMES.fullmatch(path)
    return match["path"] if match else path


def check(target: str, signing: Signing, key: Secret, now: int) -> Verdict:
    """Whether a request's target, path and query as they came, is signed with a key.

    Args:
        now: seconds since 1970.
    """
    form = _FORMS[signing.scheme]
    asked = _canonical(target)
    match = form.pattern.fullmatch(asked)
    if match is None or (moment := _moment(match["moment"], form.base)) is None:
        return "wrong"
    told = match.groupdict()
    terms = Terms(signing, key, moment - signing.ttl if form.is_end else moment, told.get("nonce", "0"))
    if not hmac.compare_digest(sign(_HOST + match["path"], terms).encode(), (_HOST + asked).encode()):
        return "wrong"
    if form.is_end:
        return "good" if now < moment else "ended"
    return "good" if moment - CLOCK_SKEW <= now < moment + signing.ttl else "ended"


def _canonical(target: str) -> str:
    """The target with its path encoded as we encode it: clients differ in what they leave as it is."""
    path, mark, query = target.partition("?")
    return quote(unquote(path)) + mark + query


def _moment(digits: str, base: int) -> int | None:
    if base:
        return int(digits, base)
    try:
        return int(datetime.strptime(digits, "%Y%m%d%H%M").replace(tzinfo=timezone(timedelta(hours=8))).timestamp())
    except ValueError:
        return None
