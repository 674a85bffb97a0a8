"""Bytes over HTTP, for every kind of mirror that speaks it. The rules it keeps:

1.  Only what was asked for is handed on: the range, the total and the length are the manifest's, or the answer is refused. A 200
    to a request for a range counts only from the first byte on; nothing is read beyond the range.
2.  Bytes come as they are: `Accept-Encoding: identity`, and an encoded answer is refused, never inflated.
3.  A page, an error in disguise and a Git LFS pointer can be named for what they are (`name_disguise`).
4.  Redirects are followed here, five at most, never from https to http nor to another scheme. Headers with secrets go to the host
    they are for, and to no other.
5.  Every connection goes to an address that was checked (`addresses`), or through the proxy that the environment names. TLS is
    always verified. Every wait has a time-out.

The standard library's `http.client` reads into a buffer of ours without a copy between; see docs/decisions/0010.
"""

import http.client
import socket
import ssl
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import SplitResult, urljoin, urlsplit

from indextts_hub.errors import Expired, Lied, PolicyError, Refused, SourceError, TooSlow
from indextts_hub.sources.addresses import Resolve, connect_checked, system_resolver
from indextts_hub.sources.protocol import ByteRange

__all__ = ["Answer", "Request", "Transport", "Waiting", "name_disguise"]

MOST_REDIRECTS = 5
# Connections that lie idle for the next range; more than the connections any mirror is allowed would never be used.
MOST_IDLE = 16
LARGEST_DOCUMENT = 32 << 20
# All headers must be here within so many idle times: a byte now and then would else keep a connection for ever.
HEADER_PATIENCE = 2
_PAGES = {b"<!doctype": "an HTML page", b"<html": "an HTML page", b"<?xml": "an XML document", b'{"': "a JSON document"}
_LFS = b"version https://git-lfs.github.com/spec/"


class Waiting(SourceError):
    """The mirror asks for patience: too many requests, or trouble of its own.

    Attributes:
        seconds: what its `Retry-After` asks for, or None.
    """

    default_code = "E_WAIT"

    def __init__(self, message: str, *, seconds: float | None) -> None:
        super().__init__(message, remedy="try again later, or use another mirror")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask for.

    Attributes:
        mirror: the name to blame.
        url: where.
        headers: sent to every host on the way.
        secrets: sent to the host of `url` only.
    """

    mirror: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Answer:
    """The body of one answer, as far as it was asked for."""

    mirror: str
    response: http.client.HTTPResponse
    left: int

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
            SourceError: the mirror does not give it: `Lied`, `Refused`, `Expired`, `Waiting`, `TooSlow`.
            PolicyError: E_PRIVATE_ADDRESS.
        """
        ranged = {"Range": f"bytes={extent.start}-{extent.stop - 1}"} if extent != ByteRange(0, size) else {}
        with self._answered(replace(request, headers={**request.headers, **ranged})) as response:
            _check(request.mirror, response, extent, size)
            yield Answer(request.mirror, response, extent.size)

    def document(self, request: Request) -> bytes:
        """Fetch a whole document of at most 32 MiB, such as an index.

        Raises:
            SourceError: as `open`; Lied if it is larger.
        """
        with self._answered(request) as response, _network_errors(request.mirror):
            if response.status != 200:
                raise _status_error(request.mirror, response)
            body = response.read(LARGEST_DOCUMENT + 1)
        if len(body) > LARGEST_DOCUMENT:
            raise Lied(f"{request.mirror} sends a document without end", remedy="use another mirror")
        return body

    def size(self, request: Request) -> int | None:
        """Ask how long a file is, by HEAD; None where the mirror does not say.

        Raises:
            SourceError: as `open`.
        """
        with self._answered(request, method="HEAD") as response:
            if response.status != 200:
                raise _status_error(request.mirror, response)
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
            connection, response = self._asked(request.mirror, parts, method, headers)
            try:
                if response.status not in {301, 302, 303, 307, 308}:
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
        self, mirror: str, parts: SplitResult, method: str, headers: Mapping[str, str]
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
                        connection.request(method, target, headers=dict(headers))
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


