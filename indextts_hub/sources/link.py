"""Mirrors of kind `link`: places that give a file only by a direct link that lives for minutes, such as net disks.

A resolver turns a file into such a link, and is asked again when the link has run out, also in the middle of a file. It is a
program or an HTTP endpoint, and is told which file as JSON:

    {"mirror": "share", "path": "gpt.pth", "name": "gpt.pth", "size": 3484663079, "sha256": "9ad3…"}

on its standard input or by POST, and answers with JSON:

    {"url": "https://…", "headers": {"User-Agent": "pan.baidu.com"}, "expires": 1798761600}

`headers` are sent with each request to the link's host; `expires` is the link's end in seconds since 1970. Both may be left out:
the end is then read from the address where it shows it, and otherwise found out when the link is refused.
"""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial as bind
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from indextts_hub.errors import Expired, Lied, Refused, SourceError, TooSlow
from indextts_hub.manifest import ByteCount
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import Body, ByteRange, Description, EntryOptions, Limits, MirrorOptions, RemoteFile, Source
from indextts_hub.sources.signing import expiry
from indextts_hub.sources.transport import Request, Transport

__all__ = ["Entry", "Link", "LinkSource", "Mirror", "connect"]

# A resolver may have to sign in somewhere first.
RESOLVER_SECONDS = 60.0
# A link this close to its end is not begun with: the request must still arrive in time.
MARGIN_SECONDS = 10.0


class Mirror(MirrorOptions):
    """`resolver`: a program with its arguments, or an endpoint's address; `token_env`: the variable of the endpoint's Bearer token.

    `hosts`: those with private addresses that links may lead to.
    """

    kind: Literal["link"]
    resolver: str | tuple[str, ...] = Field(min_length=1)
    token_env: str | None = None
    hosts: tuple[str, ...] = ()
    # A second connection makes most net disks refuse the link.
    max_connections: int = Field(default=1, ge=1, le=64)

    @property
    def endpoint(self) -> str | None:
        """The resolver's address, if it is an endpoint."""
        named = self.resolver if isinstance(self.resolver, str) else ""
        return named if urlsplit(named).scheme in {"http", "https"} else None

    @property
    def runs_program(self) -> bool:
        """Whether the resolver is a program."""
        return self.endpoint is None


class Entry(EntryOptions):
    """Nothing but the template of the path that the resolver is told."""


class Link(BaseModel):
    """What a resolver answers; keys that are not known are passed over."""

    url: str = Field(pattern=r"^https?://")
    headers: Mapping[str, str] = {}
    expires: float | None = None

    @property
    def end(self) -> float:
        """When it runs out, in seconds since 1970, as far as is known."""
        if self.expires is not None:
            return self.expires
        seen = expiry(self.url)
        return float("inf") if seen is None else seen.timestamp()


@dataclass(slots=True)
class LinkSource:
    """A version behind a resolver; a link is kept for the next ranges until it runs out."""

    mirror: str
    limits: Limits
    entry: EntryOptions
    resolve: Callable[[RemoteFile], Link] = field(repr=False)
    transport: Transport
    _links: dict[str, Link] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def describe(self, file: RemoteFile) -> Description:
        """Ask for the first byte: many links are good for GET only."""
        with self.open(file, ByteRange(0, min(1, file.size))):
            return Description(ByteCount(file.size), ranges=True)

    @contextmanager
    def open(self, file: RemoteFile, extent: ByteRange) -> Iterator[Body]:
        """Ask the link for the range; a link that turns out to be over is resolved anew, once."""
        with ExitStack() as opened:
            link = self._links.get(file.path)
            if link is not None and time.time() < link.end - MARGIN_SECONDS:
                try:
                    body = opened.enter_context(self._asked(link, file, extent))
                except (Refused, Expired, Lied):
                    link = self._resolved_after(link, file)
                    body = opened.enter_context(self._asked(link, file, extent))
            else:
                body = opened.enter_context(self._asked(self._resolved_after(link, file), file, extent))
            yield body

    def address(self, file: RemoteFile) -> str | None:  # noqa: ARG002
        """A link is over before anybody else could use it."""
        return None

    def close(self) -> None:
        """Close the connections that lie idle."""
        self.transport.close()

    @contextmanager
    def _asked(self, link: Link, file: RemoteFile, extent: ByteRange) -> Iterator[Body]:
        with self.transport.open(Request(self.mirror, link.url, secrets=link.headers), extent, file.size) as answer:
            yield answer

    def _resolved_after(self, old: Link | None, file: RemoteFile) -> Link:
        """A link that came after `old`: another thread may just have asked for one."""
        with self._lock:
            if (known := self._links.get(file.path)) is None or known is old:
                self._links[file.path] = known = self.resolve(file)
            return known


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of a version behind a resolver.

    Raises:
        UsageError: E_SECRET, if the variable of the endpoint's token is not set.
    """
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked it against this module's model
    transport = Transport(context.private_hosts | set(mirror.hosts), context.idle_seconds)
    if (endpoint := mirror.endpoint) is not None:
        secrets = {"Authorization": f"Bearer {context.secret(mirror.token_env, name).value}"} if mirror.token_env else {}
        asking = Transport(context.private_hosts | {urlsplit(endpoint).hostname or ""}, RESOLVER_SECONDS)
        answer: Callable[[bytes], bytes] = bind(_answer_of_endpoint, asking, name, endpoint, secrets)
    else:
        program = (mirror.resolver,) if isinstance(mirror.resolver, str) else mirror.resolver
        answer = bind(_answer_of_program, name, program)

    def resolve(file: RemoteFile) -> Link:
        path = entry.locate(file)
        told = {"mirror": name, "path": path, "name": path.rpartition("/")[2], "size": file.size, "sha256": file.sha256}
        return _link(name, answer(json.dumps(told).encode()))

    return LinkSource(name, mirror.limits, entry, resolve, transport)


def _answer_of_endpoint(transport: Transport, mirror: str, endpoint: str, secrets: Mapping[str, str], told: bytes) -> bytes:
    try:
        request = Request(mirror, endpoint, headers={"Content-Type": "application/json"}, secrets=secrets, body=told)
        return transport.document(request)
    finally:
        transport.close()


def _answer_of_program(mirror: str, program: tuple[str, ...], told: bytes) -> bytes:
    try:
        ended = subprocess.run(program, input=told, stdout=subprocess.PIPE, timeout=RESOLVER_SECONDS, check=True)
    except subprocess.TimeoutExpired:
        raise TooSlow(f"the resolver of {mirror} does not answer", remedy=f"run {program[0]} by hand", code="E_RESOLVER") from None
    except subprocess.CalledProcessError as error:
        raise SourceError(
            f"the resolver of {mirror} ended with {error.returncode}", remedy=f"run {program[0]} by hand", code="E_RESOLVER"
        ) from None
    except OSError as error:
        raise Refused(
            f"the resolver of {mirror} can't be run: {error.strerror}",
            remedy=f"look whether {program[0]} is there, or leave the mirror out with --source",
            code="E_RESOLVER",
        ) from None
    return ended.stdout


def _link(mirror: str, answer: bytes) -> Link:
    try:
        return Link.model_validate_json(answer)
    except ValidationError as error:
        # Never the answer itself: the link is a secret.
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise SourceError(
            f"the resolver of {mirror} answers with no link: {where}: {first['msg']}",
            remedy='it must answer with JSON: {"url": …, "headers": {…}, "expires": …}',
            code="E_RESOLVER",
        ) from None
