"""How fast and how often: a rate over all connections, and how long to wait before asking again."""

import random
import threading
import time
from collections.abc import Callable

__all__ = ["Bucket", "backoff"]

# First wait, and the longest between two tries of one mirror.
FIRST_WAIT = 0.4
LONGEST_WAIT = 30.0
# How much may be taken at once after a silence: enough that readers are not woken for a few bytes.
BURST_SECONDS = 0.25


class Bucket:
    """A rate in bytes a second, shared by all who take from it. Safe to use from several threads."""

    def __init__(self, rate: float | None, clock: Callable[[], float] = time.monotonic, burst: float = BURST_SECONDS) -> None:
        """A bucket that is full.

        Args:
            rate: bytes a second; None: no limit.
            burst: seconds' worth that may be taken at once after a silence.
        """
        self._burst = burst
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._ready = clock()

    def wait_for(self, count: int) -> float:
        """Account for `count` bytes and return how many seconds to sleep before moving them."""
        if self._rate is None:
            return 0.0
        with self._lock:
            now = self._clock()
            self._ready = max(self._ready, now - self._burst) + count / self._rate
            return max(0.0, self._ready - now)


def backoff(failures: int, rng: random.Random) -> float:
    """Seconds to wait after that many failures in a row: doubling, with full jitter, so that clients do not come back together."""
    return rng.uniform(0.5, 1.0) * min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 10))
