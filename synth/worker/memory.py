"""Memory of this machine and of its processes, where the system tells (Linux: proc(5)); None where it does not."""

import os
from pathlib import Path

__all__ = ["held", "oom_kills", "resident"]


def held(pid: int | None) -> int | None:
    """Bytes of memory that a process and its children hold; what several hold together is counted once. Takes 10 ms each."""
    try:
        return sum(_share(process) for process in _family(pid))
    except (OSError, ValueError):
        return None


def resident(pid: int | None) -> int | None:
    """Bytes of memory that are there for a process and its children, what they share for each; takes no time. For its growth."""
    try:
        pages = (Path(f"/proc/{process}/statm").read_text("ascii").split()[1] for process in _family(pid))
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _family(pid: int | None) -> tuple[str, ...]:
    return (str(pid), *Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split())


def _share(pid: str) -> int:
    """Bytes that a process holds, and of those that others hold as well its part."""
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").partition("\nPss:")[2].split()[0]) * 1024


def oom_kills() -> int | None:
    """How many processes the system has killed for want of memory since it was started."""
    try:
        lines = Path("/proc/vmstat").read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    except (OSError, ValueError, StopIteration):
        return None
