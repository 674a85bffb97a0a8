"""How much one asker may have: requests in a time, and seconds of speech in a time. The windows are the library `limits`'."""

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from indextts_hub.errors import Busy, UsageError

__all__ = ["Allowance", "Limited", "Limits"]


class Limited(Busy):
    """The asker has had what it may have for now. `retry_after` says in how many whole seconds there is more."""

    default_code = "E_LIMIT"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, remedy=f"try again in {retry_after} s, or ask for a larger allowance")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Allowance:
    """What each asker may have; empty is without bound.

    Attributes:
        requests: such as `60/minute`.
        speech: seconds of speech, such as `3600/day`.
    """

    requests: str = ""
    speech: str = ""


class Limits:
    """What askers had of late. Kept in memory: a service that starts again begins anew."""

    def __init__(self, allowance: Allowance) -> None:
        """Raises UsageError, E_LIMIT_FORM, if an allowance can't be read."""
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._requests = _parsed(allowance.requests)
        self._speech = _parsed(allowance.speech)

    def take(self, asker: str) -> None:
        """Count a request.

        Raises:
            Limited: it is one too many, or the asker's speech is used up.
        """
        if self._speech is not None and not self._windows.test(self._speech, "speech", asker):
            used_up = f"{self._speech.amount} seconds of speech {_per(self._speech)} are used up"
            raise Limited(used_up, self._wait(self._speech, asker))
        if self._requests is not None and not self._windows.hit(self._requests, "requests", asker):
            raise Limited(f"more than {self._requests.amount} requests {_per(self._requests)}", self._wait(self._requests, asker))

    def spoke(self, asker: str, seconds: float) -> None:
        """Count what was spoken; the last request may go beyond the allowance."""
        if self._speech is None:
            return
        left = self._windows.get_window_stats(self._speech, "speech", asker).remaining
        cost = min(math.ceil(seconds), left)
        if cost:
            self._windows.hit(self._speech, "speech", asker, cost=cost)

    def _wait(self, window: RateLimitItem, asker: str) -> int:
        name = "speech" if window is self._speech else "requests"
        return max(1, math.ceil(self._windows.get_window_stats(window, name, asker).reset_time - time.time()))


def _parsed(text: str) -> RateLimitItem | None:
    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        raise UsageError(
            f"{text[:40]!r} is no limit", remedy="write a number and a time, such as 60/minute or 3600/day", code="E_LIMIT_FORM"
        ) from None


def _per(window: RateLimitItem) -> str:
    name = window.GRANULARITY.name
    return f"per {name}" if window.multiples == 1 else f"per {window.multiples} {name}s"
