"""What a hub says of its mirrors and of what was done there."""

import httpx2
import pytest

from tests.hub.mirror.lender import FILES, Lender


def test_the_mirrors_are_listed_with_how_they_did(client: httpx2.Client) -> None:
    found = {mirror["name"]: mirror for mirror in client.get("/hub/mirrors").json()}
    assert set(found) == {"usb", "hf", "ms"}
    assert found["usb"]["kind"] == "file"
    assert found["usb"]["successes"] > 0
    assert found["usb"]["bytes_per_second"] > 0
    assert (found["hf"]["successes"], found["hf"]["latency_seconds"]) == (0, None)


def test_what_each_mirror_gave_to_the_last_pulls_is_told(client: httpx2.Client) -> None:
    found = {mirror["name"]: mirror["pulls"] for mirror in client.get("/hub/mirrors").json()}
    (pull,) = found["usb"]
    assert (pull["version"], pull["bytes"], pull["errors"]) == ("v23", sum(map(len, FILES.values())), [])
    assert pull["bytes_per_second"] > 0
    assert found["hf"] == []


def test_a_mirror_is_tried_when_somebody_asks(client: httpx2.Client) -> None:
    tried = client.post("/hub/mirrors/usb/test").json()
    assert (tried["ok"], tried["error"]) == (True, None)
    assert tried["bytes_per_second"] > 0
    refused = client.post("/hub/mirrors/absent/test")
    assert (refused.status_code, refused.json()["code"]) == (404, "E_NO_MIRROR")


def test_what_was_done_is_searched_the_latest_first(client: httpx2.Client, lender: Lender) -> None:
    events = client.get("/hub/audit").json()["events"]
    assert [event["seq"] for event in events] == sorted((event["seq"] for event in events), reverse=True)
    (pull,) = client.get("/hub/audit", params={"act": "pull"}).json()["events"]
    assert (pull["subject"], pull["outcome"]) == (f"v23@sha256:{lender.digest}", "done")
    assert client.get("/hub/audit", params={"act": "pull", "since": "2999-01-01"}).json()["events"] == []
    assert client.get("/hub/audit", params={"until": pull["at"], "act": "pull"}).json()["events"] == []
    assert len(client.get("/hub/audit", params={"limit": 1}).json()["events"]) == 1


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10_000}, {"since": "yesterday"}, {"until": "1700000000"}])
def test_a_search_that_can_not_be_meant_is_refused(client: httpx2.Client, query: dict[str, str]) -> None:
    assert client.get("/hub/audit", params=query).status_code == 422


def test_what_is_known_of_a_version_is_told_as_the_command_reports_it(client: httpx2.Client, lender: Lender) -> None:
    told = client.get(f"/hub/report/v23@sha256:{lender.digest}").json()
    assert (told["version"], told["digest"]) == ("v23", lender.digest)
    assert [event["act"] for event in told["events"]] == ["pull"]
    assert {file["path"] for file in told["files"]} == set(FILES)
    absent = client.get("/hub/report/nothing")
    assert (absent.status_code, absent.json()["code"]) == (404, "E_NO_VERSION")
