"""Memory of this machine and of its processes, where the system tells (Linux: proc(5)); None where it does not."""

import os
from pathlib import Path

__all__ = ["oom_kills", "resident"]


def resident(pid: int | None) -> int | None:
    """Bytes of memory that a process holds."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def oom_kills() -> int | None:
    """How many processes the system has killed for want of memory since it was started."""
    try:
        lines = Path("/proc/vmstat").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except (OSError, ValueError, StopIteration):
        return None
