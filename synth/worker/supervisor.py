"""Keeps one worker alive: starts it, starts another when it dies, and finishes with it what the one before had begun."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path

from indextts_hub.errors import HubError
from synth.engines.protocol import Capabilities, Segment, SegmentSpeech, Settings
from synth.worker.process import Launch, TimeLimits, Worker, WorkerDied, WorkerError

__all__ = ["Supervisor", "WorkerState"]

_log = logging.getLogger(__name__)

# After a start that failed: long enough that a broken engine costs nothing, short enough that a mended one is soon back.
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 60.0


class WorkerState(StrEnum):
    """Where a supervised worker stands."""

    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"
    """The last start failed; it is tried again after a while."""
    STOPPED = "stopped"


class Supervisor:
    """A worker that comes back. `start` it in a running event loop, and `stop` it where it was started."""

    def __init__(self, launch: Launch, limits: TimeLimits | None = None, check: Callable[[], None] = lambda: None) -> None:
        """`check` is called in a thread before each start; what it raises keeps the engine from the version's files."""
        self._launch = launch
        self._limits = limits or TimeLimits()
        self._check = check
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
        await self._become(WorkerState.STOPPED, self._trouble)

    async def ready(self) -> Capabilities:
        """Wait until the worker is ready, and say what it can do.

        Raises:
            HubError: why the last start failed; it is tried again meanwhile.
            WorkerError: E_WORKER_STOPPED.
        """
        return (await self._living()).capabilities

    async def speak(self, segments: Sequence[Segment], settings: Settings) -> AsyncGenerator[SegmentSpeech, None]:
        """Speak the segments, giving each as it is ready. If the worker dies, a new one goes on from the segment it died at.

        Raises:
            WorkerDied: two workers died at the same segment.
            HubError: what the engine said of the task, or why no worker could be started.
        """
        spoken, died_at = 0, -1
        while True:
            worker = await self._living()
            try:
                async with aclosing(worker.speak(segments[spoken:], settings)) as stream:
                    async for speech in stream:
                        spoken += 1
                        yield speech
            except WorkerDied:
                if died_at == spoken:
                    raise
                died_at = spoken
                await self._left(worker)
            else:
                return

    async def _living(self) -> Worker:
        async with self._changed:
            await self._changed.wait_for(lambda: self.state is not WorkerState.STARTING)
        if self.state is WorkerState.READY and self._worker is not None:
            return self._worker
        if self._trouble is not None:
            raise self._trouble
        raise WorkerError("the engine's worker is stopped", remedy="start the service again", code="E_WORKER_STOPPED")

    async def _left(self, dead: Worker) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._worker is not dead or self.state is not WorkerState.READY)

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                await asyncio.to_thread(self._check)
                worker = await Worker.start(self._launch, self._limits)
            except HubError as error:
                delay = min(_FIRST_DELAY * 2**failures, _LONGEST_DELAY)
                failures += 1
                _log.warning("the engine did not start: %s; again in %.1f s", error.message, delay)
                await self._become(WorkerState.FAILING, error)
                await asyncio.sleep(delay)
                continue
            failures = 0
            self._worker = worker
            try:
                await self._become(WorkerState.READY, None)
                death = await worker.died()
            finally:
                await worker.stop()
            self.restarts += 1
            _log.warning("%s; starting another", death.message)
            await self._become(WorkerState.STARTING, death)

    async def _become(self, state: WorkerState, trouble: HubError | None) -> None:
        async with self._changed:
            self.state, self._trouble = state, trouble
            self._changed.notify_all()
