"""Bytes over HTTP, for every kind of mirror that speaks it. The rules it keeps:

1.  Only what was asked for is handed on: the range, the total and the length are the manifest's, or the answer is refused. A 200
    to a request for a range counts only from the first byte on; nothing is read beyond the range.
2.  Bytes come as they are: `Accept-Encoding: identity`, and an encoded answer is refused, never inflated.
3.  A refusal says what can be done about it; a page or an error in disguise is no file (`answers`).
4.  Redirects are followed here, five at most, never from https to http nor to another scheme. Headers with secrets go to the host
    they are for, and to no other.
5.  Every connection goes to an address that was checked (`addresses`), or through the proxy that the environment names. TLS is
    always verified. Every wait has a time-out.
6.  Ranges of one file come from one state of it: `If-Range` is sent where the mirror gave a strong validator, and an answer from
    another state is refused.

The standard library's `http.client` reads into a buffer of ours without a copy between; see docs/decisions/0010.
"""

import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from time import strftime
from urllib.parse import SplitResult, urljoin, urlsplit

from indextts_hub.errors import Lied, PolicyError, SourceError, TooSlow
from indextts_hub.sources.addresses import Resolve, connect_checked, system_resolver
from indextts_hub.sources.answers import check_range, check_unchanged, is_range, status_error, strong_etag
from indextts_hub.sources.protocol import ByteRange

__all__ = ["Answer", "Request", "Transport"]

