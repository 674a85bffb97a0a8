"""What one asker may have: requests and seconds of speech."""

from pathlib import Path

import pytest

from indextts_hub.errors import UsageError
from synth.service.limits import Allowance, Limited, Limits
from tests.synth.service.conftest import configured_service


def test_requests_are_counted_for_each_asker() -> None:
    limits = Limits(Allowance(requests="2/minute"))
    limits.take("a")
    limits.take("a")
    with pytest.raises(Limited, match="2 requests per minute") as one_too_many:
        limits.take("a")
    assert 1 <= one_too_many.value.retry_after <= 60
    limits.take("b")


def test_seconds_of_speech_are_counted_and_the_last_may_go_beyond() -> None:
    limits = Limits(Allowance(speech="10/hour"))
    limits.take("a")
    limits.spoke("a", 9.2)
    with pytest.raises(Limited, match="10 seconds of speech per hour"):
        limits.take("a")
    limits.take("b")
    limits.spoke("b", 500)
    with pytest.raises(Limited):
        limits.take("b")


@pytest.mark.parametrize("wrong", ["many", "60", "60/fortnight", "-1/minute"])
def test_a_limit_that_can_not_be_meant_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match="no limit"):
        Limits(Allowance(requests=wrong))


def test_too_much_is_429_with_the_time_to_come_back(tmp_path: Path) -> None:
    with configured_service(tmp_path, requests="2/minute") as service, service.client() as client:
        answers = [client.post("/synthesize", json={"text": "你好"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "E_LIMIT"
        assert 1 <= int(answers[2].headers["retry-after"]) <= 60
        theirs = client.post("/v1/audio/speech", json={"model": "sine", "voice": "alloy", "input": "你好"})
        assert theirs.json()["error"]["type"] == "rate_limit_error"
        # What is refused for itself costs nothing.
        assert client.get("/api/tasks").json()["total"] == 2
