"""One worker: an engine in a process of its own, from its start to its end, and the frames it exchanges with the service.

It calls back over a loopback connection and proves with a token that it is the process that was started (decision 0070).
"""

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import sys
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from indextts_hub.errors import HubError, IntegrityError, NotFound, PolicyError, StorageError, UsageError
from synth.engines.protocol import Segment, SegmentSpeech, Settings
from synth.worker.hearing import Hearing
from synth.worker.weights import Holding
from synth.worker.wire import (
    HEADER,
    PROTOCOL,
    Cancel,
    Cancelled,
    Done,
    Failed,
    Frame,
    Hello,
    Knock,
    SegmentReady,
    Speak,
    WireError,
    body_length,
    decode,
    encode,
)

__all__ = ["Launch", "Proof", "TimeLimits", "Worker", "WorkerDied", "WorkerError"]

_log = logging.getLogger(__name__)

# Enough for the end of an engine's own traceback; the log has the rest.
_TAIL_CHARACTERS = 4000
# What may lie unread before the worker is made to wait; a segment of half a minute.
_UNREAD_BYTES = 2**21
# A process that was started calls at once; anybody else may not keep the door open.
_KNOCK_TIMEOUT = 5.0
# Between asking a worker to end and ending it.
_GRACE = 3.0


class WorkerError(HubError):
    """An engine could not be started, or failed at speaking."""

    exit_code = 1
    default_code = "E_WORKER"


class WorkerDied(WorkerError):
    """The worker's process ended, or had to be ended, while it was needed. A new one may do better."""

    default_code = "E_WORKER_DIED"


# How threads wait for each other is said by these together: whoever sets one has decided.
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


@dataclass(frozen=True, slots=True)
class Proof:
    """What the loaded bytes must turn out to be.

    Attributes:
        manifest: file with the version's canonical manifest.
        digest: of it: the version's.
        holding: how the bytes are kept what they were.
    """

    manifest: Path
    digest: str
    holding: Holding = Holding.AUTO


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start.

    Attributes:
        engine: name of the module whose `load` makes the engine.
        snapshot: folder with the version's files.
        python: the interpreter of the engine's environment.
        environment: variables for the process; None for this process's own.
        defaults: further ones, for what is not set there.
        thrift: how many steps the engine goes towards less memory.
        proof: what is loaded is hashed and must be this; None for files that are no version's.
    """

    engine: str
    snapshot: Path
    python: str = field(default=sys.executable)
    environment: Mapping[str, str] | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    thrift: int = 0
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long to wait, in seconds.

    Attributes:
        start: for the engine to load: gigabytes from a slow disk.
        segment: for one segment: a long one on a slow processor.
    """

    start: float = 600.0
    segment: float = 300.0