MOST_REDIRECTS = 5
# Connections that lie idle for the next range; more than the connections any mirror is allowed would never be used.
MOST_IDLE = 16
LARGEST_DOCUMENT = 32 << 20
DOCUMENT_SECONDS = 120.0
# All headers must be here within so many idle times: a byte now and then would else keep a connection for ever.
HEADER_PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for.

    Attributes:
        mirror: the name to blame.
        url: where.
        headers: sent to every host on the way.
        secrets: sent to the host of `url` only.
        validator: the strong ETag that earlier ranges came with, or None.
        body: sent by POST, or as `method` says, instead of asking by GET; or None.
        method: instead of GET or POST; or None.
    """

    mirror: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    validator: str | None = None
    body: bytes | None = None
    method: str | None = None


@dataclass(slots=True)
class Answer:
    """The body of one answer, as far as it was asked for."""

    mirror: str
    response: http.client.HTTPResponse
    left: int

    @property
    def validator(self) -> str | None:
        """The strong ETag of a range, for `Request.validator` of the next one; None if there is none."""
        return strong_etag(self.response) if is_range(self.response) else None

    def readinto(self, buffer: memoryview, /) -> int:
        """Read on, not beyond the range; 0 at its end.

        Raises:
            SourceError: E_TRUNCATED, if the connection ends before the range does.
            TooSlow: E_IDLE, if it falls silent.
        """
        if not self.left:
            return 0
        with _network_errors(self.mirror):
            count = self.response.readinto(buffer[: self.left])
        if not count:
            raise SourceError(
                f"{self.mirror} closed the connection {self.left} bytes too early", remedy="try again", code="E_TRUNCATED"
            )
        self.left -= count
        return count


def _whole(mirror: str, response: http.client.HTTPResponse, most: int) -> bytes:
    deadline, body = time.monotonic() + DOCUMENT_SECONDS, bytearray()
    while len(body) < most and (piece := response.read1(min(most - len(body), 1 << 16))):
        body += piece
        if time.monotonic() > deadline:
            raise TooSlow(f"{mirror} sends a document too slowly", remedy="try again later, or use another mirror")
    if len(body) < most and response.length:
        raise http.client.IncompleteRead(bytes(body), response.length)
    return bytes(body)


class Transport:
    """Connections to HTTP mirrors. Safe to use from several threads; close it where it was made."""

    def __init__(self, allowed: frozenset[str], idle_seconds: float, resolve: Resolve = system_resolver) -> None:
        """`allowed` are the hosts that may have private addresses: those that the catalogue names."""
        self._allowed = allowed
        self._idle_seconds = idle_seconds
        self._resolve = resolve
        self._tls = ssl.create_default_context()
        self._lock = threading.Lock()
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}

    @contextmanager
    def open(self, request: Request, extent: ByteRange, size: int) -> Iterator[Answer]:
        """Ask for a range of a file.

        Args:
            extent: what is wanted.
            size: of the whole file in bytes, by the manifest.

        Raises:
            SourceError: the mirror does not give it: `Lied`, `Refused`, `Expired`, `Waiting`, `TooSlow`; E_CHANGED if its file is
                another one than that of `request.validator`.
            PolicyError: E_PRIVATE_ADDRESS.
        """
        ranged = {"Range": f"bytes={extent.start}-{extent.stop - 1}"} if extent != ByteRange(0, size) else {}
        if ranged and request.validator:
            ranged["If-Range"] = request.validator
        with self._answered(replace(request, headers={**request.headers, **ranged})) as response:
            if "If-Range" in ranged:
                check_unchanged(request.mirror, request.validator, response)
            check_range(request.mirror, response, extent, size)
            yield Answer(request.mirror, response, extent.size)

    def document(self, request: Request, largest: int = LARGEST_DOCUMENT) -> bytes:
        """Fetch a whole document of at most `largest` bytes, such as an index; by POST if the request has a body.

        Raises:
            SourceError: as `open`; Lied if it is larger, TooSlow if it takes longer than two minutes.
        """
        method = request.method or ("GET" if request.body is None else "POST")
        with self._answered(request, method) as response, _network_errors(request.mirror):
            if response.status != 200:
                raise status_error(request.mirror, response)
            body = _whole(request.mirror, response, largest + 1)
        if len(body) > largest:
            raise Lied(f"{request.mirror} sends a document without end", remedy="use another mirror")
        return body

    def size(self, request: Request) -> int | None:
        """Ask how long a file is, by HEAD; None where the mirror does not say.

        Raises:
            SourceError: as `open`.
        """
        with self._answered(request, method="HEAD") as response:
            if response.status != 200:
                raise status_error(request.mirror, response)
            length = response.headers.get("Content-Length", "")
            return int(length) if length.isascii() and length.isdigit() else None

    def close(self) -> None:
        """Close the connections that lie idle."""
        with self._lock:
            for connections in self._idle.values():
                for connection in connections:
                    connection.close()
            self._idle.clear()

    @contextmanager
    def _answered(self, request: Request, method: str = "GET") -> Iterator[http.client.HTTPResponse]:
        """The final answer behind at most five redirects; its connection is kept if all of it was read."""
        url, secrets = request.url, request.secrets
        for _ in range(MOST_REDIRECTS + 1):
            parts = _parsed(request.mirror, url)
            headers = {"Accept-Encoding": "identity", "User-Agent": "indextts-hub", **request.headers, **secrets}
            connection, response = self._asked(request.mirror, parts, method, headers, request.body)
            try:
                if response.status not in {301, 302, 303, 307, 308} or "Location" not in response.headers:
                    yield response
                    return
                url = _redirected(request.mirror, url, response)
                if _origin(urlsplit(url)) != _origin(urlsplit(request.url)):
                    secrets = {}
            finally:
                self._give_back(parts, connection, response)
        raise SourceError(
            f"{request.mirror} redirects more than {MOST_REDIRECTS} times", remedy="use another mirror", code="E_REDIRECTS"
        )

    def _asked(
        self, mirror: str, parts: SplitResult, method: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = _proxy(parts)
        if proxy is not None and parts.scheme == "http":
            # A proxy takes plain HTTP by its whole address; tunnels are for TLS.
            target = f"http://{parts.netloc.rpartition('@')[2]}{target}"
            headers = {**headers, **_proxy_headers(proxy)}
        for fresh in (False, True):
            connection = None if fresh else self._taken(parts)
            kept = connection is not None
            with _network_errors(mirror):
                connection = connection or self._connected(parts)
                try:
                    with _deadline(connection, HEADER_PATIENCE * self._idle_seconds):
                        connection.request(method, target, body, dict(headers))
                        response = connection.getresponse()
                except (http.client.HTTPException, OSError):
                    connection.close()
                    if kept:
                        continue  # the mirror closed it while it lay idle
                    raise
                return connection, response
        raise AssertionError("a fresh connection answers or raises")

    def _connected(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        proxy = _proxy(parts)
        if proxy is None:
            raw = connect_checked(host, port, self._idle_seconds, self._allowed, self._resolve)
        else:
            raw = connect_checked(
                proxy.hostname or "", proxy.port or 8080, self._idle_seconds, {proxy.hostname or ""}, self._resolve
            )
        raw.settimeout(self._idle_seconds)
        connection = _Connection(host, port, raw, self._tls if parts.scheme == "https" else None, proxy)
        try:
            connection.connect()
        except BaseException:
            raw.close()
            raise
        return connection

    def _taken(self, parts: SplitResult) -> http.client.HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(_origin(parts), [])
            return idle.pop() if idle else None

    def _give_back(self, parts: SplitResult, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        reusable = response.isclosed() and not response.will_close
        response.close()
        with self._lock:
            idle = self._idle.setdefault(_origin(parts), [])
            if reusable and len(idle) < MOST_IDLE:
                idle.append(connection)
                return
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection over a socket that is already connected to a checked address, or to the proxy."""

    def __init__(self, host: str, port: int, raw: socket.socket, tls: ssl.SSLContext | None, proxy: SplitResult | None) -> None:
        super().__init__(host, port)
        self._name = host
        self._raw = raw
        self._context = tls
        self._proxy = proxy if tls is not None else None
        if self._proxy is not None:
            self.set_tunnel(host, port, _proxy_headers(self._proxy))

    def connect(self) -> None:
        """Go through the proxy if there is one, then TLS if it is wanted."""
        self.sock = self._raw
        if self._proxy is not None:
            try:
                self._tunnel()  # type: ignore[attr-defined]
            except OSError as error:
                raise SourceError(
                    f"the proxy {self._proxy.hostname}:{self._proxy.port} does not let through to {self._name}: {error}",
                    remedy="check HTTPS_PROXY and its password, or name the host in NO_PROXY",
                    code="E_PROXY",
                ) from None
        if self._context is not None:
            self.sock = self._context.wrap_socket(self._raw, server_hostname=self._name)


