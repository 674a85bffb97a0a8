"""Who may speak next: one at a time for each version, bounded, and fair between those who ask."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from indextts_hub.errors import Busy

__all__ = ["QueueFull", "Turns"]

# Above two minutes OpenAI's clients do not come back at all.
_LONGEST_RETRY = 60
# How much the last turn counts in what is expected of the next.
_WEIGHT = 0.3


class QueueFull(Busy):
    """No place in the queue. `retry_after` says in how many whole seconds there should be one."""

    default_code = "E_QUEUE_FULL"

    def __init__(self, waiting: int, retry_after: int) -> None:
        super().__init__(
            f"{waiting} requests are waiting already", remedy=f"try again in {retry_after} s, or let fewer requests run at once"
        )
        self.retry_after = retry_after


class Turns:
    """The queue before one worker. Whoever asks gets turns in rotation with all others who ask, whatever each has queued."""

    def __init__(self, most_waiting: int) -> None:
        self._places = most_waiting + 1
        self._admitted = 0
        self._taken = False
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self._expected = 1.0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place in the queue until the end of the block: whoever has one gets a turn, whenever that is.

        Raises:
            QueueFull: there is none.
        """
        if self._admitted >= self._places:
            raise QueueFull(self._admitted - 1, max(1, min(_LONGEST_RETRY, math.ceil(self._expected))))
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the end of the block.

        Args:
            asker: who wants it: a key's or an address's name.
        """
        await self._wait(asker)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            self._expected += _WEIGHT * (loop.time() - began - self._expected)
            self._pass_on()

    async def _wait(self, asker: str) -> None:
        if not self._taken:
            self._taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        self._lines.setdefault(asker, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            else:
                self._leave(asker, mine)
            raise

    def _pass_on(self) -> None:
        if not self._lines:
            self._taken = False
            return
        asker = next(iter(self._lines))
        line = self._lines.pop(asker)
        line.popleft().set_result(None)
        if line:
            self._lines[asker] = line

    def _leave(self, asker: str, mine: "asyncio.Future[None]") -> None:
        line = self._lines[asker]
        line.remove(mine)
        if not line:
            del self._lines[asker]
