"""Serving the app on a port, until someone ends it."""

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from indextts_hub.errors import UsageError

__all__ = ["LOCAL_NAMES", "is_loopback", "listen", "serve"]

# Long enough for a long text that is being spoken; then what is left is cancelled.
_DRAIN_SECONDS = 120
_BACKLOG = 1024
# Idle connections cost a few kilobytes each.
_DESCRIPTORS = 65_536


LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What a machine calls itself."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Take the port, before anything is loaded; 0 is any free one.

    Raises:
        UsageError: E_PORT, if it is taken or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio sends small answers at once (TCP_NODELAY) only on sockets that say they are TCP.
    taken = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows this option would let two services share a port.
        taken.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR), 1)
        taken.bind((host, port))
        taken.listen(_BACKLOG)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} on {host} is taken by another program",
                remedy="end that program, or choose another port with --port",
                code="E_PORT",
            ) from None
        raise UsageError(
            f"port {port} on {host} can't be used: {error.strerror or error}",
            remedy="choose another with --host and --port",
            code="E_PORT",
        ) from None
    return taken


def serve(app: FastAPI, listening: socket.socket, started: Callable[[str], None], trusted_proxies: str = "") -> None:
    """Serve until SIGINT or SIGTERM; then finish what is being answered, and end.

    Args:
        started: called with the service's address once it answers.
        trusted_proxies: addresses, with commas, of proxies that are believed who asked, and by which scheme.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or None,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    _allow_connections()
    with listening:
        asyncio.run(_serve(_Server(config, started), listening))


def _allow_connections() -> None:
    """Take as many descriptors as the system grants: at first that is 1,024 on Linux, one for each open page."""
    try:
        import resource
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _DESCRIPTORS)
    if wanted > resource.getrlimit(resource.RLIMIT_NOFILE)[0]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    await server.serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            self._say(address(sockets[0]))


def address(listening: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    host, port = listening.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened on
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
