"""Fetching files from many mirrors at once. `transfer` is the one verb; it yields each file when it is whole and right.

1.  Each mirror has as many workers as it bears connections. A worker takes a chunk from the board, fetches it, and comes back.
2.  The board gives missing chunks of the earliest files first; when none is missing, it has a slow mirror's chunk fetched a second
    time by a faster one, and whoever is first wins.
3.  A chunk counts when its digest is right, or, without chunk digests, when all of it arrived; a file counts when its SHA-256 is
    right. Where it is not, `inquest` finds out who sent what.
4.  A mirror that lied or refused serves no more in this transfer; one in trouble is asked again later, and left when it gave
    nothing for a number of tries in a row. Every byte that arrives starts the count anew.
"""

import hashlib
import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial as bind
from pathlib import Path

from indextts_hub.errors import IntegrityError, Lied, PolicyError, Refused, SourceError, TooSlow
from indextts_hub.manifest import Digest, FileEntry
from indextts_hub.sources import Body, ByteRange
from indextts_hub.sources.answers import Waiting
from indextts_hub.store.room import check_room
from indextts_hub.store.trouble import storage_errors
from indextts_hub.transfer.board import Board, FileState, Job, MirrorState, Use
from indextts_hub.transfer.inquest import digest_of_partial, disguise, find_liar
from indextts_hub.transfer.pacing import Bucket, backoff
from indextts_hub.transfer.partial import Partial, open_partial
from indextts_hub.transfer.plan import Plan, digest_of_chunk, ranges_of
from indextts_hub.transfer.progress import ChunkBad, ChunkDone, FileDone, FileStarted, MirrorLeft, Moved, Progress, ProgressEvent
from indextts_hub.transfer.scores import Scores

__all__ = ["SourceUse", "TransferOptions", "TransferredFile", "transfer"]

# One read of a socket: large enough that Python's part is unseen, small enough for 64 workers' buffers in 150 MiB.
BUFFER = 256 << 10
# A mirror that gives less for that long is in trouble: 9 GB would take a month.
SLOWEST_RATE = 4096
SLOWEST_SECONDS = 15.0
# How often a broken connection is taken up again within a chunk without a byte in between.
IDLE_TRIES = 3


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """How to fetch.

    Attributes:
        jobs: connections at once, over all mirrors.
        rate: bytes a second over all connections, or None.
    """

    jobs: int = 16
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class SourceUse:
    """What one mirror gave to one file: bytes and chunks that were kept, and what went wrong.

    Attributes:
        ranges: of the file, each from its first byte to the one after its last; also those that an earlier transfer had left.
    """

    name: str
    bytes: int
    chunks: int
    errors: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TransferredFile:
    """A file that is whole and right, still under its partial's name.

    Attributes:
        path: of the partial; whoever takes the file moves it away.
        resumed: bytes that an earlier transfer had left.
        fetched: bytes that arrived now, the useless ones included.
        wasted: bytes that arrived and were of no use.
    """

    entry: FileEntry
    path: Path
    resumed: int
    fetched: int
    wasted: int
    sources: tuple[SourceUse, ...]


def transfer(plan: Plan, partials: Path, options: TransferOptions, scores: Scores, progress: Progress) -> Iterator[TransferredFile]:
    """Fetch the files of a plan; each is yielded once, when it is whole and its digest is right.

    Args:
        partials: the folder of downloads under way, on the file system where the files will stay.

    Raises:
        SourceError: E_NO_SOURCE, if no mirror could deliver a file; every mirror with its reason.
        IntegrityError: E_DIGEST_MISMATCH, if all that mirrors had was wrong.
        StorageError: the disk is full, or would not take the bytes; what arrived stays.
    """
    if plan.files:
        _check_room(plan, partials)
        running = _Transfer(plan, partials, options, scores, progress)
        try:
            yield from running.results()
        finally:
            running.stop()


