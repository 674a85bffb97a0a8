"""No mirror leads a pull to where it has no business; TLS and time-outs are never waived."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from indextts_hub.errors import PolicyError, SourceError, TooSlow
from indextts_hub.sources import ByteRange
from indextts_hub.sources.addresses import connect_checked, is_public
from indextts_hub.sources.transport import Request, Transport

HERE = frozenset({"127.0.0.1", "localhost"})


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2002:7f00:1::",
    ],
)  # fmt: skip
def test_addresses_of_the_machine_its_neighbours_and_clouds_are_not_public(address: str) -> None:
    """N13."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


def test_a_private_address_is_refused_unless_its_host_is_named() -> None:
    with pytest.raises(PolicyError):
        connect_checked("innocent.example.com", 80, 1.0, (), lambda *_: ["127.0.0.1"])
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect_checked("mirror.intranet", port, 1.0, {"mirror.intranet"}, lambda *_: ["127.0.0.1"]).close()


def test_a_second_answer_of_the_name_server_changes_nothing() -> None:
    """N14: the name is resolved once, and the address that was checked is the one that is connected to."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with connect_checked("rebinding.example.com", port, 1.0, {"rebinding.example.com"}, resolve) as connected:
            assert connected.getpeername() == ("127.0.0.1", port)
    assert asked == ["rebinding.example.com"]


def test_a_name_that_does_not_exist_is_said_to_be_one() -> None:
    """N29."""
    transport = Transport(HERE, 1.0)
    with pytest.raises(SourceError) as refused:
        transport.document(Request("cdn", "http://no-such-host.invalid/"))
    assert refused.value.code == "E_DNS"
    assert "bundle" in refused.value.remedy


@contextmanager
def listening(speak: "object") -> Iterator[int]:
    """A server of one thread that does something to each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        speak(connection)  # type: ignore[operator]
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("name", ["localhost", "other.example.com"])
def test_tls_is_never_waived(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """N30: unknown authority, and the right authority with a certificate for another host."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)

    def speak(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1000)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(speak) as port, authority.cert_pem.tempfile() as known:
        with pytest.raises(SourceError) as unknown:
            Transport(HERE, 2.0).document(Request("cdn", f"https://localhost:{port}/"))
        assert unknown.value.code == "E_TLS"
        monkeypatch.setenv("SSL_CERT_FILE", known)
        trusting = Transport(HERE, 2.0)
        if name == "localhost":
            assert trusting.document(Request("cdn", f"https://localhost:{port}/")) == b"ok"
        else:
            with pytest.raises(SourceError, match="prove who it is"):
                trusting.document(Request("cdn", f"https://localhost:{port}/"))
        trusting.close()


def test_headers_that_trickle_are_given_up_in_bounded_time() -> None:
    """N15: a byte now and then keeps no connection alive for ever."""

    said: list[int] = []

    def speak(connection: socket.socket) -> None:
        connection.recv(1000)
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            connection.sendall(bytes([byte]))
            said.append(byte)
            time.sleep(0.05)

    with listening(speak) as port:
        with pytest.raises(TooSlow), Transport(HERE, 0.5).open(Request("cdn", f"http://127.0.0.1:{port}/x"), ByteRange(0, 9), 9):
            pass
        assert len(said) < 500


def test_a_proxy_is_used_and_its_password_is_told_to_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """N31: CONNECT is refused; the error does not show the password."""
    said = []

    def speak(connection: socket.socket) -> None:
        said.append(connection.recv(2000))
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with listening(speak) as port:
        monkeypatch.setenv("https_proxy", f"http://user:planted-secret@127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(SourceError) as refused:
            Transport(HERE, 2.0).document(Request("cdn", "https://mirror.example.com/x"))
    assert said[0].startswith(b"CONNECT mirror.example.com:443")
    assert b"Proxy-Authorization: Basic" in said[0]
    assert refused.value.code == "E_PROXY"
    assert f"127.0.0.1:{port}" in refused.value.message
    assert "planted-secret" not in refused.value.message + refused.value.remedy


def test_plain_http_goes_through_a_proxy_by_its_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """N31."""
    said = []

    def speak(connection: socket.socket) -> None:
        said.append(connection.recv(2000))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(speak) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        transport = Transport(HERE, 2.0)
        assert transport.document(Request("cdn", "http://mirror.example.com/x?y=1")) == b"ok"
        transport.close()
    assert said[0].startswith(b"GET http://mirror.example.com/x?y=1 HTTP/1.1")


def test_no_proxy_means_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """N31."""
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as port:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("no_proxy", "localhost")
        transport = Transport(HERE, 2.0)
        assert transport.document(Request("cdn", f"http://localhost:{port}/")) == b"ok"
        transport.close()


def test_a_length_that_is_said_twice_and_differently_is_refused() -> None:
    """N02."""

    def speak(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\nok")

    with listening(speak) as port, pytest.raises(SourceError, match="2 and 9 bytes long"):
        Transport(HERE, 2.0).open(Request("cdn", f"http://127.0.0.1:{port}/"), ByteRange(0, 2), 2).__enter__()


def test_tls_goes_through_a_tunnel_to_the_host_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """N31: a proxy that lets through; what it carries is TLS from end to end."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mirror.example.com").configure_cert(context)
    heard: list[bytes] = []

    def mirror(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            heard.append(secured.recv(1000))
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with listening(mirror) as behind:

        def proxy(connection: socket.socket) -> None:
            heard.append(connection.recv(1000))
            with socket.create_connection(("127.0.0.1", behind)) as onward:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=carried, args=(onward, connection), daemon=True)
                back.start()
                carried(connection, onward)
                back.join(5)

        with listening(proxy) as port, authority.cert_pem.tempfile() as known:
            monkeypatch.setenv("SSL_CERT_FILE", known)
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
            monkeypatch.delenv("no_proxy", raising=False)
            monkeypatch.delenv("NO_PROXY", raising=False)
            transport = Transport(HERE, 2.0)
            assert transport.document(Request("cdn", "https://mirror.example.com/x", secrets={"X-Key": "planted"})) == b"ok"
            transport.close()
    assert heard[0].startswith(b"CONNECT mirror.example.com:443")
    assert b"planted" not in heard[0]
    assert b"X-Key: planted" in heard[1]


def carried(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
