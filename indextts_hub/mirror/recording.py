"""Writing down what clients were given: every few seconds, and when the service ends. What a killed one counted last is lost."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping

from indextts_hub.db import Database
from indextts_hub.db.downloads import DownloadRecord, add_downloads
from indextts_hub.errors import HubError
from indextts_hub.mirror.downloads import Count, Given
from indextts_hub.mirror.shelf import Shelf

__all__ = ["Recording"]

_log = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
NO_VERSION = "-"


class Recording:
    """Moves counts from memory into the database.

    Attributes:
        totals: what was given of each version since the service began.
    """

    def __init__(self, shelf: Shelf, database: Database, seconds: float = EVERY_SECONDS) -> None:
        """`seconds`: how often."""
        self._shelf = shelf
        self._database = database
        self._seconds = seconds
        self.totals: defaultdict[str, Count] = defaultdict(Count)

    async def run(self) -> None:
        """Write until it is cancelled, and then once more."""
        writing: asyncio.Task[None] | None = None
        try:
            while True:
                await asyncio.sleep(self._seconds)
                # What is being written when the service ends is written to its end.
                writing = asyncio.create_task(self._write())
                await asyncio.shield(writing)
        finally:
            if writing is not None:
                await writing
            await self._write()

    async def _write(self) -> None:
        taken = self._shelf.downloads.take()
        if not taken:
            return
        try:
            records = await asyncio.to_thread(self._written, taken)
        except HubError as error:
            _log.warning("what clients were given is not written down yet: %s", error.message)
            self._shelf.downloads.give_back(taken)
            return
        for record in records:
            self.totals[record.version].files += record.files
            self.totals[record.version].bytes += record.bytes

    def _written(self, taken: Mapping[Given, Count]) -> list[DownloadRecord]:
        names = {digest: self._shelf.version_of(digest) or NO_VERSION for digest in {given.sha256 for given in taken}}
        records = [
            DownloadRecord(given.day, names[given.sha256], given.client, count.files, count.bytes) for given, count in taken.items()
        ]
        add_downloads(self._database, records)
        return records