def _check_room(plan: Plan, partials: Path) -> None:
    with storage_errors(partials):
        parts = (partials / f"{file.entry.sha256}.part" for file in plan.files)
        # What a partial already takes on the disk; a sparse one takes less than its size.
        begun = sum(getattr(path.stat(), "st_blocks", 0) * 512 for path in parts if path.is_file())
    check_room(partials, plan.size - begun)


class _Transfer:
    """One transfer under way: the board, its workers, and the queue of what is whole."""

    def __init__(self, plan: Plan, partials: Path, options: TransferOptions, scores: Scores, progress: Progress) -> None:
        self._progress = progress
        self._saying = threading.Lock()
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._bucket = Bucket(options.rate)
        self._board = Board(scores, self._rng)
        self._partials: list[Partial] = []
        self._workers: list[threading.Thread] = []
        self._outcomes: queue.Queue[TransferredFile | BaseException] = queue.Queue()
        try:
            for planned in plan.files:
                partial = open_partial(partials, planned.entry)
                self._partials.append(partial)
                state = self._board.add(planned, partial)
                self._say(FileStarted(planned.entry.path, planned.entry.size, state.resumed))
                for number in sorted(partial.done):
                    self._say(ChunkDone(planned.entry.path, number))
            self._start(options.jobs)
        except BaseException:
            self.stop()
            raise

    def results(self) -> Iterator[TransferredFile]:
        """Each file as it becomes whole; the first failure ends it."""
        for _ in self._board.files:
            outcome = self._outcomes.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome

    def stop(self) -> None:
        """End all workers and close all partials."""
        self._board.stop()
        for worker in self._workers:
            worker.join()
        for partial in self._partials:
            with suppress(OSError):
                partial.close()
        self._board.remember()

    def _start(self, jobs: int) -> None:
        mirrors = self._board.mirrors
        # Every mirror gets a worker first, then the better ones what is left of the connections.
        turns = range(max((mirror.connections for mirror in mirrors), default=0))
        share = [mirror for turn in turns for mirror in mirrors if turn < mirror.connections][: max(jobs, 1)]
        acts: list[Callable[[], None]] = [bind(self._work, mirror) for mirror in share]
        for file in self._board.files:
            if file.is_complete:
                file.closed = True
                acts.append(bind(self._finish, file))
        self._workers = [threading.Thread(target=self._guarded, args=(act,), daemon=True) for act in acts]
        for worker in self._workers:
            worker.start()
        self._give_up_the_forsaken()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for the outcome, which raises it
            self._board.stop()
            self._outcomes.put(error)

    def _work(self, mirror: MirrorState) -> None:
        buffer = memoryview(bytearray(BUFFER))
        while job := self._board.take(mirror):
            try:
                self._fetch(job, buffer)
            except (SourceError, PolicyError) as error:
                self._trouble(job, error)
            finally:
                complete = self._board.give_back(job)
            if complete:
                self._finish(job.file)
            self._give_up_the_forsaken()

    def _fetch(self, job: Job, buffer: memoryview) -> None:
        """Fetch what a job is for; a connection that breaks is taken up again where it broke, as long as each brings bytes."""
        run = _Run(self, job)
        tries = 0
        while run.at < job.extent.stop and not job.useless:
            before = run.at
            try:
                with job.source.open(job.remote, ByteRange(run.at, job.extent.stop)) as body:
                    run.read(body, buffer)
            except (Lied, Refused, TooSlow, Waiting):
                raise
            except SourceError as error:
                tries = 0 if run.at > before else tries + 1
                if tries >= IDLE_TRIES or job.whole or error.code in {"E_NO_RANGES", "E_NOT_THERE", "E_CHANGED"}:
                    raise
                self._board.wait(backoff(tries, self._rng))
        if not job.useless:
            self._board.succeeded(job, run.latency, time.monotonic() - job.started - run.latency)

    def arrived(self, job: Job, number: int, digest: Digest, held: bytes | None) -> None:
        """All bytes of a chunk are here: note it if they are right.

        Args:
            held: the bytes, if they are not in their place yet.

        Raises:
            Lied: E_CHUNK_MISMATCH.
        """
        file = job.file
        wanted = digest_of_chunk(file.planned.entry, number)
        size = file.partial.chunks[number].size
        use = file.uses.setdefault(job.mirror.name, Use())
        if wanted not in {None, digest}:
            self._useless(job, size)
            self._say(ChunkBad(file.planned.entry.path, job.mirror.name, number))
            looks = f" ({kind}, not weights)" if number == 0 and (kind := disguise(file)) else ""
            raise Lied(
                f"{job.mirror.name} sent wrong bytes in chunk {number}{looks}", remedy="use another mirror", code="E_CHUNK_MISMATCH"
            )
        with file.writing:
            if number in file.partial.done:
                self._useless(job, size)
                return
            self._board.arrived(job, number)
            if held is not None:
                file.partial.write(file.partial.chunks[number].start, memoryview(held))
            file.partial.mark(number, digest, job.mirror.name)
        self._say(ChunkDone(file.planned.entry.path, number))
        use.bytes += size
        use.chunks += 1

    def moved(self, job: Job, count: int) -> None:
        """Bytes arrived: count them, say so, and wait as long as the limits ask."""
        self._board.moved(job, count)
        self._say(Moved(job.file.planned.entry.path, job.mirror.name, count))
        if pause := max(self._bucket.wait_for(count), job.mirror.bucket.wait_for(count)):
            self._board.wait(pause)

    def _useless(self, job: Job, count: int) -> None:
        job.file.wasted += count
        self._say(Moved(job.file.planned.entry.path, job.mirror.name, -count))

    def _trouble(self, job: Job, error: SourceError | PolicyError) -> None:
        """Decide what an error means for the mirror."""
        if error.code == "E_NO_RANGES" and not job.whole:
            self._board.only_whole(job)
            return
        name, path = job.mirror.name, job.file.planned.entry.path
        job.file.uses.setdefault(name, Use()).errors.append(error.message)
        if error.code == "E_CHANGED":
            doubted = self._board.doubted(job)
            for number in doubted:
                job.file.partial.unmark(number)
            self._board.lost(job.file, doubted)
            return
        if isinstance(error, Refused) and job.mirror.rate and not job.mirror.tries:
            # It gave before: a link ran out, and the next request is signed or resolved anew.
            self._board.failed(job, error.message, 0.0)
            return
        if isinstance(error, (Lied, Refused)):
            self._board.leave(job, error.message, lied=isinstance(error, Lied))
        elif isinstance(error, PolicyError) or error.code in {"E_NOT_THERE", "E_NO_RANGES", "E_TLS", "E_REDIRECTS"}:
            self._board.leave_for_file(job, error.message)
        elif not self._board.failed(job, error.message, error.seconds if isinstance(error, Waiting) else None):
            return
        self._say(MirrorLeft(path, name, error.message))

    def _finish(self, file: FileState) -> None:
        """All chunks are here: hand the file on if it is right, else find out why not."""
        entry = file.planned.entry
        for _ in range(len(file.sources) + 1):
            if digest_of_partial(file) == entry.sha256:
                self._hand_on(file)
                return
            finding = find_liar(file, lambda: self._board.stopped)
            file.fetched += finding.fetched
            file.wasted += finding.fetched
            if finding.liar is None:
                break
            self._board.blame(finding.liar)
            file.uses.setdefault(finding.liar, Use()).errors.append("it sent wrong bytes")
            for number in finding.chunks:
                file.partial.mark(number, file.partial.chunk_digest(number), file.giver[number])
                self._say(ChunkBad(entry.path, finding.liar, number))
            self._say(MirrorLeft(entry.path, finding.liar, "it sent wrong bytes"))
        raise self._mismatch(file)

    def _mismatch(self, file: FileState) -> IntegrityError:
        entry, actual = file.planned.entry, digest_of_partial(file)
        looks = f"; it begins like {kind}, not weights" if (kind := disguise(file)) else ""
        givers = ", ".join(dict.fromkeys(file.giver.values())) or "the partial"
        for number in list(file.partial.done):
            file.partial.unmark(number)
        return IntegrityError(
            f"{entry.path} from {givers} is not what the manifest says: expected {entry.sha256}, got {actual}{looks}",
            remedy="pull from another mirror with --source, or tell the mirror's keeper",
            code="E_DIGEST_MISMATCH",
        )

    def _hand_on(self, file: FileState) -> None:
        file.partial.forget()
        self._say(FileDone(file.planned.entry.path))
        ranges = ranges_of(file.partial.chunks, {**file.partial.givers, **file.giver})
        used = {name: file.uses.get(name, Use()) for name in (*file.uses, *(name for name in ranges if name not in file.uses))}
        uses = tuple(SourceUse(name, use.bytes, use.chunks, tuple(use.errors), ranges.get(name, ())) for name, use in used.items())
        entry = file.planned.entry
        self._outcomes.put(TransferredFile(entry, file.partial.path, file.resumed, file.fetched, file.wasted, uses))

    def _give_up_the_forsaken(self) -> None:
        if self._board.stopped or not (file := self._board.forsaken()):
            return
        reasons = self._board.reasons(file)
        told = "; ".join(dict.fromkeys(reasons.values())) or "no mirror is named for it"
        only_lies = bool(reasons) and all("wrong bytes" in reason for reason in reasons.values())
        kind, code = (IntegrityError, "E_DIGEST_MISMATCH") if only_lies else (SourceError, "E_NO_SOURCE")
        self._board.stop()
        self._outcomes.put(
            kind(
                f"no mirror could deliver {file.planned.entry.path}: {told}",
                remedy="run it again later: what arrived is kept; `indextts-hub mirrors test` says which mirrors work",
                code=code,
            )
        )

    def _say(self, event: ProgressEvent) -> None:
        with self._saying:
            self._progress(event)


