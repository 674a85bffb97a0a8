"""Who fetches which chunk next: all that the workers of a transfer share, under one lock. Touches no disk and no network."""

import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from indextts_hub.sources import ByteRange, RemoteFile, Source
from indextts_hub.transfer.pacing import Bucket, backoff
from indextts_hub.transfer.partial import Partial
from indextts_hub.transfer.plan import FilePlan
from indextts_hub.transfer.scores import Score, Scores, order

__all__ = ["Board", "FileState", "Job", "MirrorState"]

# A mirror that brought nothing for so many tries in a row is left: with doubling waits that is about two minutes of patience.
PATIENCE = 8
# What a mirror asks for beyond this is not waited for: the next one is asked instead.
LONGEST_RETRY_AFTER = 120.0
# A chunk that would take a slow mirror so many times longer than a free one is fetched by that too. It is held in memory until it
# is right, so only two are under way at once, and none is larger than this.
TAKE_OVER_FACTOR = 2.0
# A speed is not known before that.
TAKE_OVER_SECONDS = 0.5
TAKE_OVERS = 2
LARGEST_TAKE_OVER = 16 << 20


@dataclass(slots=True, eq=False)
class MirrorState:
    """One mirror in this transfer.

    Attributes:
        tries: in a row that brought nothing.
        not_before: when it is asked again, on the monotonic clock.
        left: why it serves no more in this transfer, or None.
        rate: bytes a second of one connection, as measured here; 0 before the first chunk.
    """

    name: str
    connections: int
    bucket: Bucket
    score: Score
    tries: int = 0
    not_before: float = 0.0
    left: str | None = None
    rate: float = 0.0


@dataclass(slots=True)
class Use:
    """What a mirror gave to a file so far."""

    bytes: int = 0
    chunks: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Job:
    """Chunks that one mirror fetches in one go: one, or all from one that serves no ranges.

    Attributes:
        useless: somebody else was faster; what still arrives is not written.
        take_over: this one is the faster: it keeps the chunk in memory until it is right.
    """

    file: "FileState"
    mirror: MirrorState
    source: Source
    remote: RemoteFile
    numbers: list[int]
    whole: bool = False
    take_over: bool = False
    useless: bool = False
    got: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def extent(self) -> ByteRange:
        """What is asked for."""
        chunks = self.file.partial.chunks
        return ByteRange(chunks[self.numbers[0]].start, chunks[self.numbers[-1]].stop)


