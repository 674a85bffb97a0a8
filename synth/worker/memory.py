"""Memory of this machine and of its processes, where the system tells (Linux: proc(5)); None where it does not."""

import os
from pathlib import Path

__all__ = ["available", "oom_kills", "resident"]


def resident(pid: int | None) -> int | None:
    """Bytes of memory that a process holds."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def available() -> int | None:
    """Bytes that a new process could take without others being pushed out."""
    kilobytes = _number("/proc/meminfo", "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def oom_kills() -> int | None:
    """How many processes the system has killed for want of memory since it was started."""
    return _number("/proc/vmstat", "oom_kill")


def _number(file: str, name: str) -> int | None:
    try:
        lines = Path(file).read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.split()[0] == name)
    except (OSError, ValueError, IndexError, StopIteration):
        return None
