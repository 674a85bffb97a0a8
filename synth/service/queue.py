"""Who may speak next: for each version as many at a time as its engine can, bounded, fair between those who ask, short work first.

A place in the queue is had from the moment a request is accepted to its end. A turn lasts for a few segments: whoever has more to
say gives way to others that wait, and comes again when it is their turn. So a sentence waits for seconds, never for a book.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from indextts_hub.errors import Busy

__all__ = ["QueueFull", "Turns"]

# Above two minutes OpenAI's clients do not come back at all.
_LONGEST_RETRY = 60
# How much the last request counts in what is expected of the next.
_WEIGHT = 0.3
# Batches are patient, but not for ever: one turn in so many is theirs while others keep coming.
_PATIENCE = 4


class QueueFull(Busy):
    """No place in the queue, or no turn in time. `retry_after` says in how many whole seconds there should be one."""

    default_code = "E_QUEUE_FULL"

    def __init__(self, message: str, retry_after: int, code: str | None = None) -> None:
        super().__init__(message, remedy=f"try again in {retry_after} s, or let fewer requests run at once", code=code)
        self.retry_after = retry_after


class Turns:
    """The queue before one worker. Whoever asks gets turns in rotation with all others who ask, whatever each has queued."""

    def __init__(self, most_waiting: int, longest_wait: float = 600.0) -> None:
        """At most `most_waiting` wait behind those that speak, none of them longer than `longest_wait` seconds."""
        self._most_waiting = most_waiting
        self._longest_wait = longest_wait
        self._admitted = 0
        self._promised = 0
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._floor = _Floor()
        self._expected = 1.0

    def widen(self, at_once: int) -> None:
        """Let so many speak at the same time from now on; one, until that is known."""
        self._floor.widen(at_once)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._floor.waiting

    @property
    def admitted(self) -> int:
        """How many have a place: those that wait, and those that speak."""
        return self._admitted + self._promised

    async def emptied(self) -> None:
        """Wait until nobody has a place."""
        await self._emptied.wait()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Have a place in the queue until the end of the block.

        Raises:
            QueueFull: there is none.
        """
        if self._admitted >= self._most_waiting + self._floor.places:
            raise QueueFull(f"{self._most_waiting} requests are waiting already", self._retry_after())
        self._admitted += 1
        self._emptied.clear()
        try:
            yield
        finally:
            self._admitted -= 1
            self._see_if_emptied()

    @contextmanager
    def promised_place(self) -> Iterator[None]:
        """Have a place that was given before, to a line of a batch or by a service before this one: it takes nobody's."""
        self._promised += 1
        self._emptied.clear()
        try:
            yield
        finally:
            self._promised -= 1
            self._see_if_emptied()

    @asynccontextmanager
    async def turn(self, asker: str, *, patient: bool = False) -> AsyncIterator["Turn"]:
        """Wait for a turn, and have it until the end of the block, or until it is given away in between.

        Args:
            asker: who wants it: a key's id or an address.
            patient: whether all who are not may go first, and it waits as long as that takes.

        Raises:
            QueueFull: E_QUEUE_SLOW, if none came in time.
        """
        turn = Turn(self._floor, asker, None if patient else self._longest_wait, self._too_slow)
        try:
            await turn.take()
            yield turn
        finally:
            turn.leave()
            self._expected += _WEIGHT * (turn.spent - self._expected)

    def _see_if_emptied(self) -> None:
        if not self.admitted:
            self._emptied.set()

    def _too_slow(self) -> QueueFull:
        return QueueFull(f"no turn came within {self._longest_wait:.0f} s", self._retry_after(), "E_QUEUE_SLOW")

    def _retry_after(self) -> int:
        return max(1, min(_LONGEST_RETRY, math.ceil(self._expected)))


class Turn:
    """One request's turns at the worker, taken and given away again.

    Attributes:
        spent: seconds that it had the worker.
    """

    def __init__(self, floor: "_Floor", asker: str, longest_wait: float | None, too_slow: Callable[[], QueueFull]) -> None:
        self._floor = floor
        self._asker = asker
        self._longest_wait = longest_wait
        self._too_slow = too_slow
        self._since: float | None = None
        self.spent = 0.0

    async def take(self) -> None:
        """Wait for it.

        Raises:
            QueueFull: E_QUEUE_SLOW, if it did not come in time.
        """
        try:
            await self._floor.take(self._asker, self._longest_wait)
        except TimeoutError:
            raise self._too_slow() from None
        self._since = asyncio.get_running_loop().time()

    async def give_way(self) -> None:
        """Let others speak, if any wait, and wait for the next turn.

        Raises:
            QueueFull: as `take`.
        """
        if self._floor.waiting:
            self.leave()
            await self.take()

    def leave(self) -> None:
        """Give it away, if it has it."""
        if self._since is not None:
            self.spent += asyncio.get_running_loop().time() - self._since
            self._since = None
            self._floor.pass_on()


class _Floor:
    """Some have the floor, no more than there are places; who waits for it stands in a line, patient or not."""

    def __init__(self) -> None:
        self.places = 1
        self._speaking = 0
        self._quick = _Lines()
        self._patient = _Lines()
        self._quick_in_a_row = 0

    @property
    def waiting(self) -> int:
        return len(self._quick) + len(self._patient)

    async def take(self, asker: str, longest_wait: float | None) -> None:
        """Without a longest wait it is a patient one that waits."""
        if self._speaking < self.places:
            self._speaking += 1
            return
        lines = self._patient if longest_wait is None else self._quick
        mine = lines.join(asker)
        try:
            async with asyncio.timeout(longest_wait):
                await mine
        except (TimeoutError, asyncio.CancelledError):
            if mine.done() and not mine.cancelled():
                self.pass_on()  # it came at the same moment
            else:
                lines.leave(asker, mine)
            raise

    def widen(self, places: int) -> None:
        self.places = places
        self._fill()

    def pass_on(self) -> None:
        self._speaking -= 1
        self._fill()

    def _fill(self) -> None:
        """Let the next have free places: those that are not patient, unless a patient one has let enough of them pass."""
        while self._speaking < self.places and self.waiting:
            patient_is_due = self._quick_in_a_row >= _PATIENCE and len(self._patient)
            lines = self._quick if len(self._quick) and not patient_is_due else self._patient
            following = lines.next()
            if not following.cancelled():  # by a task that was cancelled, and has not been told yet
                self._quick_in_a_row = self._quick_in_a_row + 1 if lines is self._quick else 0
                self._speaking += 1
                following.set_result(None)


class _Lines:
    """Those who wait, a line for each asker; askers take turns."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def join(self, asker: str) -> "asyncio.Future[None]":
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(asker, deque()).append(mine)
        return mine

    def leave(self, asker: str, mine: "asyncio.Future[None]") -> None:
        line = self._lines.get(asker, deque())
        if mine in line:
            line.remove(mine)
        if not line:
            self._lines.pop(asker, None)

    def next(self) -> "asyncio.Future[None]":
        asker = next(iter(self._lines))
        line = self._lines.pop(asker)
        first = line.popleft()
        if line:
            self._lines[asker] = line
        return first
