"""Who may speak beside others, and who must be alone: a lock that many share or one has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Company"]


class Company:
    """Many are in it beside each other, or one is alone; who waits to be alone waits for those within, and lets no more in."""

    def __init__(self) -> None:
        self._door = asyncio.Lock()
        self._within = 0
        self._emptied = asyncio.Event()
        self._emptied.set()

    @asynccontextmanager
    async def beside_others(self) -> AsyncIterator[None]:
        """Be in it, with others."""
        async with self._door:
            self._within += 1
            self._emptied.clear()
        try:
            yield
        finally:
            self._within -= 1
            if not self._within:
                self._emptied.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be in it, and nobody else."""
        async with self._door:
            await self._emptied.wait()
            yield
