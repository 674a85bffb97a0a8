"""The versions that are served, side by side, each with its worker and the queue before it."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from indextts_hub.errors import HubError, NotFound, UsageError
from indextts_hub.reference import VersionRef
from synth.engines.protocol import Capabilities
from synth.service.queue import Turns
from synth.worker.process import WorkerError
from synth.worker.supervisor import Supervisor

__all__ = ["NotReady", "Served", "ServedVersion"]

# A worker that was replaced is back within this; a large version that is being loaded is worth asking for again later.
PATIENCE = 10.0


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
    """

    name: str
    digest: str
    engine: str
    aliases: tuple[str, ...]
    supervisor: Supervisor
    turns: Turns

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


class Served:
    """All versions that are served; the first is the one that is meant when none is named."""

    def __init__(self, versions: Iterable[ServedVersion]) -> None:
        self._versions = tuple(versions)
        if not self._versions:
            raise UsageError("there is no version to serve", remedy="name one with --model", code="E_NO_MODEL")

    def __iter__(self) -> Iterator[ServedVersion]:
        return iter(self._versions)

    @property
    def default(self) -> ServedVersion:
        """The version that speaks when none is named."""
        return self._versions[0]

    def find(self, name: str | None) -> ServedVersion:
        """Return the version that `NAME`, `NAME@sha256:HEX` or an alias means here; the default for None.

        Raises:
            UsageError: E_REFERENCE.
            NotFound: E_NOT_SERVED, naming those that are.
        """
        if name is None:
            return self.default
        wanted = VersionRef.parse(name)
        for version in self._versions:
            if wanted.name in {version.name, *version.aliases} and version.digest.startswith(wanted.digest_prefix or ""):
                return version
        raise NotFound(
            f"{name[:80]!a} is not served here",
            remedy=f"ask for one of: {', '.join(version.name for version in self._versions)}",
            code="E_NOT_SERVED",
        )

    def start(self) -> None:
        """Begin to start every worker."""
        for version in self._versions:
            version.supervisor.start()

    async def stop(self) -> None:
        """End every worker."""
        await asyncio.gather(*(version.supervisor.stop() for version in self._versions))