def _check(mirror: str, response: http.client.HTTPResponse, extent: ByteRange, size: int) -> None:
    """Hold an answer to the question, before a byte of it is used."""
    if response.status == 206:
        if response.headers.get_content_type() == "multipart/byteranges":
            raise Lied(f"{mirror} sends a bundle of ranges where one was asked for", remedy="use another mirror", code="E_RANGE")
        said = response.headers.get("Content-Range", "")
        if said.replace(" ", "") not in {f"bytes{extent.start}-{extent.stop - 1}/{total}" for total in (size, "*")}:
            raise Lied(
                f"{mirror} sends the range {said!a} where another was asked for", remedy="use another mirror", code="E_RANGE"
            )
    elif response.status != 200:
        raise _status_error(mirror, response)
    if (encoding := response.headers.get("Content-Encoding", "identity").lower()) not in {"identity", ""}:
        raise Lied(f"{mirror} sends the file encoded as {encoding[:20]!a}", remedy="use another mirror", code="E_ENCODED")
    _check_length(mirror, response, extent, size)
    if response.status == 200 and extent.start:
        raise SourceError(f"{mirror} serves no ranges", remedy="use another mirror", code="E_NO_RANGES")


def _check_length(mirror: str, response: http.client.HTTPResponse, extent: ByteRange, size: int) -> None:
    lengths = set(response.headers.get_all("Content-Length", []))
    expected = extent.size if response.status == 206 else size
    if lengths and lengths != {str(expected)}:
        what = (
            "a page, not weights,"
            if response.headers.get_content_type() in {"text/html", "application/json"}
            else "something else:"
        )
        raise Lied(
            f"{mirror} sends {what} {' and '.join(sorted(lengths))} bytes long where {expected} belong",
            remedy="use another mirror; a page often means that a login or an agreement is wanted",
            code="E_SIZE_MISMATCH",
        )


def name_disguise(head: bytes) -> str | None:
    """What the first bytes of a file are, if they are no weights but a page, a message or a pointer."""
    start = head.lstrip()[:64].lower()
    if start.startswith(_LFS):
        return "a Git LFS pointer"
    return next((name for mark, name in _PAGES.items() if start.startswith(mark)), None)


def _status_error(mirror: str, response: http.client.HTTPResponse) -> SourceError:
    status = response.status
    if status in {401, 403, 407, 451}:
        return Refused(
            f"{mirror} refuses with {status}", remedy="check the mirror's credentials and rights", code=f"E_HTTP_{status}"
        )
    if status == 410:
        return Expired(f"{mirror} says that the link is over (410)", remedy="resolve the link again")
    if status == 404:
        return SourceError(f"{mirror} does not have the file (404)", remedy="use another mirror", code="E_NOT_THERE")
    if status == 429 or status >= 500:
        return Waiting(f"{mirror} answers {status}", seconds=_retry_after(response.headers.get("Retry-After")))
    return SourceError(f"{mirror} answers {status}", remedy="use another mirror", code=f"E_HTTP_{status}")


def _retry_after(text: str | None) -> float | None:
    if not text:
        return None
    with suppress(ValueError):
        return max(0.0, float(text))
    with suppress(ValueError):
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    return None


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
            f"{mirror} can't prove who it is: {error.verify_message}",
            remedy="check the address and this machine's clock; SSL_CERT_FILE names a company's own certificates",
            code="E_TLS",
        ) from None
    except http.client.HTTPException as error:
        raise SourceError(
            f"{mirror} does not speak HTTP as it should: {error!r}"[:200], remedy="try again", code="E_HTTP"
        ) from None
    except OSError as error:
        raise SourceError(f"the connection to {mirror} broke: {error}", remedy="try again", code="E_CONNECTION") from None
