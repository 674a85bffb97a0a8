"""The process an engine runs in: `python -m synth.worker.main --port P --engine MODULE --snapshot FOLDER --thrift N`.

With `--manifest FILE` the engine gets only bytes that were hashed here (`synth.worker.weights`), and the service is told which they
are. Needs the standard library, msgpack and what the engine itself imports, so that it runs in any engine's environment. The first
line of standard input is the token that proves to the service which process is calling. What the engine prints goes to standard
error, never between the frames. When the service closes the connection, or dies, this process ends at once.
"""

import argparse
import gc
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from indextts_hub.errors import HubError
from synth.engines.protocol import Engine, Segment, SegmentSpeech, Settings, StreamingEngine
from synth.worker.guard import watch
from synth.worker.weights import Holding, hold_weights
from synth.worker.wire import (
    HEADER,
    Cancel,
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
from synth.worker.work import Task, Work

__all__ = ["main"]

# The service listens before it starts this process: a connection within the machine takes no time at all, or never comes.
CONNECT_TIMEOUT = 10.0


def main() -> None:
    """Connect, load the engine, and speak until the service is gone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--snapshot", type=Path, required=True)
    parser.add_argument("--thrift", type=int, default=0)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--holding", type=Holding, default=Holding.AUTO)
    asked = parser.parse_args()
    token = sys.stdin.readline().strip()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with socket.create_connection(("127.0.0.1", asked.port), CONNECT_TIMEOUT) as connection:
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = _Line(connection)
        line.send(Knock(token))
        watch()
        threading.Thread(target=line.listen, name="listen", daemon=True).start()
        try:
            with _without_collecting():
                engine, hello, look = _loaded(asked)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is told to the service
            line.send(_failed(None, error))
            return
        line.send(hello)
        for _ in range(1, engine.capabilities.at_once):
            threading.Thread(target=_speak, args=(engine, line, look), name="speak", daemon=True).start()
        _speak(engine, line, look)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage while the block is run, and never at what it left.

    What an engine imports and loads are a million objects that stay. Python would look through all of them again and again while
    they grow, a second of four, and later in the midst of a sentence, for a quarter of a second. No tensor waits for that: a
    test looks that engines leave none.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _loaded(asked: argparse.Namespace) -> tuple[Engine, Hello, Callable[[], None]]:
    """The engine, what is said of it, and how to see that its files are still what they were."""
    load = import_module(asked.engine).load
    if asked.manifest is None:
        engine = load(asked.snapshot, asked.thrift)
        return engine, Hello(engine.capabilities), lambda: None
    # Where memory was short already, nothing is copied that nobody asked to be.
    short = asked.thrift and asked.holding is Holding.AUTO
    weights = hold_weights(asked.snapshot, asked.manifest, Holding.WATCHED if short else asked.holding)
    with weights.laid_out() as folder:
        engine = load(folder, asked.thrift)
    return engine, Hello(engine.capabilities, weights.digest, weights.sealed), weights.assert_unchanged


def _speak(engine: Engine, line: "_Line", look: Callable[[], None]) -> None:
    """Speak segment after segment, on one of the threads that do."""
    while True:
        task, index = line.work.next()
        failure = None
        try:
            _look(task, line, look)
            for piece in _pieces(engine, task.asked.segments[index], task.asked.settings):
                if task.left is not None:
                    break
                _look(task, line, look)
                line.send(SegmentReady(task.asked.task, index, piece))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is told to the service
            failure = _failed(task.asked.task, error)
        line.say(line.work.spoken(task, failure))


def _pieces(engine: Engine, segment: Segment, settings: Settings) -> Iterator[SegmentSpeech]:
    if isinstance(engine, StreamingEngine):
        yield from engine.stream(segment, settings)
    else:
        yield engine.speak(segment, settings)


def _look(task: Task, line: "_Line", look: Callable[[], None]) -> None:
    """Say nothing more with weights that somebody wrote to: the next worker hashes them again."""
    try:
        look()
    except HubError as error:
        line.send(_failed(task.asked.task, error))
        _end()


def _failed(task: str | None, error: Exception) -> Failed:
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


class _Line:
    """The connection to the service: frames out from the threads that speak, frames in on a thread of their own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self.work = Work()

    def send(self, frame: Frame) -> None:
        whole = encode(frame)
        try:
            with self._sending:
                self._connection.sendall(whole)
        except OSError:
            _end()

    def say(self, end: Frame | None) -> None:
        """Send the end of a task, if it has come."""
        if end is not None:
            self.send(end)

    def listen(self) -> None:
        """Take what the service says until it is gone; then end the process, whatever the engine is doing."""
        try:
            while True:
                frame = decode(self._receive(body_length(self._receive(HEADER))))
                if isinstance(frame, Speak):
                    self.say(self.work.add(frame))
                elif isinstance(frame, Cancel):
                    self.say(self.work.cancel(frame.task))
        except (OSError, WireError, EOFError):
            _end()

    def _receive(self, count: int) -> bytes:
        got = bytearray()
        while len(got) < count:
            more = self._connection.recv(count - len(got))
            if not more:
                raise EOFError
            got += more
        return bytes(got)


def _end() -> None:
    # The engine may be deep in a computation that no exception reaches, and has nothing to lose.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
