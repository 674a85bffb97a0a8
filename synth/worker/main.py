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

from synth.engines.protocol import Engine
from synth.worker.doubles import CAN_FORK, doubles
from synth.worker.guard import watch
from synth.worker.speaking import Line, failed, speak
from synth.worker.weights import Holding, hold_weights
from synth.worker.wire import Hello, Knock

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
        line = Line(connection)
        line.send(Knock(token))
        watch()
        threading.Thread(target=line.listen, name="listen", daemon=True).start()
        try:
            with _without_collecting():
                engine, hello, look = _loaded(asked)
            speakers = doubles(engine, line) if CAN_FORK else [engine] * engine.capabilities.at_once
        except Exception as error:  # noqa: BLE001 - whatever an engine raises is told to the service
            line.send(failed(None, error))
            return
        line.send(hello)
        first, *others = speakers
        for other in others:
            threading.Thread(target=speak, args=(other, line, look), name="speak", daemon=True).start()
        speak(first, line, look)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage while the block is run, and never at what it left.

    What an engine imports and loads are a million objects that stay. Python would look through all of them again and again while
    they grow, a second of four, and later in the midst of a sentence, for a quarter of a second; and in each double it would
    write to, and so copy, every page that holds one. No tensor waits for that: a test looks that engines leave none.
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


if __name__ == "__main__":
    main()
