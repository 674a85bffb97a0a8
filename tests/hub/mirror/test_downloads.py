"""What each client may have of the mirror, and what is written down of it."""

import asyncio
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.db.downloads import DownloadRecord, add_downloads, find_downloads
from indextts_hub.db.keys import Scope, create_key
from indextts_hub.db.links import add_link, find_link
from indextts_hub.manifest import Digest
from indextts_hub.mirror.downloads import Downloads, Share, TooManyDownloads, client_of
from indextts_hub.mirror.link_keys import link_keys
from indextts_hub.mirror.links import Conditions, address_of, new_link
from indextts_hub.mirror.recording import Recording
from indextts_hub.mirror.shelf import Shelf
from tests.hub.mirror.lender import FILES, ROOT, Lender, lending

pytestmark = pytest.mark.slow

BODY = FILES["gpt.bin"]
SHA256 = Digest(hashlib.sha256(BODY).hexdigest())
BLOB = f"/hub/blobs/sha256/{SHA256}"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def catalog_of(lender: Lender) -> Path:
    return lender.folder / "mirrors.yaml"


@pytest.fixture
def small_share(lender: Lender) -> Iterator[str]:
    with lending(lender.folder / "cache", catalog_of(lender), "--at-once=2", "--rate=1500000") as address:
        yield address


def test_no_more_is_begun_at_once_than_a_client_may_have_and_what_ends_makes_room(small_share: str) -> None:
    with ExitStack() as opened:
        client = opened.enter_context(httpx2.Client(base_url=small_share, trust_env=False, timeout=30))
        for _ in range(2):
            assert opened.enter_context(client.stream("GET", BLOB)).status_code == 200
        refused = client.get(BLOB)
        assert (refused.status_code, refused.json()["code"]) == (429, "E_DOWNLOADS")
        assert int(refused.headers["retry-after"]) > 0
        # What sends no bytes takes nobody's place.
        assert client.head(BLOB).status_code == 200
        assert client.get("/hub/versions").status_code == 200
    with httpx2.Client(base_url=small_share, trust_env=False, timeout=30) as client:
        until(lambda: client.get(BLOB, headers={"Range": "bytes=0-9"}).status_code == 206)


def test_a_client_gets_its_rate_over_all_of_its_connections_and_right_bytes(small_share: str) -> None:
    bodies: list[bytes] = []

    def fetch() -> None:
        bodies.append(httpx2.get(small_share + BLOB, trust_env=False, timeout=30).content)

    began = time.monotonic()
    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    # 6 MB at 1.5 MB a second for both together; a quarter of a second's worth may come at once.
    assert time.monotonic() - began > 3.0
    assert bodies == [BODY, BODY]


def test_a_link_that_is_refused_for_its_clients_share_is_not_used(lender: Lender, small_share: str) -> None:
    link = new_link("v23", Digest(lender.digest), "gpt.bin", timedelta(hours=1), "nginx", Conditions(uses=1), datetime.now(UTC))
    with closing(open_database(Hub(lender.folder / "cache", catalog_of(lender)).database_url)) as database:
        add_link(database, link)
        url = address_of(link, link_keys(lender.folder / "cache"), "gpt.bin", small_share, link.created)
        with ExitStack() as opened:
            client = opened.enter_context(httpx2.Client(base_url=small_share, trust_env=False, timeout=30))
            for _ in range(2):
                opened.enter_context(client.stream("GET", BLOB))
            assert client.get(url).status_code == 429
            assert (find_link(database, link.id).used, find_link(database, link.id).given) == (0, 0)
        until(lambda: httpx2.get(url, trust_env=False, timeout=30).status_code == 200)
        assert find_link(database, link.id).used == 1


def test_a_range_counts_as_bytes_and_a_first_byte_as_a_file(lender: Lender) -> None:
    cache = lender.folder / "cache"
    with closing(open_database(Hub(cache, catalog_of(lender)).database_url)) as database:
        _, key = create_key(database, "copier", frozenset({Scope.READ}), datetime.now(UTC), None)
        with (
            lending(cache, catalog_of(lender), "--keys") as address,
            httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30) as client,
        ):
            for extent in ("bytes=0-999", "bytes=1000-1499", "bytes=2000-2099"):
                assert client.get(BLOB, headers={"Range": extent}).status_code == 206
            client.get("/indextts/v23/resolve/main/config.yaml").raise_for_status()
            mine: list[dict[str, object]] = []

            def written() -> bool:
                found = client.get("/hub/downloads", params={"since": str(datetime.now(UTC).date())}).json()["downloads"]
                mine[:] = [row for row in found if row["client"].startswith("copier (")]
                return bool(mine) and mine[0]["bytes"] == 1600 + len(FILES["config.yaml"])

            until(written)
            assert [(row["version"], row["files"]) for row in mine] == [("v23", 2)]
            assert client.get("/hub/downloads", params={"until": "2020-01-01"}).json() == {"downloads": []}
            assert client.get("/hub/downloads", params={"since": "yesterday"}).status_code == 422