def _proxy(parts: SplitResult) -> SplitResult | None:
    host = parts.hostname or ""
    if urllib.request.proxy_bypass(host) or host in {"127.0.0.1", "::1", "localhost"}:
        return None
    address = urllib.request.getproxies().get(parts.scheme)
    return urlsplit(address) if address else None


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    from base64 import b64encode
    from urllib.parse import unquote

    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(login.encode()).decode()}"}


def _parsed(mirror: str, url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise PolicyError(f"{mirror} leads to an address that is not http", remedy="use another mirror", code="E_REDIRECT")
    return parts


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}"


def _redirected(mirror: str, url: str, response: http.client.HTTPResponse) -> str:
    response.read(LARGEST_DOCUMENT)
    target = urljoin(url, response.headers.get("Location", ""))
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https":
        raise PolicyError(f"{mirror} redirects from https to something less", remedy="use another mirror", code="E_REDIRECT")
    return target


@contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """End the connection if what is done with it takes longer.

    Raises:
        TimeoutError: it did.
    """
    late = threading.Event()

    def give_up() -> None:
        late.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, give_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    except (http.client.HTTPException, OSError):
        if not late.is_set():
            raise
    finally:
        watch.cancel()
    # Headers that were cut off by this may even look whole.
    if late.is_set():
        raise TimeoutError


@contextmanager
def _network_errors(mirror: str) -> Iterator[None]:
    """What the network says, as a source's error."""
    try:
        yield
    except TimeoutError:
        raise TooSlow(f"{mirror} fell silent", remedy="try again, or use another mirror", code="E_IDLE") from None
    except ssl.SSLCertVerificationError as error:
        raise SourceError(
            f"{mirror} can't prove who it is: {error.verify_message} (this machine's clock says {strftime('%Y-%m-%d %H:%M')})",
            remedy="check the address and this machine's clock; SSL_CERT_FILE names a company's own certificates",
            code="E_TLS",
        ) from None
    except http.client.HTTPException as error:
        raise SourceError(
            f"{mirror} does not speak HTTP as it should: {error!r}"[:200], remedy="try again", code="E_HTTP"
        ) from None
    except OSError as error:
        raise SourceError(f"the connection to {mirror} broke: {error}", remedy="try again", code="E_CONNECTION") from None
