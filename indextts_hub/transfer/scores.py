"""What is remembered of a mirror from one pull to the next, and how that orders them. Pure but for `ScoresInMemory`."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

__all__ = ["Score", "Scores", "ScoresInMemory", "order"]

# How much a new measurement counts against all before: after ten pulls what was measured first weighs 3 %.
NEWEST = 0.3
# After that many failures in a row the circuit is open: the mirror is asked last, until it has had time to recover.
FAILURES = 3
RECOVERY_SECONDS = 600.0
# What is assumed of a mirror that nobody has asked yet: better to try it than one known to be slow.
UNKNOWN_RATE = 8 << 20


@dataclass(frozen=True, slots=True)
class Score:
    """How a mirror did.

    Attributes:
        latency: seconds to the first byte, or None before the first answer.
        rate: bytes a second on one connection, or None.
        successes, failures, lies: how often; failures start from 0 after a success.
        closed_until: when it is asked normally again, in seconds since 1970; 0 if it is now.
    """

    latency: float | None = None
    rate: float | None = None
    successes: int = 0
    failures: int = 0
    lies: int = 0
    closed_until: float = 0.0

    def succeeded(self, latency: float, rate: float) -> "Score":
        """The score after a chunk arrived: seconds to its first byte, bytes a second from then on."""
        return replace(
            self,
            latency=_mixed(self.latency, latency),
            rate=_mixed(self.rate, rate),
            successes=self.successes + 1,
            failures=0,
            closed_until=0.0,
        )

    def failed(self, now: float) -> "Score":
        """The score after an error at `now` in seconds since 1970."""
        failures = self.failures + 1
        return replace(self, failures=failures, closed_until=now + RECOVERY_SECONDS if failures >= FAILURES else self.closed_until)

    def lied(self, now: float) -> "Score":
        """The score after wrong bytes."""
        return replace(self.failed(now), lies=self.lies + 1, closed_until=now + RECOVERY_SECONDS)


class Scores(Protocol):
    """Where scores are kept. Used from one thread at a time."""

    def get(self, mirror: str) -> Score:
        """The mirror's score; a fresh one if there is none."""
        ...

    def put(self, mirror: str, score: Score) -> None:
        """Remember the mirror's score."""
        ...


class ScoresInMemory:
    """Scores of one process."""

    def __init__(self) -> None:
        self._scores: dict[str, Score] = {}

    def get(self, mirror: str) -> Score:
        """The mirror's score."""
        return self._scores.get(mirror, Score())

    def put(self, mirror: str, score: Score) -> None:
        """Remember it."""
        self._scores[mirror] = score


def order(mirrors: Iterable[str], scores: Scores, now: float) -> list[str]:
    """The mirrors, the best first: those that are not recovering, then those that never lied, then the fastest."""

    def worth(mirror: str) -> tuple[bool, bool, float]:
        score = scores.get(mirror)
        return score.closed_until > now, score.lies > 0, -(UNKNOWN_RATE if score.rate is None else score.rate)

    return sorted(mirrors, key=worth)


def _mixed(old: float | None, new: float) -> float:
    return new if old is None else old * (1 - NEWEST) + new * NEWEST
