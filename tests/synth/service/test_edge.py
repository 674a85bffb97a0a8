"""What every request and answer goes through, over HTTP and over a bare socket."""

import os
import re
import socket
import sqlite3
import threading
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx2
import pytest

from indextts_hub.errors import UsageError
from synth.service.serving import listen
from tests.synth.service.conftest import RunningService, sine_service


def test_each_answer_has_an_id_and_keeps_one_that_was_given(client: httpx2.Client) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", client.get("/healthz").headers["x-request-id"])
    assert client.get("/nowhere", headers={"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert client.get("/healthz", headers={"X-Request-Id": "a b<>"}).headers["x-request-id"] != "a b<>"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/v1/nowhere", "/%2e%2e/%2e%2e/etc/passwd", "/assets/..%2f..%2fpyproject.toml", "/assets/%00"]
)
def test_an_unknown_address_is_not_found_and_touches_no_file(client: httpx2.Client, path: str) -> None:
    """A04."""
    answer = client.get(path)
    assert answer.status_code == 404
    assert "error" in answer.json() if path.startswith("/v1/") else answer.json()["code"] == "E_NO_ROUTE"


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 422), ("none", 422)])
def test_another_site_s_page_changes_nothing_where_no_key_is_asked_for(client: httpx2.Client, site: str, status: int) -> None:
    """A09: what a form of another page may send without asking first."""
    form = {"Sec-Fetch-Site": site, "Content-Type": "text/plain"}
    answer = client.post("/api/tasks", content=b"{}", headers=form)
    assert answer.status_code == status
    assert (answer.json()["code"] == "E_ORIGIN") is (status == 403)
    assert client.get("/healthz", headers=form).status_code == 200


@pytest.mark.parametrize("task", ["nope", "..%2f..%2fhub.sqlite3", "%00", "a" * 5000])
def test_the_audio_of_an_unknown_task_is_not_found(client: httpx2.Client, task: str) -> None:
    """A04."""
    assert client.get(f"/api/tasks/{task}/audio").status_code == 404


def test_a_defect_shows_no_internals(client: httpx2.Client, service: RunningService) -> None:
    """A09."""
    answer = client.get("/test/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "E_DEFECT"
    assert answer.headers["x-request-id"]
    assert "secret" not in answer.text
    assert "a secret in" in (service.folder / "log").read_text()


def test_a_body_over_the_limit_is_refused_before_it_is_read(service: RunningService) -> None:
    """A01."""
    with connected(service) as wire:
        wire.sendall(
            b"POST /synthesize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
        )
        assert b" 413 " in wire.recv(4096)


def test_an_endless_body_is_cut_off(service: RunningService) -> None:
    """A01."""
    with connected(service) as wire:
        wire.sendall(
            b"POST /synthesize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        answer = b""
        try:
            for _ in range(64):
                wire.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        wire.settimeout(5)
        answer = wire.recv(4096)
        assert b" 413 " in answer


def test_a_body_that_trickles_is_not_waited_for(service: RunningService) -> None:
    """A01."""
    with connected(service) as wire:
        wire.sendall(b"POST /synthesize HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        # As long as the socket waits, and not for ever.
        assert b" 408 " in wire.recv(4096)


def test_a_flood_of_headers_is_refused(service: RunningService, client: httpx2.Client) -> None:
    """A01."""
    with connected(service) as wire:
        wire.settimeout(10)
        with suppress(BrokenPipeError, ConnectionResetError):
            wire.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 900) for n in range(10_000))
            )
            assert b" 400 " in wire.recv(4096) or b" 431 " in wire.recv(4096)
    assert client.get("/healthz").status_code == 200


@pytest.mark.skipif(os.name == "nt", reason="descriptors are counted elsewhere")
def test_more_than_a_thousand_open_connections_keep_nobody_out(tmp_path: Path) -> None:
    """A06."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4000:
        pytest.skip("this machine grants too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4000, hard))
    try:
        with sine_service(tmp_path) as running, ExitStack() as held, running.client() as client:
            wires = [held.enter_context(connected(running)) for _ in range(1200)]
            for number, wire in enumerate(wires):
                wire.sendall(b"GET /healthz HTTP/1.1\r\n" if number % 2 else b"POST /synthesize HTTP/1.1\r\nHost: x\r\n")
            assert client.get("/healthz").status_code == 200
            assert client.post("/synthesize", json={"text": "你好"}).status_code == 200
            # All of them were open all the while.
            assert all(is_silent(wire) for wire in wires)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_service_itself_never_imports_torch(client: httpx2.Client) -> None:
    client.post("/synthesize", json={"text": "你好"}).raise_for_status()
    assert "torch" not in client.get("/test/modules").json()


def test_no_other_site_may_use_it_from_a_browser(client: httpx2.Client) -> None:
    """A09."""
    answer = client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_a_taken_port_is_a_clear_error() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(UsageError, match="is taken") as refused:
        listen("127.0.0.1", first.getsockname()[1])
    assert refused.value.code == "E_PORT"


def test_small_answers_are_not_held_back() -> None:
    """Asyncio sets TCP_NODELAY where the socket names its protocol; without it each answer waits 40 ms."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP


def test_what_was_under_way_when_the_service_was_killed_is_reported(tmp_path: Path) -> None:
    (tmp_path / "slow").write_text("20")
    with sine_service(tmp_path) as running, running.client() as client:
        while client.get("/readyz").status_code != 200:
            time.sleep(0.05)
        with pytest.raises(httpx2.ReadTimeout):
            client.post("/synthesize", json={"text": "慢"}, timeout=1.0)
        with pytest.raises(httpx2.TransportError):
            kill_while_asking(running)
    with sine_service(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "hub.sqlite3")) as database:
        found = database.execute("SELECT status, error_code FROM task").fetchall()
    assert ("failed", "E_INTERRUPTED") in found
    assert all(status in {"failed", "cancelled"} for status, _ in found)


def kill_while_asking(running: RunningService) -> None:
    with running.client() as client:
        threading.Timer(1.0, running.process.kill).start()
        client.post("/synthesize", json={"text": "慢"})


def is_silent(wire: socket.socket) -> bool:
    """Whether it is open and nothing has come."""
    wire.setblocking(False)
    try:
        wire.recv(1)
    except BlockingIOError:
        return True
    return False


def connected(service: RunningService) -> socket.socket:
    host, port = service.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), 10)


def test_a_method_that_is_not_taken_is_told_which_are(client: httpx2.Client) -> None:
    answer = client.put("/api/tasks")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_every_answer_is_described_with_its_problems(client: httpx2.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]
    assert "application/problem+json" in described["/synthesize"]["post"]["responses"]["4XX"]["content"]
    assert "application/json" in described["/v1/audio/speech"]["post"]["responses"]["4XX"]["content"]
