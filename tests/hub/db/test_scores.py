"""What was learned of a mirror is known in the next pull."""

import pytest

from indextts_hub.db import Database
from indextts_hub.db.scores import read_mirror_records
from indextts_hub.transfer.remembered import remembered_scores
from indextts_hub.transfer.scores import Score

NOON = 1_795_000_000.0


def test_scores_are_read_back_by_the_next_pull(database: Database) -> None:
    slow, lying = Score().succeeded(0.2, 1e6), Score().lied(NOON)
    with remembered_scores(database) as scores:
        assert scores.get("slow") == Score()
        scores.put("slow", slow)
        scores.put("lying", lying)
    with remembered_scores(database) as scores:
        assert (scores.get("slow"), scores.get("lying")) == (slow, lying)
        scores.put("slow", slow.failed(NOON))
    with remembered_scores(database) as scores:
        assert scores.get("slow").failures == 1
    assert [record.mirror for record in read_mirror_records(database)] == ["lying", "slow"]


def test_what_was_learned_in_a_pull_that_failed_is_kept(database: Database) -> None:
    def fail() -> None:
        with remembered_scores(database) as scores:
            scores.put("slow", Score().failed(NOON))
            raise TimeoutError

    with pytest.raises(TimeoutError):
        fail()
    with remembered_scores(database) as scores:
        assert scores.get("slow").failures == 1
