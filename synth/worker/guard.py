"""What an engine's process may not do: talk to anybody, and unpickle classes that no checkpoint needs.

An audit hook (PEP 578) sees it before it happens, whatever library does it, and stays until the process ends. It is no wall: code
in C can go round it. It keeps honest libraries from asking the network behind their users' backs, and shows that they tried; that
no file runs code is the gate's part.
"""

import sys

from indextts_hub.gate.allowed import TORCH

__all__ = ["Forbidden", "watch"]

_TALKS = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
    }
)

# What numba compiled it keeps as pickles beside the packages; it reads no file of a version.
_OWN_CACHES = ("numba.", "llvmlite.")


class Forbidden(RuntimeError):
    """An engine's code did what it may not."""


def watch() -> None:
    """Forbid it from now on. Connections that are open go on."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if event in _TALKS:
        raise Forbidden(f"the engine tried to use the network ({event})")
    if event == "pickle.find_class":
        module, name = str(arguments[0]), str(arguments[1])
        reader = str(sys._getframe(1).f_globals.get("__name__", ""))  # noqa: SLF001 - who unpickles is known nowhere else
        if f"{module}.{name}" not in TORCH.names and not reader.startswith(_OWN_CACHES):
            raise Forbidden(f"the engine tried to unpickle {module}.{name}")
