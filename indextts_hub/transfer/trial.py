"""Trying a mirror: does it answer, how soon, how fast, and does it serve ranges? What arrives is thrown away."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from indextts_hub.errors import HubError, TooSlow
from indextts_hub.sources import ByteRange, RemoteFile, Source

__all__ = ["Trial", "try_source"]

BUFFER = 256 << 10
# A slow mirror is known to be slow after that long.
LONGEST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Trial:
    """How a mirror did.

    Attributes:
        latency: seconds to the first byte.
        rate: bytes a second over one connection, the wait for the first byte included.
        ranges: whether it serves ranges.
        error: why it can't be used, or None.
    """

    latency: float | None = None
    rate: float | None = None
    ranges: bool | None = None
    error: HubError | None = None

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return self.error is None


def try_source(source: Source, file: RemoteFile, count: int, clock: Callable[[], float] = time.monotonic) -> Trial:
    """Fetch the end of a file, at most `count` bytes and at most 20 seconds of it; from its start where there are no ranges."""
    start = max(0, file.size - count)
    try:
        try:
            latency, rate = _fetched(source, file, ByteRange(start, file.size), clock)
        except HubError as error:
            if error.code != "E_NO_RANGES":
                raise
            latency, rate = _fetched(source, file, ByteRange(0, file.size), clock, count)
            return Trial(latency, rate, ranges=False)
    except HubError as error:
        return Trial(error=error)
    return Trial(latency, rate, ranges=True if start else None)


def _fetched(
    source: Source, file: RemoteFile, extent: ByteRange, clock: Callable[[], float], most: int | None = None
) -> tuple[float, float]:
    buffer, got, began = memoryview(bytearray(BUFFER)), 0, clock()
    wanted = extent.size if most is None else min(most, extent.size)
    with source.open(file, extent) as body:
        first = began
        while got < wanted and clock() - began < LONGEST_SECONDS and (count := body.readinto(buffer[: wanted - got])):
            first = clock() if not got else first
            got += count
        if not got:
            raise TooSlow(f"{source.mirror} gave nothing in {LONGEST_SECONDS:.0f} seconds", remedy="use another mirror")
        return first - began, got / max(clock() - began, 1e-6)