class _Run:
    """Reading one job's bytes: into their place, or into memory for a chunk that is taken over; chunk by chunk."""

    def __init__(self, running: _Transfer, job: Job) -> None:
        self._running = running
        self._job = job
        self._left = list(job.numbers)
        self._hasher = hashlib.sha256()
        self._held = bytearray()
        self._window = (time.monotonic(), 0)
        self.at = job.extent.start
        self.latency = 0.0

    def read(self, body: Body, buffer: memoryview) -> None:
        """Read to the end of the job, or until it is useless.

        Raises:
            SourceError: the body broke; `at` says how far it got.
        """
        job, file = self._job, self._job.file
        while self._left:
            stop = file.partial.chunks[self._left[0]].stop
            count = body.readinto(buffer[: stop - self.at])
            if not count:
                raise SourceError(f"{job.mirror.name} sent too little", remedy="try again", code="E_TRUNCATED")
            self.latency = self.latency or time.monotonic() - job.started
            if not self._keep(buffer[:count]):
                return
            self._running.moved(job, count)
            self._check_pace(count)
            if self.at == stop:
                self._end_chunk()

    def _keep(self, piece: memoryview) -> bool:
        job, file = self._job, self._job.file
        self._hasher.update(piece)
        if job.take_over:
            self._held += piece
        with file.writing:
            if job.useless:
                return False
            if not job.take_over and self._left[0] not in file.partial.done:
                file.partial.write(self.at, piece)
        self.at += len(piece)
        return True

    def _end_chunk(self) -> None:
        number = self._left.pop(0)
        self._running.arrived(
            self._job, number, Digest(self._hasher.hexdigest()), bytes(self._held) if self._job.take_over else None
        )
        self._hasher, self._held = hashlib.sha256(), bytearray()

    def _check_pace(self, count: int) -> None:
        since, got = self._window
        got += count
        now = time.monotonic()
        if now - since < SLOWEST_SECONDS:
            self._window = (since, got)
            return
        self._window = (now, 0)
        if got < SLOWEST_RATE * SLOWEST_SECONDS:
            raise TooSlow(
                f"{self._job.mirror.name} gives {got} bytes in {now - since:.0f} seconds",
                remedy="use another mirror",
                code="E_TOO_SLOW",
            )
