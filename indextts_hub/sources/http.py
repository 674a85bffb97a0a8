"""Mirrors of kind `http`: files below an address, on a CDN or any web server."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit
from uuid import uuid4

from indextts_hub.errors import SourceError
from indextts_hub.manifest import ByteCount
from indextts_hub.sources.context import Context
from indextts_hub.sources.protocol import Body, ByteRange, Description, EntryOptions, Limits, MirrorOptions, RemoteFile, Source
from indextts_hub.sources.signing import Signing, Terms, sign
from indextts_hub.sources.transport import Request, Transport

__all__ = ["Entry", "HttpSource", "Mirror", "connect"]


class Mirror(MirrorOptions):
    """`base`: the address that paths are put behind; `headers`: sent with each request; `token_env`: a Bearer token's variable;
    `basic_env`: the variable of `user:password`; `signing`: how addresses are signed, anew for each request.
    """

    kind: Literal["http"]
    base: str
    headers: Mapping[str, str] = {}
    token_env: str | None = None
    basic_env: str | None = None
    signing: Signing | None = None


class Entry(EntryOptions):
    """Nothing but the template of the path behind the address."""


@dataclass(frozen=True, slots=True)
class HttpSource:
    """A version below an address.

    Attributes:
        signed: makes the address that is asked from the one of the file.
        public: whether anybody may ask: without headers, secrets and signatures.
        validators: of each path the strong ETag its ranges came with; "" once it changed, and from then on only digests count:
            some clusters of servers give one file several.
    """

    mirror: str
    limits: Limits
    base: str
    headers: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)
    entry: EntryOptions
    transport: Transport
    signed: Callable[[str], str] = str
    public: bool = True
    validators: dict[str, str] = field(default_factory=dict)

    def describe(self, file: RemoteFile) -> Description:
        """Ask by HEAD."""
        size = self.transport.size(self._request(file))
        return Description(None if size is None else ByteCount(size), ranges=True)

    @contextmanager
    def open(self, file: RemoteFile, extent: ByteRange) -> Iterator[Body]:
        """Ask for the range."""
        try:
            with self.transport.open(self._request(file), extent, file.size) as answer:
                if answer.validator:
                    self.validators.setdefault(file.path, answer.validator)
                yield answer
        except SourceError as error:
            if error.code == "E_CHANGED":
                self.validators[file.path] = ""
            raise

    def address(self, file: RemoteFile) -> str | None:
        """The file's address, if anybody may ask for it."""
        return self._url(file) if self.public else None

    def close(self) -> None:
        """Close the connections that lie idle."""
        self.transport.close()

    def _url(self, file: RemoteFile) -> str:
        return f"{self.base.rstrip('/')}/{quote(self.entry.locate(file))}"

    def _request(self, file: RemoteFile) -> Request:
        # The catalogue's headers are for this mirror: a Referer or a key of its own is nobody else's business either.
        secrets = {**self.headers, **self.secrets}
        return Request(self.mirror, self.signed(self._url(file)), secrets=secrets, validator=self.validators.get(file.path) or None)


def connect(name: str, mirror: MirrorOptions, entry: EntryOptions, context: Context) -> Source:
    """Make the source of a version below an address.

    Raises:
        UsageError: E_SECRET, if the variable of the token or of the password is not set.
    """
    assert isinstance(mirror, Mirror)  # noqa: S101 - the catalogue has checked it against this module's model
    secrets = {}
    if mirror.token_env:
        secrets["Authorization"] = f"Bearer {context.secret(mirror.token_env, name).value}"
    elif mirror.basic_env:
        secrets["Authorization"] = f"Basic {b64encode(context.secret(mirror.basic_env, name).value.encode()).decode()}"
    transport = Transport(context.private_hosts | {urlsplit(mirror.base).hostname or ""}, context.idle_seconds)
    signed = _signer(mirror.signing, name, context) if mirror.signing else str
    public = not (mirror.headers or secrets or mirror.signing)
    return HttpSource(name, mirror.limits, mirror.base, mirror.headers, secrets, entry, transport, signed, public)


def _signer(options: Signing, name: str, context: Context) -> Callable[[str], str]:
    key = context.secret(options.key_env, name)
    access_key = context.secret(options.access_key_env, name).value if options.access_key_env else ""

    def signed(url: str) -> str:
        return sign(url, Terms(options, key, int(time.time() + options.clock_offset), uuid4().hex, access_key))

    return signed
