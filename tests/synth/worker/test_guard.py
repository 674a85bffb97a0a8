"""What an engine's process may not do is stopped before it happens; what engines honestly do goes on."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

BEFORE = """
import asyncio, collections, pickle, socket, urllib.request
import torch
from synth.worker.guard import watch
open_before = socket.socketpair()
harmless = pickle.dumps(collections.OrderedDict(a=1))
evil = b"cos\\nsystem\\n(S'exit 7'\\ntR."
class_of_nobody = b"ccollections\\nUserDict\\n."
watch()
"""


def done(attempt: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BEFORE + attempt], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('huggingface.co', 443)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.socket().bind(('127.0.0.1', 0))",
        "urllib.request.urlopen('http://127.0.0.1:9')",
        "asyncio.run(asyncio.open_connection('127.0.0.1', 9))",
    ],
)
def test_an_engine_reaches_no_network(attempt: str) -> None:
    ended = done(attempt)
    assert ended.returncode == 1
    assert "Forbidden: the engine tried to use the network" in ended.stderr


@pytest.mark.parametrize("attempt", ["pickle.loads(evil)", "pickle.loads(class_of_nobody)", "pickle._loads(evil)"])
def test_an_engine_unpickles_nothing_that_no_checkpoint_needs(attempt: str) -> None:
    ended = done(attempt)
    assert ended.returncode == 1
    assert "Forbidden: the engine tried to unpickle" in ended.stderr


def test_what_is_open_and_what_is_harmless_goes_on() -> None:
    ended = done("open_before[0].sendall(b'x'); assert open_before[1].recv(1) == b'x'; print(pickle.loads(harmless)['a'])")
    assert (ended.returncode, ended.stdout) == (0, "1\n"), ended.stderr
