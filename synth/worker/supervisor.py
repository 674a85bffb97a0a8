"""Keeps one worker alive: starts it, starts another when it dies, and finishes with it what the one before had begun.

Many tasks may be under way. What a worker died at is not known: each of them then speaks its segment alone, once.

A worker for which the memory did not suffice comes back with one more level of thrift, in which its engine needs less. One that has
spoken much, or has grown, is replaced between two tasks.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from indextts_hub.errors import HubError
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings
from synth.text.segments import shortened
from synth.worker.company import Company
from synth.worker.memory import oom_kills, resident
from synth.worker.process import Launch, TimeLimits, Worker, WorkerDied, WorkerError

__all__ = ["Recycling", "Supervisor", "WorkerState"]

_log = logging.getLogger(__name__)

# After a start that failed: long enough that a broken engine costs nothing, short enough that a mended one is soon back.
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 60.0
# For a task that was accepted: seven starts, each after a longer delay.
_PATIENCE = 60.0


class WorkerState(StrEnum):
    """Where a supervised worker stands."""

    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    """The last start failed; it is tried again after a while."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Recycling:
    """When a worker is replaced by a new one, between two tasks.

    Attributes:
        turns: after so many turns; an engine's library may leak a little with each.
        growth: when it holds so many bytes more than after its start.
    """

    turns: int = 20_000
    growth: int = 2 * 2**30


