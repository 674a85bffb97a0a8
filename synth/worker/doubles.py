"""Doubles of an engine: processes that the worker's own forks once the engine is loaded, and that speak beside each other.

Threads of one interpreter wait for each other between any two operations: on two processors two of them spoke 1.6 times what one
does, two doubles 1.9 times. They share the memory of what was loaded, and hold what they compute themselves.

The service knows the worker's process alone. That one hands each segment to a double, and what the double says to the service, in
the words of `synth.worker.wire`. A double that dies takes the worker with it, in the same way; without the worker they end, too.
Linux: elsewhere a process can't be forked, or not once it has used the system's own libraries.
"""

import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import NoReturn

from synth.engines.protocol import Capabilities, Engine, Segment, SegmentSpeech, Settings
from synth.worker.speaking import EngineFailed, Line, receive, speak
from synth.worker.wire import Cancel, Cancelled, Done, Failed, Frame, SegmentReady, Speak, WireError, encode

__all__ = ["CAN_FORK", "Double", "doubles"]

CAN_FORK = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Double:
    """The engine in another process, for one segment at a time."""

    capabilities: Capabilities
    _pid: int
    _connection: socket.socket
    _numbers: "count[int]"

    def speak(self, segment: Segment, settings: Settings) -> SegmentSpeech:
        """Speak one segment.

        Raises:
            EngineFailed: what the engine said.
        """
        pieces = list(self.stream(segment, settings))
        return replace(pieces[0], samples=b"".join(piece.samples for piece in pieces), ends=True)

    def stream(self, segment: Segment, settings: Settings) -> Generator[SegmentSpeech]:
        """Speak one segment, in the pieces that the engine gives it out in. Leaving early stops it before its next piece.

        Raises:
            EngineFailed: what the engine said.
        """
        task, over = str(next(self._numbers)), False
        self._send(Speak(task, (segment,), settings))
        try:
            while not over:
                match self._receive():
                    case SegmentReady(speech=speech):
                        yield speech
                    case Failed() as failed:
                        over = True
                        raise EngineFailed(failed)
                    case _:
                        over = True
        finally:
            if not over:
                self._send(Cancel(task))
                while not isinstance(self._receive(), Done | Cancelled | Failed):
                    pass

    def _send(self, frame: Frame) -> None:
        try:
            self._connection.sendall(encode(frame))
        except OSError:
            _die_like(self._pid)

    def _receive(self) -> Frame:
        try:
            return receive(self._connection)
        except (OSError, EOFError, WireError):
            _die_like(self._pid)


def doubles(engine: Engine, line: Line) -> list[Engine]:
    """As many as the engine speaks at once, so that the worker's process itself only listens and hands on; itself if that is one.

    Args:
        line: to the service, which the doubles do not keep open.
    """
    if engine.capabilities.at_once == 1:
        return [engine]
    made: list[Double] = []
    for _ in range(engine.capabilities.at_once):
        here, there = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            for other in (here, *(double._connection for double in made)):  # noqa: SLF001 - its own class's
                other.close()
            _be_double(engine, line, there)
        there.close()
        made.append(Double(engine.capabilities, pid, here, count()))
    return list(made)


def _be_double(engine: Engine, line: Line, connection: socket.socket) -> NoReturn:
    try:
        line.close()
        mine = Line(connection)
        threading.Thread(target=mine.listen, name="listen", daemon=True).start()
        speak(engine, mine, lambda: None)
    except BaseException as error:  # noqa: BLE001 - nothing of what the worker itself would do next may happen here
        traceback.print_exception(error)
    finally:
        os._exit(1)


def _die_like(pid: int) -> NoReturn:
    """End this process as that one has ended; if it has not, but talks nonsense, it ends here."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.stderr.flush()
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(abs(status))