@dataclass(slots=True, eq=False)
class FileState:
    """One file in this transfer.

    Attributes:
        writing: held while bytes of it are written, so that a useless job can be told in time.
        giver: which mirror gave each chunk that is here.
        left: why a mirror is asked no more for this file.
        unranged: mirrors that serve it only as a whole.
        closed: it is whole, or given up.
    """

    planned: FilePlan
    partial: Partial
    sources: dict[str, tuple[RemoteFile, Source]]
    missing: deque[int]
    resumed: int
    writing: threading.Lock = field(default_factory=threading.Lock)
    flights: dict[int, list[Job]] = field(default_factory=dict)
    giver: dict[int, str] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    unranged: set[str] = field(default_factory=set)
    fetched: int = 0
    wasted: int = 0
    closed: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether every chunk is here."""
        return not self.missing and not self.flights


class Board:
    """What is missing, what is under way and who may fetch it."""

    def __init__(self, scores: Scores, rng: random.Random) -> None:
        self._scores = scores
        self._rng = rng
        self._changed = threading.Condition()
        self._stopped = False
        self.files: list[FileState] = []
        self._mirrors: dict[str, MirrorState] = {}

    @property
    def mirrors(self) -> list[MirrorState]:
        """All mirrors of all files, the best first."""
        return [self._mirrors[name] for name in order(self._mirrors, self._scores, time.time())]

    def add(self, planned: FilePlan, partial: Partial) -> FileState:
        """Put a file on the board."""
        sources = {source.mirror: (remote, source) for remote, source in planned.sources}
        missing = deque(number for number in range(len(partial.chunks)) if number not in partial.done)
        resumed = sum(partial.chunks[number].size for number in partial.done)
        state = FileState(planned, partial, sources, missing, resumed)
        self.files.append(state)
        for name, (_, source) in sources.items():
            if name not in self._mirrors:
                limits = source.limits
                self._mirrors[name] = MirrorState(name, limits.max_connections, Bucket(limits.rate), self._scores.get(name))
        return state

    def take(self, mirror: MirrorState) -> Job | None:
        """Wait for something that this mirror can fetch; None when there will be nothing more."""
        with self._changed:
            while self._is_useful(mirror):
                now = time.monotonic()
                if mirror.not_before <= now and (job := self._next(mirror, now)):
                    for number in job.numbers:
                        job.file.flights.setdefault(number, []).append(job)
                    return job
                # At most half a second: a chunk under way may have become worth taking over.
                self._changed.wait(max(0.01, min(0.5, mirror.not_before - now)) if mirror.not_before > now else 0.5)
        return None

    def give_back(self, job: Job) -> bool:
        """End a job; what it did not bring is missing again. Returns whether the file is complete and the caller must finish it."""
        with self._changed:
            file = job.file
            for number in job.numbers:
                flights = file.flights.get(number, [])
                if job in flights:
                    flights.remove(job)
                if not flights:
                    file.flights.pop(number, None)
                    if number not in file.partial.done and not file.closed:
                        file.missing.appendleft(number)
            self._changed.notify_all()
            if file.closed or not file.is_complete:
                return False
            file.closed = True
            return True

    def arrived(self, job: Job, number: int) -> None:
        """A chunk is here and, as far as can be told, right: others that fetch it may stop."""
        with self._changed:
            job.file.giver[number] = job.mirror.name
            for other in job.file.flights.get(number, []):
                if other is not job and not other.whole:
                    other.useless = True
            self._changed.notify_all()

    def moved(self, job: Job, count: int) -> None:
        """Bytes arrived: whatever was in trouble is not."""
        job.got += count
        job.mirror.tries = 0
        job.file.fetched += count

    def succeeded(self, job: Job, latency: float, seconds: float) -> None:
        """A job is done: remember how fast."""
        rate = job.got / max(seconds, 1e-6)
        with self._changed:
            mirror = job.mirror
            mirror.rate = rate if not mirror.rate else 0.7 * mirror.rate + 0.3 * rate
            mirror.score = mirror.score.succeeded(latency, rate)

    def failed(self, job: Job, why: str, wait: float | None) -> str | None:
        """Note an error that may pass; returns why the mirror is left, if it is."""
        with self._changed:
            mirror = job.mirror
            mirror.tries += 1
            mirror.score = mirror.score.failed(time.time())
            if mirror.tries > PATIENCE or (wait or 0.0) > LONGEST_RETRY_AFTER:
                mirror.left = why
            mirror.not_before = time.monotonic() + (wait if wait is not None else backoff(mirror.tries, self._rng))
            self._changed.notify_all()
            return mirror.left

    def leave(self, job: Job, why: str, *, lied: bool) -> None:
        """Ask this mirror no more in this transfer: it lied or refused."""
        with self._changed:
            job.mirror.left = why
            now = time.time()
            job.mirror.score = job.mirror.score.lied(now) if lied else job.mirror.score.failed(now)
            self._changed.notify_all()

    def leave_for_file(self, job: Job, why: str) -> None:
        """Ask this mirror no more for this file: it does not have it."""
        with self._changed:
            job.file.left[job.mirror.name] = why
            self._changed.notify_all()

    def doubted(self, job: Job) -> list[int]:
        """The chunks that no digest proves, of a mirror that has another file now than before. What it has under way is useless.

        Each is told once, however many of the mirror's workers ask; `lost` makes it missing again.
        """
        with self._changed:
            file, name = job.file, job.mirror.name
            for under_way in file.flights.values():
                for other in under_way:
                    other.useless = other.useless or other.mirror is job.mirror
            if file.planned.entry.chunks is not None:
                return []
            numbers = [number for number, giver in file.giver.items() if giver == name]
            for number in numbers:
                del file.giver[number]
                size, use = file.partial.chunks[number].size, file.uses[name]
                use.bytes, use.chunks, file.wasted = use.bytes - size, use.chunks - 1, file.wasted + size
            return numbers

    def lost(self, file: FileState, numbers: list[int]) -> None:
        """Chunks that were here must arrive again."""
        with self._changed:
            file.missing.extendleft(number for number in numbers if number not in file.flights)
            self._changed.notify_all()

    def only_whole(self, job: Job) -> None:
        """Ask the mirror for all of the file or nothing: it serves no ranges."""
        with self._changed:
            job.file.unranged.add(job.mirror.name)
            self._changed.notify_all()

    def blame(self, name: str) -> None:
        """A mirror sent wrong bytes of a file that was already whole."""
        with self._changed:
            mirror = self._mirrors[name]
            mirror.left = "it sent wrong bytes"
            mirror.score = mirror.score.lied(time.time())

    def forsaken(self) -> FileState | None:
        """A file that is not whole and that nobody is left to fetch."""
        with self._changed:
            for file in self.files:
                if not file.closed and not file.flights and not any(self._may_serve(name, file) for name in file.sources):
                    return file
        return None

    def reasons(self, file: FileState) -> dict[str, str]:
        """Why each mirror of a file is not asked any more."""
        with self._changed:
            return {name: file.left.get(name) or self._mirrors[name].left or "gave up" for name in file.sources}

    def stop(self) -> None:
        """End all waiting; what is under way becomes useless."""
        with self._changed:
            self._stopped = True
            for file in self.files:
                for flights in file.flights.values():
                    for job in flights:
                        job.useless = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether the transfer is over."""
        return self._stopped

    def wait(self, seconds: float) -> None:
        """Wait, but not beyond the end of the transfer."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._stopped and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def remember(self) -> None:
        """Put what was learned about the mirrors into the scores."""
        for mirror in self._mirrors.values():
            self._scores.put(mirror.name, mirror.score)

    def _is_useful(self, mirror: MirrorState) -> bool:
        if self._stopped or mirror.left:
            return False
        return any(not file.closed and self._may_serve(mirror.name, file) for file in self.files)

    def _may_serve(self, name: str, file: FileState) -> bool:
        return name in file.sources and name not in file.left and self._mirrors[name].left is None

    def _next(self, mirror: MirrorState, now: float) -> Job | None:
        for file in self.files:
            if file.closed or not self._may_serve(mirror.name, file):
                continue
            remote, source = file.sources[mirror.name]
            if mirror.name in file.unranged:
                if file.missing and not file.flights:
                    file.missing.clear()
                    return Job(file, mirror, source, remote, list(range(len(file.partial.chunks))), whole=True)
            elif file.missing:
                return Job(file, mirror, source, remote, [file.missing.popleft()])
        return self._take_over(mirror, now)

    def _take_over(self, mirror: MirrorState, now: float) -> Job | None:
        """A chunk that a slower mirror has under way, if this one would have it much sooner."""
        under_way = [(number, jobs[0]) for file in self.files for number, jobs in file.flights.items() if len(jobs) == 1]
        if not mirror.rate or sum(len(jobs) > 1 for file in self.files for jobs in file.flights.values()) >= TAKE_OVERS:
            return None
        for number, job in under_way:
            size = job.file.partial.chunks[number].size
            done, young = number in job.file.partial.done, now - job.started < TAKE_OVER_SECONDS
            if done or young or job.mirror is mirror or job.whole or size > LARGEST_TAKE_OVER:
                continue
            if mirror.name in job.file.unranged or not self._may_serve(mirror.name, job.file):
                continue
            speed = job.got / max(now - job.started, 1e-3)
            if (size - job.got) / max(speed, 1.0) > TAKE_OVER_FACTOR * size / mirror.rate:
                remote, source = job.file.sources[mirror.name]
                return Job(job.file, mirror, source, remote, [number], take_over=True)
        return None
