"""Pull-through: a file that is asked for and not here is fetched from the catalogue's mirrors, once, however many ask.

Rules:
1. Only what the catalogue has, under a version that is not revoked and whose licence was accepted here, from the mirrors that it
   names. What a client sends chooses a digest and nothing else: no address of a client's making is ever asked.
2. One fetch a file. It is a pull like any other (`Hub.pull`): locks, scores, events, and what broke off goes on.
3. It goes on when those who asked have left: who asks next finds it further.
4. A chunk is given on when its digest is right and it is in its place, the last one when the whole file is right. Where the
   catalogue has no chunk digests, nothing is given on before the whole file is right.
"""

import asyncio
import glob
import os
import threading
from collections.abc import Callable

from indextts_hub.accounts import PullOptions
from indextts_hub.catalog import Version
from indextts_hub.errors import Busy, HubError, IntegrityError, SourceError, StorageError
from indextts_hub.hub import Hub
from indextts_hub.manifest import Digest, FileEntry
from indextts_hub.transfer import ChunkDone, ProgressEvent
from indextts_hub.transfer.partial import partial_path
from indextts_hub.transfer.plan import chunks_of

__all__ = ["Flight", "Passthrough"]

# Under way at once: each has as many connections as a pull. More wait for these; beyond all bounds, they are told to come back.
AT_ONCE = 4
MOST_WAITING = 200
# A look at whether the client is still there costs nothing.
LOOK_SECONDS = 1.0


class Flight:
    """A file that is being fetched. Its progress comes from the transfer's threads; whoever waits does so in one event loop."""

    def __init__(self, entry: FileEntry, loop: asyncio.AbstractEventLoop) -> None:
        self.entry = entry
        self.chunks = chunks_of(entry)
        self.error: HubError | None = None
        self.over = False
        self._done: set[int] = set()
        self._loop = loop
        self._changed = asyncio.Event()

    def has(self, number: int) -> bool:
        """Whether a chunk may be given on."""
        # Windows can't rename a file that somebody reads: there it is read when it has its final name.
        early = self.entry.chunks is not None and number < len(self.chunks) - 1 and os.name != "nt"
        return (self.over and self.error is None) or (early and number in self._done)

    async def wait_for(self, number: int, given_up: Callable[[], bool]) -> bool:
        """Wait for a chunk; False if whoever waits has given up.

        Raises:
            HubError: why it can't be had.
        """
        while not self.has(number):
            if self.error is not None:
                raise self.error
            if given_up():
                return False
            try:
                await asyncio.wait_for(self._changed.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue
        return True

    def note(self, event: ProgressEvent) -> None:
        """Take note of the transfer's progress, in one of its threads."""
        if isinstance(event, ChunkDone) and event.path == self.entry.path:
            self._done.add(event.number)
            self._tell()

    def end(self, error: HubError | None) -> None:
        """The fetch is over."""
        self.error = error
        self.over = True
        self._tell()

    def _tell(self) -> None:
        # A loop that was closed has nobody waiting in it.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class Passthrough:
    """The fetches under way, by digest."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._flights: dict[Digest, Flight] = {}
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(AT_ONCE)

    def find(self, digest: Digest) -> tuple[Version, FileEntry] | None:
        """The file of this digest that the catalogue has and allows, with its version."""
        for version in self._hub.catalog.versions.values():
            if version.manifest.digest not in version.revoked:
                for file in version.manifest.files:
                    if file.sha256 == digest:
                        return version, file
        return None

    def fetch(self, version: Version, file: FileEntry) -> Flight:
        """The flight of a file; it begins if none is under way. Call it in the event loop in which is waited.

        Raises:
            Busy: E_BUSY, if far too many are waiting already.
        """
        with self._lock:
            if flight := self._flights.get(file.sha256):
                return flight
            if len(self._flights) >= MOST_WAITING:
                raise Busy("too many files are being fetched for others", remedy="ask again in some minutes", code="E_BUSY")
            flight = self._flights[file.sha256] = Flight(file, asyncio.get_running_loop())
        # Daemons: a service that is ended does not wait for gigabytes; what arrived stays.
        threading.Thread(target=self._fly, args=(version, flight), daemon=True, name=f"fetch {file.sha256[:12]}").start()
        return flight

    def read(self, digest: Digest, start: int, count: int) -> bytes:
        """Bytes of a chunk that may be given on; fewer at the end of it.

        Raises:
            StorageError, NotFound: it can't be read.
        """
        try:
            with partial_path(self._hub.store.partials, digest).open("rb", buffering=0) as partial:
                partial.seek(start)
                return partial.read(count)
        except FileNotFoundError:
            with self._hub.store.blobs.open(digest) as blob:
                blob.seek(start)
                return blob.read(count)

    def _fly(self, version: Version, flight: Flight) -> None:
        error: HubError | None = None
        try:
            with self._turns:
                reference = f"{version.name}@sha256:{version.manifest.digest}"
                self._hub.pull_reporting(reference, PullOptions(include=(glob.escape(flight.entry.path),)), flight.note)
        except IntegrityError as wrong:
            # For who asks here it is the mirrors behind this hub that could not deliver.
            error = SourceError(wrong.message, remedy=wrong.remedy, code=wrong.code)
        except HubError as trouble:
            error = trouble
        except BaseException as defect:  # noqa: BLE001 - whoever waits must hear of it
            error = StorageError(
                f"fetching {flight.entry.path} failed: {type(defect).__name__}", remedy="see the service's log", code="E_STORAGE"
            )
        finally:
            with self._lock:
                self._flights.pop(flight.entry.sha256, None)
            flight.end(error)
