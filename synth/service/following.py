"""The served set follows the store: aliases move, versions come and go, and no request is dropped over it.

    look → start what is new → warm it → move the names → drain what is gone → stop it

A request holds the version that it found, so each answer is wholly of one digest; what it found is stopped only when nobody has a
place in its queue any more. Where a version can't be warmed, all names stay where they were, and it is tried again later.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from indextts_hub.errors import HubError
from synth.engines.protocol import Segment, Settings
from synth.service.versions import NotReady, Served, ServedVersion
from synth.worker.supervisor import WorkerState

__all__ = ["Following", "Wanted"]

_log = logging.getLogger(__name__)

# How soon an alias that was moved is moved here. Looking costs a few milliseconds.
_LOOK_SECONDS = 1.0
# After a version could not be warmed: it may take a person to mend that.
_RETRY_SECONDS = 10.0
# As long as a start may take at most, and the first sentence.
_WARM_SECONDS = 900.0
# What is still being spoken by a version that is gone may be a long text; a batch waits with the next service.
_DRAIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version that the store and whoever serves want to be served, by its digest, and all of its names."""

    name: str
    digest: str
    aliases: tuple[str, ...]


@dataclass(slots=True)
class Following:
    """Keeps the served set at what is wanted.

    Attributes:
        look: what is wanted now, the default first; called on a thread.
        make: a served version, not started, of one that is wanted; called on a thread.
        moved: told on a thread of each name that means another version now: the name, the version before if any, and the one now.
    """

    served: Served
    look: Callable[[], tuple[Wanted, ...]]
    make: Callable[[Wanted], ServedVersion]
    moved: Callable[[str, ServedVersion | None, ServedVersion], None] = lambda _name, _old, _new: None
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Follow until it is cancelled."""
        seen: tuple[Wanted, ...] | None = None
        try:
            while True:
                delay = _LOOK_SECONDS
                try:
                    wanted = await asyncio.to_thread(self.look)
                    if wanted and wanted != seen:
                        await self._follow(wanted)
                        seen = wanted
                except HubError as error:
                    _log.warning("the served versions stay as they are: %s", error.message)
                    delay = _RETRY_SECONDS
                await asyncio.sleep(delay)
        finally:
            ending = list(self._leaving)
            for leaving in ending:
                leaving.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _follow(self, wanted: tuple[Wanted, ...]) -> None:
        before = self.served.versions
        known = {version.digest: version for version in before}
        after: list[ServedVersion] = []
        try:
            for want in wanted:
                version = known.get(want.digest)
                if version is None:
                    version = await asyncio.to_thread(self.make, want)
                after.append(replace(version, name=want.name, aliases=want.aliases))
                if self._takes_over(after[-1]):
                    await self._warm(after[-1])
        except BaseException:
            await asyncio.gather(*(self._end(version) for version in after if version.digest not in known))
            raise
        self.served.versions = tuple(after)
        await asyncio.to_thread(self._tell, before, tuple(after))
        kept = {version.digest for version in after}
        for version in before:
            if version.digest not in kept:
                leaving = asyncio.create_task(self._leave(version))
                self._leaving.add(leaving)
                leaving.add_done_callback(self._leaving.discard)

    def _takes_over(self, version: ServedVersion) -> bool:
        """Whether a name comes to it from a version whose worker runs: whoever asks by that name next must not wait."""
        if version.supervisor.state is WorkerState.READY:
            return False
        holders = {name: other for other in reversed(self.served.versions) for name in other.names}
        return any(
            holder.digest != version.digest and holder.supervisor.state is not WorkerState.STOPPED
            for name in version.names
            if (holder := holders.get(name)) is not None
        )

    async def _warm(self, version: ServedVersion) -> None:
        try:
            async with asyncio.timeout(_WARM_SECONDS):
                await self.served.load(version)
                await version.supervisor.ready()
                async for _ in version.supervisor.speak([Segment("你好")], Settings()):
                    pass
        except TimeoutError:
            raise NotReady(f"{version.name} could not be loaded in time", 30) from None

    def _tell(self, before: tuple[ServedVersion, ...], after: tuple[ServedVersion, ...]) -> None:
        old = {name: version for version in reversed(before) for name in version.names}
        new = {name: version for version in reversed(after) for name in version.names}
        for name, version in sorted(new.items()):
            if name not in old or old[name].digest != version.digest:
                self.moved(name, old.get(name), version)

    async def _leave(self, version: ServedVersion) -> None:
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await version.turns.emptied()
        except TimeoutError:
            _log.warning("%s@sha256:%s is stopped although it still speaks", version.name, version.digest[:12])
        finally:
            await self._end(version)

    async def _end(self, version: ServedVersion) -> None:
        await version.supervisor.stop()
        version.released()
