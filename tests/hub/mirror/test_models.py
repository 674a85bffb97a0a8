"""`/hub/models`: what is here and what there is, and what is done with it, over HTTP."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.db.keys import Scope, create_key
from tests.hub.mirror.lender import Lender, lending


@pytest.fixture
def guarded(lender: Lender) -> Iterator[str]:
    """The address of a service that asks for keys."""
    with lending(lender.folder / "cache", lender.folder / "mirrors.yaml", "--keys") as address:
        yield address


def key(lender: Lender, *scopes: Scope) -> dict[str, str]:
    with closing(open_database(Hub(lender.folder / "cache", lender.folder / "mirrors.yaml").database_url)) as database:
        _, secret = create_key(database, "a test", frozenset(scopes), datetime.now(UTC), None)
    return {"Authorization": f"Bearer {secret}"}


def listed(address: str, headers: dict[str, str]) -> dict[str, object]:
    answer = httpx2.get(f"{address}/hub/models", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    document: dict[str, object] = answer.json()
    return document


def model(address: str, headers: dict[str, str], name: str = "v23") -> dict[str, object]:
    models = listed(address, headers)["models"]
    assert isinstance(models, list)
    found: dict[str, object] = next(each for each in models if each["version"] == name)
    return found


def test_who_may_only_read_sees_all_and_changes_nothing(lender: Lender, guarded: str) -> None:
    reader = key(lender, Scope.READ)
    document = listed(guarded, reader)
    assert document["may_change"] is False
    assert model(guarded, reader)["state"] == "complete"
    for path, body in (
        ("models/v23/verify", {}),
        ("models/v23/pin", {"pinned": True}),
        ("aliases/x", {"reference": "v23"}),
        ("gc", {}),
    ):
        answer = httpx2.post(f"{guarded}/hub/{path}", json=body, headers=reader, trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (403, "E_SCOPE")
    assert httpx2.get(f"{guarded}/hub/models", trust_env=False).status_code == 401


def test_a_check_runs_while_others_ask_how_it_goes(lender: Lender, guarded: str) -> None:
    admin = key(lender, Scope.ADMIN, Scope.READ)
    assert listed(guarded, admin)["may_change"] is True
    begun = httpx2.post(f"{guarded}/hub/models/v23/verify", json={}, headers=admin, trust_env=False)
    assert (begun.status_code, begun.json()["kind"]) == (202, "verify")
    deadline = time.monotonic() + 30
    while (act := model(guarded, admin)["act"]) is None or act["state"] == "running":  # type: ignore[index]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (act["state"], act["bytes"], act["bad"]) == ("done", act["total"], [])  # type: ignore[index]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("models/nobody/pull", {}, 404, "E_NO_VERSION"),
        ("models/nobody/verify", {}, 404, "E_NO_VERSION"),
        ("models/v23/stop", {}, 404, "E_NOT_UNDER_WAY"),
        ("models/..%2f..%2fetc/pin", {"pinned": True}, 404, None),
        ("models/v23/pin", {"pinned": "perhaps"}, 422, None),
        ("aliases/stable/rollback", {}, 404, None),
        ("aliases/Big%20Name", {"reference": "v23"}, 422, None),
    ],
)
def test_what_can_not_be_meant_is_a_problem(
    lender: Lender, guarded: str, path: str, body: dict[str, object], status: int, code: str | None
) -> None:
    answer = httpx2.post(f"{guarded}/hub/{path}", json=body, headers=key(lender, Scope.ADMIN), trust_env=False)
    assert answer.status_code == status, answer.text
    if code is not None:
        assert answer.json()["code"] == code
