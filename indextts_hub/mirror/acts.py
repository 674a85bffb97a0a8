"""What was asked for over HTTP and takes long: pulls, checks and repairs, each in a thread, watched and stopped from elsewhere."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from indextts_hub.accounts import PullOptions
from indextts_hub.errors import Busy, HubError, NotFound
from indextts_hub.hub import Hub
from indextts_hub.transfer import FileStarted, Moved, ProgressEvent

__all__ = ["Act", "ActState", "Acts", "Kind", "Stopped"]

_log = logging.getLogger(__name__)

# Each hashes or writes as fast as the disk goes.
MOST_AT_ONCE = 3


class Kind(StrEnum):
    """What is done."""

    PULL = "pull"
    VERIFY = "verify"
    REPAIR = "repair"


class ActState(StrEnum):
    """How it stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class Stopped(HubError):
    """Somebody asked for it to be stopped; what arrived is kept."""

    exit_code = 7
    default_code = "E_STOPPED"


class Broken(HubError):
    """A defect of ours."""

    exit_code = 1
    default_code = "E_DEFECT"


@dataclass(frozen=True, slots=True)
class Act:
    """One act on one version, as it stands.

    Attributes:
        reference: the version it is for.
        bytes, total: how many were moved or hashed, of how many; of a pull, those that were here already count.
        mirrors: what each mirror gave.
        seconds: since it began, or what it took.
        error: why it failed.
        bad: paths of files that a check found wrong.
    """

    kind: Kind
    reference: str
    state: ActState
    bytes: int = 0
    total: int = 0
    mirrors: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    error: HubError | None = None
    bad: tuple[str, ...] = ()


class _Running:
    """An act under way: what its thread writes and others read."""

    def __init__(self, kind: Kind, reference: str, total: int) -> None:
        self.kind, self.reference, self.total = kind, reference, total
        self.began, self.ended = time.monotonic(), 0.0
        self.state, self.bytes, self.mirrors = ActState.RUNNING, 0, dict[str, int]()
        self.error: HubError | None = None
        self.bad: tuple[str, ...] = ()
        self.stop = threading.Event()

    def __call__(self, event: ProgressEvent) -> None:
        """Take note of a transfer's event.

        Raises:
            Stopped: somebody asked for it.
        """
        if self.stop.is_set():
            raise _stopped()
        if isinstance(event, FileStarted):
            self.bytes += event.present
        elif isinstance(event, Moved):
            self.bytes += event.bytes
            self.mirrors[event.mirror] = self.mirrors.get(event.mirror, 0) + event.bytes

    def hashed(self, count: int) -> None:
        """Take note of bytes that were hashed.

        Raises:
            Stopped: somebody asked for it.
        """
        if self.stop.is_set():
            raise _stopped()
        self.bytes += count

    def seen(self) -> Act:
        """As it stands now."""
        seconds = (self.ended or time.monotonic()) - self.began
        return Act(self.kind, self.reference, self.state, self.bytes, self.total, dict(self.mirrors), seconds, self.error, self.bad)


class Acts:
    """The acts of one service: one at a time on a version, a few at once in all. The last of each version is remembered."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._acts: dict[str, _Running] = {}

    def of(self, name: str) -> Act | None:
        """The last act on the version of this name; None if there was none."""
        found = self._acts.get(name)
        return None if found is None else found.seen()

    def pull(self, name: str, *, accept_license: bool) -> Act:
        """Begin to pull the catalogue's version of this name.

        Raises:
            NotFound: E_NO_VERSION.
            Busy: E_BUSY, if something is being done with it, or too much at once.
        """
        version = self._hub.catalog.version(name)
        options = PullOptions(accept_license=accept_license)

        def act(running: _Running) -> None:
            planned = self._hub.plan(name, options)
            running.bytes += sum({file.entry.sha256: file.entry.size for file in planned if file.present}.values())
            self._hub.pull_reporting(name, options, running)

        return self._begin(_Running(Kind.PULL, version.name, version.manifest.size), version.name, act)

    def verify(self, name: str, *, repair: bool) -> Act:
        """Begin to hash a version that is here again, and to mend what is bad if that is asked for.

        Raises:
            NotFound: E_NO_SNAPSHOT.
            Busy: as `pull`.
        """
        known, digest = self._hub.locate(name)
        manifest = self._hub.store.manifests.read(digest)

        def act(running: _Running) -> None:
            findings = self._hub.verify([f"{known}@sha256:{digest}"], running.hashed)
            running.bad = tuple(file.path for finding in findings for file in finding.files if not file.ok)
            if repair:
                self._hub.repair(findings, PullOptions(), running)
                running.bad = ()
            else:
                self._hub.put_aside(findings)

        kind = Kind.REPAIR if repair else Kind.VERIFY
        return self._begin(_Running(kind, f"{known}@sha256:{digest}", manifest.size), known, act)

    def stop(self, name: str) -> Act:
        """Ask for an act to be stopped; what arrived stays for the next time.

        Raises:
            NotFound: E_NOT_UNDER_WAY.
        """
        found = self._acts.get(name)
        if found is None or found.state is not ActState.RUNNING:
            raise NotFound(f"nothing is being done with {name[:80]!a}", remedy="see /hub/models", code="E_NOT_UNDER_WAY")
        found.stop.set()
        return found.seen()

    def _begin(self, running: _Running, name: str, act: Callable[[_Running], None]) -> Act:
        with self._lock:
            under_way = [other for other in self._acts.values() if other.state is ActState.RUNNING]
            if any(self._acts.get(name) is other for other in under_way) or len(under_way) >= MOST_AT_ONCE:
                raise Busy("something else is being done with versions here", remedy="wait for it to end, or stop it")
            self._acts[name] = running
        threading.Thread(target=_run, args=(running, act), name=f"{running.kind} {name}", daemon=True).start()
        return running.seen()


def _run(running: _Running, act: Callable[[_Running], None]) -> None:
    try:
        act(running)
        state = ActState.DONE
    except Stopped:
        state = ActState.STOPPED
    except HubError as error:
        running.error, state = error, ActState.FAILED
    except Exception:  # noqa: BLE001 - whoever asked sees that it failed; the log says why
        _log.exception("%s %s failed", running.kind, running.reference)
        running.error, state = Broken("something failed that should not", remedy="please report it, with the log"), ActState.FAILED
    running.ended = time.monotonic()
    running.state = state


def _stopped() -> Stopped:
    return Stopped("it was stopped", remedy="begin it again: it goes on where it was")
