"""How a process speaks for another: one thread listens to what it is asked for, others speak segment after segment and send it.

So does the worker's process for the service, and so does a double (`synth.worker.doubles`) for the worker. When the other side
closes the connection, or dies, this process ends at once. Standard library and msgpack only.
"""

import os
import socket
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from typing import NoReturn

from indextts_hub.errors import HubError
from synth.engines.protocol import Engine, Segment, SegmentSpeech, Settings, StreamingEngine
from synth.worker.wire import HEADER, Cancel, Failed, Frame, SegmentReady, Speak, WireError, body_length, decode, encode
from synth.worker.work import Task, Work

__all__ = ["EngineFailed", "Line", "end", "failed", "receive", "speak"]


class EngineFailed(Exception):
    """An engine in another process failed, and said so."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.failed = failed


def speak(engine: Engine, line: "Line", look: Callable[[], None]) -> NoReturn:
    """Speak segment after segment, on one of the threads that do.

    Args:
        look: sees that the engine's files are still what they were, or raises a `HubError`.
    """
    while True:
        task, index = line.work.next()
        failure = None
        try:
            _look(task, line, look)
            with closing(_pieces(engine, task.asked.segments[index], task.asked.settings)) as pieces:
                for piece in pieces:
                    if task.left is not None:
                        break
                    _look(task, line, look)
                    line.send(SegmentReady(task.asked.task, index, piece))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is told
            failure = failed(task.asked.task, error)
        line.say(line.work.spoken(task, failure))


def _pieces(engine: Engine, segment: Segment, settings: Settings) -> Generator[SegmentSpeech]:
    if isinstance(engine, StreamingEngine):
        yield from engine.stream(segment, settings)
    else:
        yield engine.speak(segment, settings)


def _look(task: Task, line: "Line", look: Callable[[], None]) -> None:
    """Say nothing more with weights that somebody wrote to: the next worker hashes them again."""
    try:
        look()
    except HubError as error:
        line.send(failed(task.asked.task, error))
        end()


def failed(task: str | None, error: Exception) -> Failed:
    """What is said of an error; one that nobody expected goes to standard error as a whole."""
    if isinstance(error, EngineFailed):
        return replace(error.failed, task=task)
    if isinstance(error, HubError):
        return Failed(task, error.exit_code, error.code, error.message, error.remedy)
    import traceback

    traceback.print_exception(error)
    if _is_want_of_memory(error):
        return Failed(task, 1, "E_MEMORY", "the engine ran out of memory", "give the machine more, or send shorter sentences")
    said = f"the engine failed: {type(error).__name__}: {error}"
    return Failed(task, 1, "E_ENGINE", said[:500], "see the service's log for the engine's own words")


def _is_want_of_memory(error: Exception) -> bool:
    # torch raises a RuntimeError of these words on a processor, and an OutOfMemoryError of its own on a GPU.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)


class Line:
    """The connection to who asks: frames out from the threads that speak, frames in on a thread of their own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self.work = Work()

    def close(self) -> None:
        """Let go of it here; a process that this one was forked from keeps it."""
        self._connection.close()

    def send(self, frame: Frame) -> None:
        """Send a frame, whole; this process ends if there is nobody any more."""
        whole = encode(frame)
        try:
            with self._sending:
                self._connection.sendall(whole)
        except OSError:
            end()

    def say(self, end: Frame | None) -> None:
        """Send the end of a task, if it has come."""
        if end is not None:
            self.send(end)

    def listen(self) -> None:
        """Take what is asked for until whoever asks is gone; then end the process, whatever the engine is doing."""
        try:
            while True:
                frame = receive(self._connection)
                if isinstance(frame, Speak):
                    self.say(self.work.add(frame))
                elif isinstance(frame, Cancel):
                    self.say(self.work.cancel(frame.task))
        except (OSError, WireError, EOFError):
            end()


def receive(connection: socket.socket) -> Frame:
    """Wait for a frame.

    Raises:
        EOFError: there is nobody any more.
        WireError: it is none.
    """
    return decode(_received(connection, body_length(_received(connection, HEADER))))


def _received(connection: socket.socket, count: int) -> bytes:
    got = bytearray()
    while len(got) < count:
        more = connection.recv(count - len(got))
        if not more:
            raise EOFError
        got += more
    return bytes(got)


def end() -> NoReturn:
    """End this process at once."""
    # The engine may be deep in a computation that no exception reaches, and has nothing to lose.
    sys.stderr.flush()
    os._exit(0)
