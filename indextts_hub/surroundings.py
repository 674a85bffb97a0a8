"""What a store and a service need around them: room, memory, a GPU, a way out. Looked at, never changed."""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Surrounding", "available_memory", "look_around", "processors"]

# The largest version of the packaged catalogue is 9 GB, and a pull needs as much again for nothing.
ROOM = 10 * 10**9
# An IndexTTS-2 worker takes about 8 GB; `lite` takes less than one.
MEMORY = 2 * 10**9
ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Surrounding:
    """One thing that was looked at.

    Attributes:
        said: what was found, in a line.
        remedy: what to do about it, or None if it is well.
    """

    name: str
    said: str
    remedy: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it is well."""
        return self.remedy is None


def look_around(root: Path) -> Iterator[Surrounding]:
    """Disk, memory, GPU and proxies; `root` is the store's folder."""
    free = shutil.disk_usage(root).free
    room = None if free >= ROOM else "free some space (`indextts-hub gc --dry-run`), or use another disk with --cache-dir"
    yield Surrounding("disk", f"{free / 1e9:.1f} GB free in {root}", room)
    available = available_memory()
    if available is not None:
        enough = None if available >= MEMORY else "close other programs, or serve `lite` only"
        yield Surrounding("memory", f"{available / 1e9:.1f} GB available", enough)
    yield Surrounding("gpu", _gpu())
    proxies = {scheme: address for scheme, address in urllib.request.getproxies().items() if scheme in {"http", "https"}}
    for scheme, address in sorted(proxies.items()):
        yield _proxy(scheme, address)
    if not proxies:
        yield Surrounding("proxy", "none is set")


def available_memory() -> int | None:
    """Bytes that a new process could take, where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        names = ("SC_PAGE_SIZE", "SC_PHYS_PAGES")
        known = getattr(os, "sysconf_names", {})
        return os.sysconf(names[0]) * os.sysconf(names[1]) if all(name in known for name in names) else None


def _gpu() -> str:
    """What NVIDIA's own program says; other GPUs are found by the engines, which know what they can use."""
    if (program := shutil.which("nvidia-smi")) is None:
        return "no NVIDIA driver; engines use the processor"
    command = [program, "--query-gpu=name,memory.free", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return "the NVIDIA driver does not answer; engines use the processor"
    return "; ".join(line.strip() for line in told.splitlines()) or "the NVIDIA driver sees none"


def _proxy(scheme: str, address: str) -> Surrounding:
    parts = urlsplit(address)
    shown = f"{parts.scheme}://{'***@' if parts.username else ''}{parts.hostname}:{parts.port or 8080}"
    if parts.scheme in {"http", ""} and parts.hostname:
        return Surrounding("proxy", f"{scheme} goes by {shown}")
    return Surrounding(
        "proxy", f"{scheme} would go by {shown}", f"set {scheme.upper()}_PROXY to http://HOST:PORT: no other kind is spoken"
    )


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
