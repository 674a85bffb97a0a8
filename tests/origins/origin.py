"""A web server that misbehaves on request, on a free port of the loopback interface.

    with Origin({"model.bin": body}) as origin:
        origin.faults["model.bin"] = flipped(chunk_byte=100)
        ...                                   # pull from origin.url
        assert origin.requests[0].range == (0, 8388608)

A fault is a function from what would be answered to what is answered instead.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path, its range as `(start, stop)` or None, its headers in lower case, and target and body as they came."""

    path: str
    range: tuple[int, int] | None
    headers: Mapping[str, str]
    number: int
    target: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; `cut` bytes of the body are sent, then the connection is closed; `pace` seconds are slept per 16 KiB."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: int | None = None
    pace: float = 0.0
    stall_at: int | None = None


Fault = Callable[[Asked, Answer], Answer]


@dataclass
class Origin:
    """The server. `files` by path; `faults` by path, `*` for all."""

    files: dict[str, bytes]
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, asked: Asked) -> Answer:
        body = self.files.get(asked.path)
        if body is None:
            return Answer(404, {}, b"not here")
        if asked.range is None:
            return Answer(200, {"Content-Length": str(len(body)), "Accept-Ranges": "bytes"}, body)
        start, stop = asked.range
        part = body[start:stop]
        headers = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(body)}"}
        return Answer(206, headers, part)


def flipped(at: int) -> Fault:
    """One bit of byte `at` of the file is wrong."""

    def fault(asked: Asked, answer: Answer) -> Answer:
        start, stop = asked.range or (0, len(answer.body))
        if not start <= at < stop or answer.status >= 300:
            return answer
        body = bytearray(answer.body)
        body[at - start] ^= 1
        return replace(answer, body=bytes(body))

    return fault


def cut(after: int, times: int = 10**9) -> Fault:
    """The connection is closed after so many bytes, for the first `times` requests."""
    return lambda asked, answer: replace(answer, cut=after) if asked.number < times else answer


def paced(seconds: float) -> Fault:
    """So many seconds for each 16 KiB."""
    return lambda _, answer: replace(answer, pace=seconds)


def stalled(at: int, times: int = 10**9) -> Fault:
    """Falls silent after so many bytes, with the connection open, for the first `times` requests."""
    return lambda asked, answer: replace(answer, stall_at=at) if asked.number < times else answer


def status(code: int, times: int = 10**9, headers: Mapping[str, str] | None = None) -> Fault:
    """Answers with a status, for the first `times` requests."""
    return lambda asked, answer: Answer(code, dict(headers or {}), b"") if asked.number < times else answer


def page(body: bytes, kind: str = "text/html", *, length: int | None = None) -> Fault:
    """Answers 200 with another body, padded to `length` bytes if that is given."""
    whole = body if length is None else body.ljust(length)[:length]
    return lambda *_: Answer(200, {"Content-Type": kind, "Content-Length": str(len(whole))}, whole)


def without_ranges(_: Asked, answer: Answer) -> Answer:
    """Marks an answer as one to the whole; `Origin` replaces it by the whole file."""
    return replace(answer, status=-1)


def headers(**changed: str | None) -> Fault:
    """Answers with headers changed, `_` for `-`; None removes one."""

    def fault(_: Asked, answer: Answer) -> Answer:
        names = {name.replace("_", "-"): value for name, value in changed.items()}
        kept = {name: value for name, value in answer.headers.items() if name not in names}
        return replace(answer, headers=kept | {name: value for name, value in names.items() if value is not None})

    return fault


def redirect(target: str, code: int = 302) -> Fault:
    """Answers with a redirect."""
    return lambda *_: Answer(code, {"Location": target, "Content-Length": "0"}, b"")


def _handler(origin: Origin) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class, whose methods are simple
    counts: dict[str, int] = {}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path).lstrip("/")
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with lock:
                number = counts[path] = counts.get(path, -1) + 1
                said = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(path, _range(said.get("range")), said, number, self.path, body)
                origin.requests.append(asked)
            answer = origin.answer(asked)
            fault = origin.faults.get(path) or origin.faults.get("*")
            if fault is not None:
                answer = fault(asked, answer)
            if answer.status == -1:
                answer = origin.answer(replace(asked, range=None))
            self._send(answer)

        do_HEAD = do_POST = do_GET  # noqa: N815

        def _send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in (
                {"Content-Length": str(len(answer.body))} | answer.headers if answer.status >= 300 else answer.headers
            ).items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers and answer.status < 300:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command == "HEAD":
                return
            try:
                for piece in _pieces(answer):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                self.close_connection = True
            if answer.cut is not None or answer.stall_at is not None:
                self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    return Handler


def _pieces(answer: Answer) -> Iterator[bytes]:
    body = answer.body if answer.cut is None else answer.body[: answer.cut]
    if answer.stall_at is not None:
        yield body[: answer.stall_at]
        time.sleep(3)
        return
    if not answer.pace:
        yield body
        return
    for start in range(0, len(body), 16384):
        time.sleep(answer.pace)
        yield body[start : start + 16384]


def _range(header: str | None) -> tuple[int, int] | None:
    if header is None:
        return None
    start, _, last = header.removeprefix("bytes=").partition("-")
    return int(start), int(last) + 1


@contextmanager
def origins(*files: dict[str, bytes]) -> Iterator[list[Origin]]:
    """Several servers, each with its files."""
    if not files:
        yield []
        return
    with Origin(files[0]) as first, origins(*files[1:]) as others:
        yield [first, *others]
