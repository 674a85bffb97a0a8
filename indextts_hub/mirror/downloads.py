"""What each client of the mirror is given: how many files at once, how fast, and what of it is counted.

A client is the key that it came with, or, where none is asked for, its address; of IPv6 the network of 64 bits, since one machine
may take any address of that. A share counts over all connections of a client, so more connections bring nobody more.
"""

import ipaddress
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

from starlette.types import Scope

from indextts_hub.errors import Busy
from indextts_hub.manifest import Digest
from indextts_hub.transfer.pacing import Bucket

__all__ = ["Count", "Download", "Downloads", "Given", "Share", "TooManyDownloads", "client_of"]

# Of a client that may have so many bytes a second: it gets them this often, not all at once and then nothing.
TURNS_A_SECOND = 4
SMALLEST_PIECE = 4 << 10
# What a client is told that has as many downloads under way as it may.
COME_BACK_SECONDS = 5


class TooManyDownloads(Busy):
    """The client has as many downloads under way as it may. `retry_after` says in how many seconds to try again."""

    default_code = "E_DOWNLOADS"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} downloads are under way for this key or address", remedy="let one of them end, or use fewer connections"
        )
        self.retry_after = COME_BACK_SECONDS


# Bytes a second for each core that all downloads together have while the machine works on something: half a gigabit on two cores,
# whose cost a synthesis beside them hardly notices (`bench/beside.py`).
BESIDE_WORK = 30 << 20

# A turn of all downloads is so many bytes, some milliseconds: whatever else is asked waits for several turns before it is begun.
ROUND = 4 << 20
SMALLEST_TURN = 64 << 10


@dataclass(frozen=True, slots=True)
class Share:
    """What one client may have.

    Attributes:
        at_once: answers under way; None: any number.
        rate: bytes a second, of all of them together; None: without bound.
    """

    at_once: int | None = None
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What is counted together: a day (UTC), a client, a file."""

    day: date
    client: str
    sha256: Digest


@dataclass(slots=True)
class Count:
    """How often a file was begun with its first byte, and how many bytes were given of it."""

    files: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Client:
    pace: Bucket
    under_way: int = 0


class Downloads:
    """All that is given at this moment, and what was given since it was last asked. For one event loop."""

    def __init__(self, share: Share = Share(), gives_way: Callable[[], bool] = lambda: False) -> None:
        """Nothing is under way yet.

        Args:
            gives_way: whether something is done on this machine, now, that is to be quick whatever is downloaded.
        """
        self._share = share
        self._gives_way = gives_way
        self._rest = Bucket(BESIDE_WORK * (os.cpu_count() or 1), burst=0)
        self._clients: dict[str, _Client] = {}
        self._counts: defaultdict[Given, Count] = defaultdict(Count)

    @contextmanager
    def begin(self, client: str, sha256: Digest, *, first: bool) -> Iterator["Download"]:
        """An answer that is under way within the block.

        Args:
            first: whether it begins with the file's first byte.

        Raises:
            TooManyDownloads: it is one more than the client may have.
        """
        share = self._share
        found = self._clients.setdefault(client, _Client(Bucket(share.rate)))
        if share.at_once is not None and found.under_way >= share.at_once:
            raise TooManyDownloads(share.at_once)
        found.under_way += 1
        self.note(client, sha256, 0, first=first)
        try:
            yield Download(self, client, sha256, found.pace)
        finally:
            found.under_way -= 1
            if not found.under_way:
                del self._clients[client]

    def piece(self, largest: int) -> int:
        """How many bytes to give next: so many that a turn of all who fetch is short, and that a slow share comes evenly."""
        under_way = sum(client.under_way for client in self._clients.values())
        bounds = [largest, max(SMALLEST_TURN, ROUND // max(1, under_way))]
        if self._share.rate is not None:
            bounds.append(max(SMALLEST_PIECE, self._share.rate // TURNS_A_SECOND))
        return min(bounds)

    def pause(self, count: int) -> float:
        """Seconds to wait with so many bytes, for what all downloads together may have; none while there is no other work."""
        return self._rest.wait_for(count) if self._gives_way() else 0.0

    def note(self, client: str, sha256: Digest, count: int, *, first: bool = False) -> None:
        """Count bytes that were given, here or by a server that was told to."""
        counted = self._counts[Given(datetime.now(UTC).date(), client, sha256)]
        counted.files += first
        counted.bytes += count

    def take(self) -> Mapping[Given, Count]:
        """What was counted since this was last called."""
        taken, self._counts = self._counts, defaultdict(Count)
        return taken

    def give_back(self, counts: Mapping[Given, Count]) -> None:
        """Count again what was taken and could not be written down."""
        for given, count in counts.items():
            counted = self._counts[given]
            counted.files += count.files
            counted.bytes += count.bytes


@dataclass(frozen=True, slots=True)
class Download:
    """One answer under way."""

    downloads: Downloads
    client: str
    sha256: Digest
    pace: Bucket

    def gave(self, count: int) -> float:
        """Note that so many bytes were given; return how many seconds to wait before more are."""
        self.downloads.note(self.client, self.sha256, count)
        return max(self.pace.wait_for(count), self.downloads.pause(count))


def client_of(scope: Scope) -> str:
    """Who asks: the key's name and id, or the address."""
    if asker := scope.get("state", {}).get("asker"):
        return str(asker)
    host = str((scope.get("client") or ("", 0))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:100]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
