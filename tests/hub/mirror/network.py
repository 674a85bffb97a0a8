"""Machines of their own on one: network namespaces of Linux with switches between them, which reach no other network.

with networks({"inside": {"a": "10.77.0.1", "b": "10.77.0.2"}}) as machines:
    machines["a"].run("ping", "-c1", "10.77.0.2")
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

__all__ = ["ROOT", "Machine", "needs_namespaces", "networks", "running"]

ROOT = Path(__file__).parents[3]
_names = (f"ih{os.getpid()}x{number}" for number in count())


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)


def _can_make_namespaces() -> bool:
    if shutil.which("ip") is None or getattr(os, "geteuid", lambda: 1)() != 0:
        return False
    name = next(_names)
    try:
        _ip("netns", "add", name)
        _ip("-n", name, "link", "add", "br0", "type", "bridge")
    except subprocess.SubprocessError:
        return False
    finally:
        with contextlib.suppress(subprocess.SubprocessError):
            _ip("netns", "del", name)
    return True


needs_namespaces = pytest.mark.skipif(not _can_make_namespaces(), reason="network namespaces want Linux, root and iproute2")


@dataclass(frozen=True)
class Machine:
    """A namespace, and its plugs in the switches."""

    namespace: str
    plugs: Mapping[str, tuple[str, str]]

    def command(self, *arguments: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.command(*arguments)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    def unplug(self, switch: str) -> None:
        namespace, plug = self.plugs[switch]
        _ip("-n", namespace, "link", "set", plug, "down")

    def plug_in(self, switch: str) -> None:
        namespace, plug = self.plugs[switch]
        _ip("-n", namespace, "link", "set", plug, "up")


@contextmanager
def networks(switches: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Machine]]:
    """Machines by name, with an address in each switch that names them. No switch has a way out."""
    with ExitStack() as stack:

        def namespace() -> str:
            name = next(_names)
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            _ip("-n", name, "link", "set", "lo", "up")
            return name

        machines = {name: namespace() for members in switches.values() for name in members}
        plugs: dict[str, dict[str, tuple[str, str]]] = {name: {} for name in machines}
        for number, (switch, members) in enumerate(switches.items()):
            between = namespace()
            _ip("-n", between, "link", "add", "br0", "type", "bridge")
            _ip("-n", between, "link", "set", "br0", "up")
            for name, address in members.items():
                plug = f"to-{name}"
                _ip("-n", between, "link", "add", plug, "type", "veth", "peer", "name", f"eth{number}", "netns", machines[name])
                _ip("-n", between, "link", "set", plug, "master", "br0", "up")
                _ip("-n", machines[name], "addr", "add", f"{address}/24", "dev", f"eth{number}")
                _ip("-n", machines[name], "link", "set", f"eth{number}", "up")
                plugs[name][switch] = (between, plug)
        yield {name: Machine(namespace, plugs[name]) for name, namespace in machines.items()}


@contextmanager
def running(command: Sequence[str], first_line: str = "", log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A program that runs until the block ends; with `first_line` it is waited for until it says something that begins so."""
    with ExitStack() as stack:
        errors = stack.enter_context(log.open("a")) if log else None
        process = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True))
        try:
            if first_line:
                assert process.stdout is not None
                assert process.stdout.readline().startswith(first_line)
            yield process
        finally:
            process.terminate()
            process.wait(20)
