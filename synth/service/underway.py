"""Syntheses that go on by themselves, for whoever follows: a slow reader holds up nobody, and a task needs no one who waits."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from indextts_hub.db.tasks import SpokenTask
from indextts_hub.errors import HubError, NotFound
from synth.service.archive import SERVICE_ENDS
from synth.service.synthesis import Accepted, Order, Step, Synthesis
from synth.service.versions import NotReady

__all__ = ["UnderWay"]

# When the service ends: what is being spoken may be finished, if it takes no longer.
_DRAIN_SECONDS = 60.0


@dataclass(slots=True)
class _Run:
    steps: list[Step] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False
    error: Exception | None = None


class UnderWay:
    """The syntheses that are under way, by the ids of their tasks. How many there may be is the queue's business."""

    def __init__(self, synthesis: Synthesis) -> None:
        self._synthesis = synthesis
        self._runs: dict[str, _Run] = {}
        self._works: dict[str, asyncio.Task[None]] = {}

    async def begin(self, order: Order) -> Accepted:
        """Start a synthesis; it is written down and has its place in the queue when this returns.

        Raises:
            HubError: as `Synthesis.speak`, for what is refused at once.
        """
        run = _Run()
        work = asyncio.create_task(self._speak(run, order))
        try:
            await run.changed.wait()
        except asyncio.CancelledError:
            work.cancel()
            raise
        if run.error is not None and not run.steps:
            raise run.error
        accepted = run.steps[0]
        if not isinstance(accepted, Accepted):
            raise TypeError("a synthesis begins with its task")
        if not run.over:
            self._works[accepted.task.id] = work
        return accepted

    def go_on(self, tasks: Iterable[SpokenTask]) -> None:
        """Begin again what a service before this one left unfinished."""
        for task in tasks:
            self._begin_again(task)

    async def speak_line(self, task: SpokenTask) -> None:
        """Speak a line of a batch, and wait until it has come to an end, whichever."""
        await asyncio.wait({self._begin_again(task)})

    async def follow(self, task_id: str) -> AsyncGenerator[Step, None]:
        """Every step of a synthesis, from its first: those that were, then each as it happens.

        Raises:
            NotFound: E_NOT_UNDER_WAY.
            HubError: what the synthesis failed of.
        """
        run = self._found(task_id)
        seen = 0
        while True:
            run.changed.clear()
            while seen < len(run.steps):
                seen += 1
                yield run.steps[seen - 1]
            if run.over:
                break
            await run.changed.wait()
        if run.error is not None:
            raise run.error

    async def cancel(self, task_id: str) -> None:
        """Stop a synthesis before its next segment, and wait until that is written down.

        Raises:
            NotFound: E_NOT_UNDER_WAY.
        """
        self._found(task_id)
        work = self._works[task_id]
        work.cancel()
        await asyncio.wait({work})

    def drop(self, task_id: str) -> None:
        """Stop a synthesis before its next segment, without waiting; if it is over, there is nothing to stop."""
        if task_id in self._works:
            self._works[task_id].cancel()

    async def stop(self) -> None:
        """Let all finish that can in a minute; of the rest, the next service begins again what nobody waits for."""
        works = set(self._works.values())
        if works:
            _, late = await asyncio.wait(works, timeout=_DRAIN_SECONDS)
            for work in late:
                work.cancel(SERVICE_ENDS)
            await asyncio.gather(*late, return_exceptions=True)

    def _begin_again(self, task: SpokenTask) -> asyncio.Task[None]:
        run = self._runs[task.id] = _Run()
        work = self._works[task.id] = asyncio.create_task(self._speak(run, Order.again(task)))
        return work

    async def _speak(self, run: _Run, order: Order) -> None:
        task_id = order.task.id if order.task is not None else ""
        try:
            async with aclosing(self._steps(order)) as steps:
                async for step in steps:
                    run.steps.append(step)
                    if isinstance(step, Accepted):
                        task_id = step.task.id
                        self._runs[task_id] = run
                    run.changed.set()
        except asyncio.CancelledError as error:
            if order.task is not None and not run.steps and SERVICE_ENDS not in error.args:
                await self._synthesis.archive.resume(order.task).cancelled()
            raise
        except Exception as error:  # noqa: BLE001 - whoever follows hears it, and the task says so
            run.error = error
            if order.task is not None and not run.steps and isinstance(error, HubError):
                await self._synthesis.archive.resume(order.task).failed(error)
        finally:
            run.over = True
            self._runs.pop(task_id, None)
            self._works.pop(task_id, None)
            run.changed.set()

    async def _steps(self, order: Order) -> AsyncGenerator[Step, None]:
        """The steps of a synthesis; what was accepted earlier waits until its version can speak."""
        while True:
            try:
                async with aclosing(self._synthesis.speak(order)) as steps:
                    async for step in steps:
                        yield step
            except NotReady as error:
                if order.task is None:
                    raise
                await asyncio.sleep(error.retry_after)
            else:
                return

    def _found(self, task_id: str) -> _Run:
        run = self._runs.get(task_id)
        if run is None:
            raise NotFound(
                f"the task {task_id[:40]!a} is not under way",
                remedy=f"see /api/tasks/{task_id[:40]} for its end",
                code="E_NOT_UNDER_WAY",
            )
        return run