def test_a_service_that_ends_writes_down_what_it_gave_last(lender: Lender) -> None:
    cache = lender.folder / "cache"
    with closing(open_database(Hub(cache, catalog_of(lender)).database_url)) as database:

        def given() -> int:
            return sum(record.bytes for record in find_downloads(database, None, None, 1000))

        before = given()
        shelf = Shelf(Hub(cache, catalog_of(lender)))
        recording = Recording(shelf, database, 3600)

        async def served() -> None:
            task = asyncio.create_task(recording.run())
            await asyncio.sleep(0)
            shelf.downloads.note("10.0.0.7", SHA256, 700, first=True)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(served())
        assert given() == before + 700
        assert recording.totals["v23"].bytes == 700


def test_what_can_not_be_written_down_now_is_written_later(
    lender: Lender, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(Hub(lender.folder / "cache", catalog_of(lender)))
    with closing(open_database(f"sqlite:///{tmp_path}/hub.sqlite3")) as database:
        recording = Recording(shelf, database, 0.01)
        with database.session() as session:
            session.connection().exec_driver_sql("ALTER TABLE download RENAME TO elsewhere")

        async def served() -> None:
            task = asyncio.create_task(recording.run())
            shelf.downloads.note("10.0.0.7", SHA256, 5, first=True)
            for _ in range(200):
                if "not written down yet" in caplog.text:
                    break
                await asyncio.sleep(0.05)
            with database.session() as session:
                session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO download")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(served())
        assert "not written down yet" in caplog.text
        assert [(row.version, row.bytes) for row in find_downloads(database, None, None, 10)] == [("v23", 5)]
    assert recording.totals["v23"].bytes == 5


def test_days_are_added_up_for_each_client_and_version(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/hub.sqlite3")) as database:
        one = DownloadRecord(date(2026, 5, 1), "v23", "10.0.0.7", 1, 100)
        add_downloads(database, [one, one, DownloadRecord(date(2026, 5, 2), "v23", "10.0.0.7", 0, 7)])
        add_downloads(database, [one, DownloadRecord(date(2026, 5, 1), "lite", "x" * 300, 1, 1)])
        found = find_downloads(database, None, None, 10)
        assert [(row.day.day, row.version, row.client[:8], row.files, row.bytes) for row in found] == [
            (2, "v23", "10.0.0.7", 0, 7),
            (1, "v23", "10.0.0.7", 3, 300),
            (1, "lite", "xxxxxxxx", 1, 1),
        ]
        assert [row.day.day for row in find_downloads(database, date(2026, 5, 1), date(2026, 5, 1), 1)] == [1]


def test_the_command_shows_what_was_given(lender: Lender) -> None:
    cache = lender.folder / "cache"
    with closing(open_database(Hub(cache, catalog_of(lender)).database_url)) as database:
        add_downloads(database, [DownloadRecord(datetime.now(UTC).date(), "v23", "10.9.9.9", 3, 2048)])
    command = [sys.executable, "-m", "cli.main", "mirrors", "downloads", "--cache-dir", str(cache)]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "10.9.9.9" in shown
    told = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    (row,) = [row for row in json.loads(told) if row["client"] == "10.9.9.9"]
    assert (row["version"], row["files"], row["bytes"]) == ("v23", 3, 2048)


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (("10.0.0.7", 4000), "10.0.0.7"),
        (("2001:db8:1:2:aaaa::1", 4000), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:bbbb::9", 4000), "2001:db8:1:2::/64"),
        (("::ffff:10.0.0.7", 4000), "10.0.0.7"),
        (None, ""),
    ],
)
def test_a_client_is_its_address_or_its_network(client: tuple[str, int] | None, name: str) -> None:
    assert client_of({"type": "http", "client": client}) == name


def test_a_key_is_the_client_wherever_it_comes_from() -> None:
    assert client_of({"type": "http", "client": ("10.0.0.7", 1), "state": {"asker": "ci (0a1b2c3d)"}}) == "ci (0a1b2c3d)"


def test_clients_do_not_take_each_others_place() -> None:
    downloads = Downloads(Share(at_once=1))
    with (
        downloads.begin("a", SHA256, first=True),
        downloads.begin("b", SHA256, first=True),
        pytest.raises(TooManyDownloads),
        downloads.begin("a", SHA256, first=True),
    ):
        pass
    with downloads.begin("a", SHA256, first=True):
        assert downloads.piece(1 << 20) == 1 << 20


def test_downloads_step_back_together_while_something_else_is_to_be_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    speaks = False
    downloads = Downloads(gives_way=lambda: speaks)
    with downloads.begin("a", SHA256, first=True) as one, downloads.begin("b", SHA256, first=True) as other:
        assert one.gave(1 << 30) == 0
        speaks = True
        # Half a gigabyte takes the share of two cores nine seconds, whoever gives it.
        assert 8 < one.gave(1 << 29) < 10
        assert 16 < other.gave(1 << 29) < 20
        speaks = False
        assert other.gave(1 << 30) == 0
