"""Scores that outlive the process, in the database. Whoever imports this room imports the database with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from indextts_hub.db import Database
from indextts_hub.db.scores import MirrorRecord, read_mirror_records, write_mirror_records
from indextts_hub.transfer.scores import Score

__all__ = ["ScoresInDatabase", "remembered_scores"]


class ScoresInDatabase:
    """Scores as they were when it was made, and what changed since."""

    def __init__(self, records: list[MirrorRecord]) -> None:
        self._scores = {record.mirror: _score(record) for record in records}
        self._changed: set[str] = set()

    def get(self, mirror: str) -> Score:
        """The mirror's score; a fresh one if there is none."""
        return self._scores.get(mirror, Score())

    def put(self, mirror: str, score: Score) -> None:
        """Remember it."""
        self._scores[mirror] = score
        self._changed.add(mirror)

    def changed(self) -> list[MirrorRecord]:
        """What must be written to the database."""
        return [_record(mirror, self._scores[mirror]) for mirror in sorted(self._changed)]


@contextmanager
def remembered_scores(database: Database) -> Iterator[ScoresInDatabase]:
    """Scores from the database, written back at the end in one transaction, also when the transfer failed.

    A chunk's arrival thus waits for no disk; a killed process forgets what it learned.

    Raises:
        Busy, StorageError: as `Database.session`.
    """
    scores = ScoresInDatabase(read_mirror_records(database))
    try:
        yield scores
    finally:
        if changed := scores.changed():
            write_mirror_records(database, changed)


def _score(record: MirrorRecord) -> Score:
    return Score(
        latency=record.latency_seconds,
        rate=record.bytes_per_second,
        successes=record.successes,
        failures=record.failures,
        lies=record.lies,
        closed_until=0.0 if record.closed_until is None else record.closed_until.timestamp(),
    )


def _record(mirror: str, score: Score) -> MirrorRecord:
    return MirrorRecord(
        mirror=mirror,
        latency_seconds=score.latency,
        bytes_per_second=score.rate,
        successes=score.successes,
        failures=score.failures,
        lies=score.lies,
        closed_until=datetime.fromtimestamp(score.closed_until, UTC) if score.closed_until > 0 else None,
    )
