"""Which network addresses may be asked, and connecting to exactly the one that was checked.

A catalogue, a redirect or a name server must not lead a pull to the machine itself, to its neighbours or to a cloud's metadata
service. Such addresses are refused unless the catalogue itself names the host, or it is on the list of private hosts. A name is
resolved once; the connection goes to the address that was checked, so a second answer can't change it.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable

from indextts_hub.errors import PolicyError, SourceError

__all__ = ["Resolve", "connect_checked", "is_public", "system_resolver"]

Resolve = Callable[[str, int], list[str]]
"""Addresses of a host name, for a port."""


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system.

    Raises:
        SourceError: E_DNS, naming the host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceError(
            f"the name {host} can't be resolved: {error}",
            remedy="look at the network and the name server; without a way out, import a bundle instead",
            code="E_DNS",
        ) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet; what is embedded in IPv6 counts as what it is."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        embedded = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if embedded is not None:
            return embedded.is_global
    return found.is_global and not found.is_multicast


def connect_checked(host: str, port: int, timeout: float, allowed: Iterable[str], resolve: Resolve) -> socket.socket:
    """Connect to a host at an address that was checked.

    Args:
        timeout: seconds for each address.
        allowed: hosts that may have private addresses.

    Raises:
        PolicyError: E_PRIVATE_ADDRESS, if the host has none but private addresses and is not allowed to.
        SourceError: E_CONNECT, if none of the addresses answers.
    """
    addresses = resolve(host, port)
    if host not in set(allowed):
        addresses = [address for address in addresses if is_public(address)]
        if not addresses:
            raise PolicyError(
                f"{host} is a private address, and the catalogue does not name it",
                remedy="name the host in mirrors.yaml if it is to be trusted",
                code="E_PRIVATE_ADDRESS",
            )
    trouble = "it has no address"
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            trouble = str(error)
    raise SourceError(
        f"{host}:{port} can't be reached: {trouble}", remedy="look at the network, or use another mirror", code="E_CONNECT"
    )
