"""A service on a network lets nobody in without a key, and with one only where it is good."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from indextts_hub.db import open_database, sqlite_url
from indextts_hub.db.keys import Scope, check_key, create_key, list_keys, revoke_key
from synth.service.serving import is_loopback
from tests.synth.service.conftest import RunningService, sine_service

NOW = datetime.now(UTC)
ALL = frozenset(Scope)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with sine_service(tmp_path_factory.mktemp("guarded"), "keys") as running:
        yield running


def made(service: RunningService, *scopes: Scope, expires: datetime | None = None) -> tuple[str, str]:
    with closing(open_database(sqlite_url(service.folder / "hub.sqlite3"))) as database:
        record, key = create_key(database, "tests", frozenset(scopes) or ALL, NOW, expires)
    return record.id, key


@pytest.fixture
def client(guarded: RunningService) -> Iterator[httpx2.Client]:
    with guarded.client() as opened:
        yield opened


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


CLOSED = [
    ("POST", "/synthesize"), ("POST", "/v1/audio/speech"), ("GET", "/v1/models"), ("GET", "/api/tasks"), ("GET", "/metrics"),
    ("GET", "/api/tasks/x/audio"), ("GET", "/hub/versions"), ("GET", "/hub/blobs/sha256/" + "0" * 64), ("GET", "/nowhere"),
    ("GET", "/a/b/resolve/main/c"), ("GET", "/healthz/"), ("GET", "/assets/../synthesize"), ("OPTIONS", "/synthesize"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_a_key_everything_is_closed(client: httpx2.Client, method: str, path: str) -> None:
    """A05."""
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "E_KEY_WANTED" in answer.text
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/docs", "/openapi.json"])
def test_what_anybody_may_see_is_open(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code in {200, 503}


def test_a_key_opens_what_it_is_good_for(client: httpx2.Client, guarded: RunningService) -> None:
    """A05."""
    _, speaks = made(guarded, Scope.SPEAK)
    _, reads = made(guarded, Scope.READ)
    assert client.post("/synthesize", json={"text": "你好"}, headers=bearer(speaks)).status_code == 200
    refused = client.post("/synthesize", json={"text": "你好"}, headers=bearer(reads))
    assert (refused.status_code, refused.json()["code"]) == (403, "E_SCOPE")
    assert client.get("/metrics", headers=bearer(reads)).status_code == 200
    assert client.get("/metrics", headers=bearer(speaks)).status_code == 403


def test_openais_clients_hear_of_it_in_their_own_shape(client: httpx2.Client) -> None:
    error = client.post("/v1/audio/speech", json={}, headers=bearer("sk-nothing")).json()["error"]
    assert (error["type"], error["code"]) == ("authentication_error", "E_KEY_REFUSED")


@pytest.mark.parametrize("key", ["x", "ihk_00000000_" + "A" * 43, "ihk_zzzzzzzz_" + "A" * 43, "ihk_" + "0" * 5000])
def test_a_key_that_is_none_is_refused(client: httpx2.Client, key: str) -> None:
    """A05."""
    assert client.get("/v1/models", headers=bearer(key)).status_code == 401


def test_a_key_that_has_expired_or_was_revoked_is_refused(client: httpx2.Client, guarded: RunningService) -> None:
    """A05."""
    _, old = made(guarded, expires=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get("/v1/models", headers=bearer(old)).status_code == 401
    id_, key = made(guarded)
    assert client.get("/v1/models", headers=bearer(key)).status_code == 200
    with closing(open_database(sqlite_url(guarded.folder / "hub.sqlite3"))) as database:
        revoke_key(database, id_, datetime.now(UTC))
    deadline = time.monotonic() + 15
    while client.get("/v1/models", headers=bearer(key)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_a_key_in_an_address_is_refused_even_if_it_is_good(client: httpx2.Client, guarded: RunningService) -> None:
    """A05: addresses stand in logs and histories."""
    _, key = made(guarded)
    answer = client.get("/v1/models", params={"key": key}, headers=bearer(key))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "E_KEY_SHOWN")
    assert key not in answer.text
    assert key not in (guarded.folder / "log").read_text()


def test_the_page_signs_in_and_out(client: httpx2.Client, guarded: RunningService) -> None:
    _, key = made(guarded)
    assert client.post("/api/session", json={"key": "ihk_wrong"}).status_code == 401
    answer = client.post("/api/session", json={"key": key})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert key not in cookie
    assert client.get("/api/tasks").status_code == 200
    assert client.get("/api/session").json()["name"] is not None
    own = {"Origin": guarded.address}
    assert client.post("/api/tasks", json={"text": "你好"}, headers=own).status_code == 202
    assert client.delete("/api/session", headers=own).status_code == 204
    assert client.get("/api/tasks").status_code == 401
    assert client.get("/api/session").json() == {"asks": True, "name": None, "scopes": []}


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://evil.example.com"}, {"Origin": "null"}])
def test_another_sites_page_can_not_act_with_a_readers_session(
    client: httpx2.Client, guarded: RunningService, origin: dict[str, str]
) -> None:
    """A09."""
    _, key = made(guarded)
    client.post("/api/session", json={"key": key})
    answer = client.post("/api/tasks", json={"text": "你好"}, headers=origin)
    assert (answer.status_code, answer.json()["code"]) == (403, "E_ORIGIN")


def test_only_what_a_key_hashes_to_is_kept(tmp_path: Path) -> None:
    with closing(open_database(sqlite_url(tmp_path / "hub.sqlite3"))) as database:
        record, key = create_key(database, "n", ALL, NOW, None)
        assert check_key(database, key, NOW) == record
        assert check_key(database, key[:-1] + ("A" if key[-1] != "A" else "B"), NOW) is None
        assert list_keys(database) == [record]
    secret = key.split("_", 2)[2].encode()
    assert all(secret not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("::", False),
        ("tts.intranet", False),
    ],
)
def test_only_what_this_machine_alone_can_reach_is_local(host: str, local: bool) -> None:
    assert is_loopback(host) == local
