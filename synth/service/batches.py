"""Batches: many texts accepted at once, spoken one after the other when nobody else waits, through restarts, to their end."""

import asyncio
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from indextts_hub.db import Database
from indextts_hub.db.batches import BatchRecord, add_batch, batch_tasks, cancel_batch, find_batch, list_batches, next_line
from indextts_hub.db.tasks import DONE, RUNNING, SpokenTask
from indextts_hub.errors import HubError, NotFound
from synth.service.acts import Acts
from synth.service.archive import Archive
from synth.service.packing import entries, zipped
from synth.service.synthesis import Order, Synthesis
from synth.service.underway import UnderWay

__all__ = ["Batches"]

_log = logging.getLogger(__name__)

MOST_LISTED = 100
# Lines come by `add`, which wakes the loop; a look now and then is for what another process wrote down.
_LOOK_SECONDS = 10.0


@dataclass(slots=True)
class Batches:
    """The batches of one service."""

    database: Database
    archive: Archive
    synthesis: Synthesis
    under_way: UnderWay
    acts: Acts
    _added: asyncio.Event = field(default_factory=asyncio.Event)

    async def add(self, name: str, orders: Sequence[Order]) -> BatchRecord:
        """Accept many orders: all of them are written down, or none.

        Raises:
            UsageError, NotFound: one can't be spoken.
            Limited: the asker has had enough for now.
            Busy, StorageError: none was accepted.
        """
        self.synthesis.limits.take(orders[0].asker)
        id_ = f"batch_{secrets.token_hex(10)}"
        tasks = [
            replace(self.synthesis.expected(order), batch=id_, line=number, background=True)
            for number, order in enumerate(orders, 1)
        ]

        def added() -> None:
            add_batch(self.database, id_, name, tasks)
            self.acts("batch add", id_, details={"lines": len(tasks)}, actor=orders[0].asker)

        await asyncio.to_thread(added)
        self._added.set()
        return await self.find(id_)

    async def find(self, id_: str) -> BatchRecord:
        """The batch of this id. Raises NotFound, E_NO_BATCH."""
        return await asyncio.to_thread(find_batch, self.database, id_)

    async def list(self) -> tuple[BatchRecord, ...]:
        """The latest batches."""
        return await asyncio.to_thread(list_batches, self.database, MOST_LISTED)

    async def tasks(self, id_: str) -> tuple[SpokenTask, ...]:
        """The tasks of a batch, by their lines. Raises NotFound, E_NO_BATCH."""
        await self.find(id_)
        return await asyncio.to_thread(batch_tasks, self.database, id_)

    async def cancel(self, id_: str, asker: str) -> BatchRecord:
        """Speak no more of a batch. Raises NotFound, E_NO_BATCH."""
        await self.find(id_)

        def cancelled() -> None:
            cancel_batch(self.database, id_, datetime.now(UTC))
            self.acts("batch cancel", id_, actor=asker)

        await asyncio.to_thread(cancelled)
        for task in await asyncio.to_thread(batch_tasks, self.database, id_):
            if task.status == RUNNING:
                with suppress(NotFound):
                    await self.under_way.cancel(task.id)
        return await self.find(id_)

    async def pack(self, id_: str) -> Iterator[bytes]:
        """What is spoken of a batch as a ZIP file, in pieces: audio and captions by line, and the captions of all of it in a row.

        Raises:
            NotFound: E_NO_BATCH; E_NO_AUDIO, if nothing of it is spoken yet.
        """
        done = [task for task in await self.tasks(id_) if task.status == DONE]
        if not done:
            raise NotFound(f"nothing of the batch {id_} is spoken yet", remedy="wait a little", code="E_NO_AUDIO")
        return zipped(entries([(f"{task.line:05}", task, self.archive.audio(task)) for task in done]))

    async def run(self) -> None:
        """Speak what waits, line by line, until this is cancelled."""
        while True:
            self._added.clear()
            try:
                while (task := await asyncio.to_thread(next_line, self.database)) is not None:
                    await self.under_way.speak_line(task)
            except HubError as error:
                _log.warning("batches wait: %s", error.message)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._added.wait()