class Worker:
    """A running worker, for as many tasks at a time as there are; whoever made it stops it."""

    def __init__(
        self, process: asyncio.subprocess.Process, words: "_Words", limits: TimeLimits, call: "_Call", hello: Hello
    ) -> None:
        self.capabilities = hello.capabilities
        self.sealed = hello.sealed if hello.digest else None
        self._process = process
        self._words = words
        self._limits = limits
        self._frames, self._out = call
        self._heard: dict[str, Hearing] = {}
        self._trouble: WorkerDied | None = None
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, launch: Launch, limits: TimeLimits) -> "Worker":
        """Start a worker and wait until its engine is loaded.

        Raises:
            WorkerError: E_WORKER, if the interpreter can't be started.
            WorkerDied: the process ended, or took longer than `limits.start`.
            HubError: what the engine said of its files, with its own code.
        """
        calls: asyncio.Queue[_Call] = asyncio.Queue(1)
        token = secrets.token_hex(32)

        async def answer(frames: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
            if await _knocks(frames, token):
                await calls.put((frames, out))
            else:
                out.close()

        # Only closed, not waited for: the one connection through this door stays open as long as the worker lives.
        door = await asyncio.start_server(answer, "127.0.0.1", 0, limit=_UNREAD_BYTES)
        with contextlib.closing(door):
            async with contextlib.AsyncExitStack() as undo:
                process = await _spawn(launch, door.sockets[0].getsockname()[1], token)
                words = _Words(process)
                undo.push_async_callback(_end, process, words)
                try:
                    async with asyncio.timeout(limits.start):
                        frames, out = await _call(calls, process, words)
                        undo.callback(out.close)
                        frame = await _read(frames)
                except TimeoutError:
                    raise WorkerDied(
                        f"the engine was not ready after {limits.start:.0f} s",
                        remedy="look at the machine's memory and disk, or allow more time for the start",
                        code="E_WORKER_SLOW",
                    ) from None
                except (EOFError, ConnectionError):
                    raise await _death(process, words) from None
                match frame:
                    case Hello():
                        _assert_meant(frame, launch.proof)
                        undo.pop_all()
                        return cls(process, words, limits, (frames, out), frame)
                    case Failed():
                        raise _error(frame)
                    case _:
                        raise _nonsense()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def speak(self, segments: Sequence[Segment], settings: Settings) -> AsyncGenerator[SegmentSpeech, None]:
        """Speak the segments, giving their pieces in order. Leaving early (`aclose`) stops the task before its next piece.

        Raises:
            WorkerDied: the process ended, or nothing was heard for longer than `limits.segment`; the worker is of no more use.
            HubError: what the engine said of the task; the worker goes on.
        """
        if self._trouble is not None:
            raise WorkerDied(self._trouble.message, remedy=self._trouble.remedy, code=self._trouble.code)
        task = secrets.token_hex(8)
        heard = self._heard[task] = Hearing(len(segments))
        # A worker may speak the next segments while the first is not over: what comes early waits here.
        early: list[deque[SegmentSpeech]] = [deque() for _ in segments]
        at = 0
        try:
            await self._send(Speak(task, tuple(segments), settings))
            while (ready := await self._next(heard)) is not None:
                early[ready.index].append(ready.speech)
                while at < len(early) and early[at]:
                    speech = early[at].popleft()
                    at += speech.ends
                    yield speech
        finally:
            heard.leave()
            if task in self._heard and self._trouble is None:
                self._out.write(encode(Cancel(task)))

    async def stop(self) -> None:
        """End the process: by hanging up, which it obeys at once; by asking, if it does not; at last by force."""
        self._out.close()
        await _end(self._process, self._words)
        for heard in self._heard.values():
            heard.leave()
        await asyncio.wait({self._listening})

    async def died(self) -> WorkerDied:
        """Wait until the process has ended, and say how."""
        return await _death(self._process, self._words, patience=None)

    async def _listen(self) -> None:
        """Hand what the worker says to the tasks it is said of, until it is gone; then tell them all."""
        try:
            while True:
                await self._hear(await _read(self._frames))
        except (EOFError, ConnectionError):
            self._trouble = await _death(self._process, self._words)
        except (WorkerDied, WireError):
            self._process.kill()
            self._trouble = _nonsense()
        for heard in self._heard.values():
            heard.end(self._trouble)

    async def _hear(self, frame: Frame) -> None:
        if not isinstance(frame, SegmentReady | Done | Cancelled | Failed) or frame.task not in self._heard:
            raise _nonsense()
        if isinstance(frame, SegmentReady):
            await self._heard[frame.task].put(frame)
        else:
            self._heard.pop(frame.task).end(frame)

    async def _next(self, heard: Hearing) -> SegmentReady | None:
        """The next piece of a task; None behind the last."""
        try:
            async with asyncio.timeout(self._limits.segment):
                frame = await heard.take()
        except TimeoutError:
            self._process.kill()
            raise WorkerDied(
                f"a segment was not spoken within {self._limits.segment:.0f} s",
                remedy="use shorter sentences, or allow more time for a segment",
                code="E_WORKER_SLOW",
            ) from None
        match frame:
            case SegmentReady():
                return frame
            case Failed():
                raise _error(frame)
            case WorkerDied(message=message, remedy=remedy, code=code):
                raise WorkerDied(message, remedy=remedy, code=code)
            case _:
                return None

    async def _send(self, frame: Frame) -> None:
        try:
            self._out.write(encode(frame))
            await self._out.drain()
        except ConnectionError:
            raise await _death(self._process, self._words) from None


_Call: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Words:
    """What a process writes to standard error: handed to the log, its end kept for the error that may follow."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._tail = ""
        self._reading = asyncio.create_task(self._read(process))

    async def last(self) -> str:
        """The last line of all, once the process has ended."""
        # A process of its own that the engine left behind may hold the pipe open.
        await asyncio.wait([self._reading], timeout=1.0)
        return next((line.strip() for line in reversed(self._tail.splitlines()) if line.strip()), "")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - it was started with a pipe
        while piece := await process.stderr.read(4096):
            text = piece.decode(errors="replace")
            self._tail = (self._tail + text)[-_TAIL_CHARACTERS:]
            _log.info("engine %d: %s", process.pid, text.rstrip())


async def _spawn(launch: Launch, port: int, token: str) -> asyncio.subprocess.Process:
    try:
        process = await asyncio.create_subprocess_exec(
            # -P: a file that lies where the program was called is not to be taken for a package.
            launch.python, "-P", "-m", "synth.worker.main",
            "--port", str(port), "--engine", launch.engine, "--snapshot", str(launch.snapshot),
            "--thrift", str(launch.thrift), *_proven(launch.proof),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
            env=_variables(launch),
        )  # fmt: skip
    except OSError as error:
        raise WorkerError(
            f"{launch.python} can't be started: {error.strerror}",
            remedy="install the engine's environment again",
        ) from error
    assert process.stdin is not None  # noqa: S101 - it was started with a pipe
    process.stdin.write(token.encode() + b"\n")
    process.stdin.close()
    return process


def _variables(launch: Launch) -> dict[str, str]:
    given = os.environ if launch.environment is None else launch.environment
    decided = any(name in given for name in _WAITING)
    ours = {name: value for name, value in launch.defaults.items() if not (decided and name in _WAITING)}
    return {**ours, **given}


def _proven(proof: Proof | None) -> tuple[str, ...]:
    return () if proof is None else ("--manifest", str(proof.manifest), "--holding", proof.holding)


def _assert_meant(hello: Hello, proof: Proof | None) -> None:
    """What the worker hashed is the version that was meant: so the digest in every answer is that of the bytes that spoke."""
    if proof is not None and hello.digest != proof.digest:
        raise IntegrityError(
            f"what was loaded hashes to {hello.digest[:12]!a}, and {proof.digest[:12]} was meant",
            remedy="run `indextts-hub doctor`; until then the version does not speak",
        )


async def _call(calls: "asyncio.Queue[_Call]", process: asyncio.subprocess.Process, words: _Words) -> _Call:
    call = asyncio.create_task(calls.get())
    death = asyncio.create_task(_death(process, words, patience=None))
    try:
        await asyncio.wait([call, death], return_when=asyncio.FIRST_COMPLETED)
        if call.done():
            return call.result()
        raise death.result()
    finally:
        call.cancel()
        death.cancel()


async def _knocks(frames: asyncio.StreamReader, token: str) -> bool:
    try:
        async with asyncio.timeout(_KNOCK_TIMEOUT):
            frame = await _read(frames)
    except (TimeoutError, EOFError, ConnectionError, WorkerDied):
        return False
    return isinstance(frame, Knock) and frame.protocol == PROTOCOL and hmac.compare_digest(frame.token, token)


async def _read(frames: asyncio.StreamReader) -> Frame:
    try:
        return decode(await frames.readexactly(body_length(await frames.readexactly(HEADER))))
    except WireError:
        raise _nonsense() from None


async def _end(process: asyncio.subprocess.Process, words: _Words) -> None:
    with contextlib.suppress(ProcessLookupError):
        if not await _ends_within(process, _GRACE / 3):
            process.terminate()
        if not await _ends_within(process, _GRACE):
            process.kill()
            await process.wait()
    await words.last()


async def _ends_within(process: asyncio.subprocess.Process, seconds: float) -> bool:
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _death(process: asyncio.subprocess.Process, words: _Words, *, patience: float | None = _GRACE) -> WorkerDied:
    try:
        status = await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        process.kill()
        status = await process.wait()
    last = await words.last()
    # A negative status is the number of the signal, where there are signals.
    if status == -9:
        why, remedy = "was killed", "if the machine ran out of memory, give it more or serve fewer versions"
    else:
        why, remedy = f"ended with status {status}", "see the service's log for the engine's own words"
    return WorkerDied(f"the engine's process {why}{': ' + last[:300] if last else ''}", remedy=remedy)


def _nonsense() -> WorkerDied:
    return WorkerDied(
        "the engine's process does not speak this program's protocol",
        remedy="install the engine's environment again with this version of indextts-hub",
        code="E_WORKER_PROTOCOL",
    )


_KINDS = {kind.exit_code: kind for kind in (UsageError, NotFound, IntegrityError, StorageError, PolicyError)}


def _error(failed: Failed) -> HubError:
    kind = _KINDS.get(failed.exit_code, WorkerError)
    return kind(failed.message, remedy=failed.remedy, code=failed.code)