class Supervisor:
    """A worker that comes back. `start` it in a running event loop, and `stop` it where it was started; it may be started again."""

    def __init__(
        self,
        launch: Launch,
        limits: TimeLimits | None = None,
        recycling: Recycling | None = None,
        oom_kills: Callable[[], int | None] = oom_kills,
    ) -> None:
        """Make one that is not started.

        Args:
            oom_kills: how many processes the system has killed for want of memory.
        """
        self._launch = launch
        self._limits = limits or TimeLimits()
        self._recycling = recycling or Recycling()
        self._oom_kills = oom_kills
        self._company = Company()
        self._turns = 0
        self._at_start: int | None = None
        self._changed = asyncio.Condition()
        self._worker: Worker | None = None
        self._trouble: HubError | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.state = WorkerState.STOPPED
        self.restarts = 0

    @property
    def capabilities(self) -> Capabilities | None:
        """What the engine can do; None until it was ready once."""
        return None if self._worker is None else self._worker.capabilities

    @property
    def sealed(self) -> bool | None:
        """Whether the loaded bytes could not be changed after they were hashed; None if they were not, or nothing is loaded."""
        return None if self._worker is None else self._worker.sealed

    @property
    def snapshot(self) -> Path:
        """The folder of the version's files."""
        return self._launch.snapshot

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one that is ready."""
        return self._worker.pid if self._worker is not None and self.state is WorkerState.READY else None

    @property
    def trouble(self) -> HubError | None:
        """Why it is not ready, if the last start failed."""
        return self._trouble

    def start(self) -> None:
        """Begin to start the worker; `ready` waits for it."""
        if self._keeping is None:
            self.state = WorkerState.STARTING
            self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the worker for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
        await self._become(WorkerState.STOPPED, self._trouble)

    async def ready(self) -> Capabilities:
        """Wait until the worker is ready, and say what it can do.

        Raises:
            HubError: why the last start failed; it is tried again meanwhile.
            WorkerError: E_WORKER_STOPPED.
        """
        return (await self._living()).capabilities

    @property
    def thrift(self) -> int:
        """How many steps the engine goes towards less memory, now or when it is started next."""
        return self._launch.thrift

    def save_memory(self) -> bool:
        """Have the engine go one step further towards less memory when it is started next; False if it knows none."""
        known = 1 if self.capabilities is None else self.capabilities.levels
        if self._launch.thrift >= known:
            return False
        self._launch = replace(self._launch, thrift=self._launch.thrift + 1)
        return True

    async def speak(self, segments: Sequence[Segment], settings: Settings) -> AsyncGenerator[tuple[Segment, SegmentSpeech], None]:
        """Speak the segments, giving their pieces in order. If the worker dies, a new one goes on where it was.

        What is given may be more and shorter segments: an engine that ran out of memory speaks them in a smaller way. Whoever was
        being spoken for when a worker died is spoken for alone once: so it is known who is to blame if another dies.

        Raises:
            WorkerDied: two workers died at the same segment.
            HubError: what the engine said of the task, or why no worker could be started.
        """
        line = _Line(list(segments))
        suspect = False
        while line.waiting:
            async with self._company.alone() if suspect else self._company.beside_others():
                worker = await self._patiently_living()
                line.shorten(worker.capabilities.longest_segment)
                try:
                    async with aclosing(worker.speak(line.waiting[:1] if suspect else line.waiting, settings)) as stream:
                        async for speech in stream:
                            segment, fresh = line.heard(speech)
                            yield segment, replace(fresh, warnings=(*worker.capabilities.thrift, *fresh.warnings))
                except WorkerDied:
                    if suspect:
                        raise
                    await self._left(worker)
                except WorkerError as error:
                    if error.code != "E_MEMORY" or suspect:
                        raise
                    await self._start_thriftier(worker, error)
                else:
                    suspect = False
                    continue
            suspect = True
            line.begin_again()
        await self._count_turn()

    async def _living(self) -> Worker:
        async with self._changed:
            await self._changed.wait_for(lambda: self.state is not WorkerState.STARTING)
        if self.state is WorkerState.READY and self._worker is not None:
            return self._worker
        if self._trouble is not None:
            raise self._trouble
        raise WorkerError("the engine's worker is stopped", remedy="start the service again", code="E_WORKER_STOPPED")

    async def _patiently_living(self) -> Worker:
        """The worker, for what was accepted already: a start that failed may do better the next time, and is waited for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE), self._changed:
                await self._changed.wait_for(lambda: self.state not in {WorkerState.STARTING, WorkerState.FAILING})
        return await self._living()

    async def _start_thriftier(self, worker: Worker, error: WorkerError) -> None:
        # Of several tasks for which memory did not suffice the first has it started anew.
        if self._worker is worker and self.state is WorkerState.READY:
            if not self.save_memory():
                raise error
            _log.warning("the engine ran out of memory; it is started again, and will use less")
            await self._replace(worker)

    async def _count_turn(self) -> None:
        self._turns += 1
        worker = self._worker
        if worker is None or not self._has_spoken_enough(worker):
            return
        async with self._company.alone():
            if self._worker is worker and self.state is WorkerState.READY:
                await self._replace(worker)

    def _has_spoken_enough(self, worker: Worker) -> bool:
        grown = (resident(worker.pid) or 0) - (self._at_start or 0)
        if self._turns < self._recycling.turns and (not self._at_start or grown < self._recycling.growth):
            return False
        _log.info("the engine is started anew after %d turns, %d MiB larger", self._turns, grown // 2**20)
        return True

    async def _replace(self, worker: Worker) -> None:
        await self._become(WorkerState.STARTING, None)
        await worker.stop()

    async def _left(self, dead: Worker) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._worker is not dead or self.state is not WorkerState.READY)

    async def _keep(self) -> None:
        failures = 0
        while True:
            killed = self._oom_kills()
            try:
                worker = await Worker.start(self._launch, self._limits)
            except HubError as error:
                delay = min(_FIRST_DELAY * 2**failures, _LONGEST_DELAY)
                failures += 1
                if error.code == "E_MEMORY" or self._oom_kills() != killed:
                    self.save_memory()
                _log.warning("the engine did not start: %s; again in %.1f s", error.message, delay)
                await self._become(WorkerState.FAILING, error)
                await asyncio.sleep(delay)
                continue
            failures = 0
            self._worker = worker
            self._turns, self._at_start = 0, resident(worker.pid)
            try:
                await self._become(WorkerState.READY, None)
                death = await worker.died()
            finally:
                await worker.stop()
            if self.state is WorkerState.STARTING:
                continue  # it was replaced on purpose
            self.restarts += 1
            if self._oom_kills() != killed:
                self.save_memory()
            _log.warning("%s; starting another", death.message)
            await self._become(WorkerState.STARTING, death)

    async def _become(self, state: WorkerState, trouble: HubError | None) -> None:
        async with self._changed:
            self.state, self._trouble = state, trouble
            self._changed.notify_all()


@dataclass(slots=True)
class _Line:
    """What a task still waits to hear. Of the first segment a part may have been heard already; it then stays as long as it is."""

    waiting: list[Segment]
    given: int = 0
    """Bytes of the first segment's samples that were handed on."""
    skipped: int = 0
    """How many of them come once more, from another worker."""

    def shorten(self, longest: int) -> None:
        whole = self.waiting[:1] if self.given else []
        self.waiting = [*whole, *(part for segment in self.waiting[len(whole) :] for part in shortened(segment, longest))]

    def heard(self, speech: SegmentSpeech) -> tuple[Segment, SegmentSpeech]:
        """The segment a piece is of, and what of the piece is new."""
        segment, again = self.waiting[0], min(self.skipped, len(speech.samples))
        fresh = replace(speech, samples=speech.samples[again:], times=() if self.given else speech.times)
        self.skipped -= again
        self.given += len(fresh.samples)
        if speech.ends:
            self.waiting.pop(0)
            self.given = self.skipped = 0
        return segment, fresh

    def begin_again(self) -> None:
        self.skipped = self.given
