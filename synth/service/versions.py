"""The versions that are served, side by side, each with its worker and the queue before it.

Workers are started when they are first needed, and stay; where memory is short, the one that was not used for longest makes room.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from indextts_hub.errors import HubError, NotFound, UsageError
from indextts_hub.reference import VersionRef
from indextts_hub.surroundings import available_memory
from synth.engines.protocol import Capabilities
from synth.service.queue import Turns
from synth.worker.memory import held
from synth.worker.process import WorkerError
from synth.worker.supervisor import Supervisor, WorkerState

__all__ = ["Memory", "NotReady", "Served", "ServedVersion"]

_log = logging.getLogger(__name__)

# A worker that was replaced is back within this; a large version that is being loaded is worth asking for again later.
PATIENCE = 10.0
# What one step of thrift saves is the engine's business; that it is started at all needs about this part of the usual.
_THRIFTY = 0.6


class NotReady(WorkerError):
    """The version can't speak at this moment. `retry_after` says in how many seconds to ask again."""

    default_code = "E_NOT_READY"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, remedy=f"try again in {retry_after} s; /readyz says how it stands")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A version that can be asked to speak.

    Attributes:
        digest: of its manifest.
        aliases: other names it is asked for by.
        needs: bytes of memory that its worker will take, as far as is known before it was ever loaded.
        released: called when it is not served any more and its worker has ended.
    """

    name: str
    digest: str
    engine: str
    aliases: tuple[str, ...]
    supervisor: Supervisor
    turns: Turns
    needs: int = 0
    released: Callable[[], None] = lambda: None

    @property
    def names(self) -> tuple[str, ...]:
        """All names it is asked for by."""
        return (self.name, *self.aliases)

    async def ready(self) -> Capabilities:
        """Wait a little for the worker, and say what the engine can do.

        Raises:
            NotReady: it is not ready yet, or can't be started; it goes on trying.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.supervisor.ready()
        except TimeoutError:
            raise NotReady(f"{self.name} is still being loaded", 5) from None
        except HubError as error:
            raise NotReady(f"{self.name} can't be started: {error.message}", 30) from error


@dataclass(frozen=True, slots=True)
class Memory:
    """How much memory workers may take.

    Attributes:
        budget: bytes for all of them together, or None for what the machine has.
        available: bytes that are free now; None if the system does not tell.
        used: bytes that the process of that id holds.
    """

    budget: int | None = None
    available: Callable[[], int | None] = available_memory
    used: Callable[[int | None], int | None] = held

    def lacks(self, needs: int, running: Iterable[ServedVersion]) -> int:
        """How many bytes are missing for a worker beside those that run; 0 or less if it fits."""
        taken = sum(self.used(version.supervisor.pid) or 0 for version in running)
        within = 0 if self.budget is None else taken + needs - self.budget
        free = self.available()
        return max(within, 0 if free is None else needs - free)


@dataclass(slots=True)
class Served:
    """All versions that are served; the first is the one that is meant when none is named."""

    versions: tuple[ServedVersion, ...]
    memory: Memory = field(default_factory=Memory)
    _used: dict[str, float] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        if not self.versions:
            raise UsageError("there is no version to serve", remedy="name one with --model", code="E_NO_MODEL")

    def __iter__(self) -> Iterator[ServedVersion]:
        return iter(self.versions)

    def is_at_work(self) -> bool:
        """Whether somebody waits for speech, or hears it, at this moment."""
        return any(version.turns.admitted for version in self.versions)

    @property
    def default(self) -> ServedVersion:
        """The version that speaks when none is named."""
        return self.versions[0]

    def find(self, name: str | None) -> ServedVersion:
        """Return the version that `NAME`, `NAME@sha256:HEX` or an alias means here; the default for None.

        Raises:
            NotFound: E_NOT_SERVED, naming those that are.
        """
        if name is None:
            return self.default
        # What can't be a name is not served either.
        with suppress(UsageError):
            wanted = VersionRef.parse(name)
            for version in self.versions:
                if wanted.name in version.names and version.digest.startswith(wanted.digest_prefix or ""):
                    return version
        raise NotFound(
            f"{name[:80]!a} is not served here",
            remedy=f"ask for one of: {', '.join(dict.fromkeys(version.name for version in self.versions))}",
            code="E_NOT_SERVED",
        )

    async def ready(self, version: ServedVersion) -> Capabilities:
        """Start a version's worker if it is not, wait a little for it, and say what the engine can do.

        Raises:
            NotReady: it is not ready yet, can't be started, or there is no memory for it.
        """
        self._used[version.digest] = asyncio.get_running_loop().time()
        await self.load(version)
        return await version.ready()

    async def load(self, version: ServedVersion) -> None:
        """Begin to start a version's worker, if it is not started, where there is memory for it.

        Raises:
            NotReady: there is none.
        """
        if version.supervisor.state is not WorkerState.STOPPED:
            return
        async with self._starting:
            if version.supervisor.state is WorkerState.STOPPED:
                await self._make_room(version)
                version.supervisor.start()

    def start(self) -> None:
        """Begin to start the default version's worker; others are started when they are asked for."""
        self.default.supervisor.start()

    async def stop(self) -> None:
        """End every worker."""
        await asyncio.gather(*(version.supervisor.stop() for version in self.versions))

    async def _make_room(self, version: ServedVersion) -> None:
        """Unload what is idle, longest not used first, until the version fits; else have it need less.

        Raises:
            NotReady: it does not fit.
        """
        while (missing := self.memory.lacks(self._needs(version), self._running())) > 0:
            idle = [other for other in self._running() if not other.turns.admitted and other.digest != version.digest]
            if idle:
                oldest = min(idle, key=lambda other: self._used.get(other.digest, 0.0))
                _log.info("%s makes room for %s", oldest.name, version.name)
                self._remember(oldest)
                await oldest.supervisor.stop()
            elif not version.supervisor.save_memory():
                raise NotReady(f"{version.name} needs {missing / 2**20:.0f} MiB of memory more than there is", 30)

    def _running(self) -> list[ServedVersion]:
        return [version for version in self.versions if version.supervisor.state is not WorkerState.STOPPED]

    def _needs(self, version: ServedVersion) -> int:
        usual = self._seen.get(version.digest, version.needs)
        return usual if not version.supervisor.thrift else round(usual * _THRIFTY)

    def _remember(self, version: ServedVersion) -> None:
        if used := self.memory.used(version.supervisor.pid):
            self._seen[version.digest] = used
