"""Links that somebody without a key can use, for a while."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.db.links import LinkRecord, add_link, find_link, revoke_link
from indextts_hub.errors import UsageError
from indextts_hub.manifest import Digest
from indextts_hub.mirror.link_keys import link_keys
from indextts_hub.mirror.links import Conditions, address_of, new_link
from indextts_hub.mirror.signed import SCHEMES
from tests.hub.mirror.lender import FILES, Lender, lending, listed

PART = "hf_cache/w2v/weights 中文.bin"


@pytest.fixture(scope="module")
def guarded(lender: Lender) -> Iterator[str]:
    """The address of a service that asks everybody else for keys."""
    with lending(lender.folder / "cache", lender.folder / "mirrors.yaml", "--keys") as address:
        yield address


def made(
    lender: Lender,
    path: str | None = "gpt.bin",
    conditions: Conditions = Conditions(),  # noqa: B008 - a frozen value
    *,
    scheme: str = "nginx",
    age: timedelta = timedelta(),
    life: timedelta = timedelta(hours=1),
) -> LinkRecord:
    link = new_link("v23", Digest(lender.digest), path, life, scheme, conditions, datetime.now(UTC) - age)
    with closing(open_database(Hub(lender.folder / "cache", lender.folder / "mirrors.yaml").database_url)) as database:
        add_link(database, link)
    return link


def address(lender: Lender, link: LinkRecord, base: str, path: str | None = None) -> str:
    return address_of(link, link_keys(lender.folder / "cache"), path or link.path or "gpt.bin", base, link.created)


def asked(url: str, **headers: str) -> httpx2.Response:
    return httpx2.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()}, trust_env=False, timeout=30)


def refused(answer: httpx2.Response, code: str) -> None:
    assert answer.status_code == 403
    assert answer.json()["code"] == code


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_link_needs_no_key_and_nothing_else_is_open(lender: Lender, guarded: str, scheme: str) -> None:
    link = made(lender, PART, scheme=scheme)
    answer = asked(address(lender, link, guarded))
    assert (answer.status_code, answer.content) == (200, FILES[PART])
    assert "attachment" in answer.headers["content-disposition"]
    refused(asked(f"{guarded}/links/{link.id}/gpt.bin"), "E_LINK")
    assert asked(f"{guarded}/hub/versions").status_code == 401
    assert asked(f"{guarded}/{'0' * 32}/ABCDEF/links/../hub/versions").status_code in {401, 403}
    assert asked(f"{guarded}/a/b/links/{link.id}/gpt.bin").status_code == 401


@pytest.mark.skipif(not shutil.which("wget"), reason="wget")
def test_wget_fetches_and_goes_on_with_a_broken_download(lender: Lender, guarded: str, tmp_path: Path) -> None:
    link = made(lender, PART, Conditions(uses=1))
    target = tmp_path / "model.bin"
    target.write_bytes(FILES[PART][:100_000])
    done = subprocess.run(
        ["wget", "-q", "--no-proxy", "-c", "-O", str(target), address(lender, link, guarded)],
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert target.read_bytes() == FILES[PART]


def test_an_end_a_revocation_and_a_changed_address_are_refused(lender: Lender, guarded: str) -> None:
    old = made(lender, age=timedelta(hours=2))
    refused(asked(address(lender, old, guarded)), "E_LINK_ENDED")
    link = made(lender)
    assert asked(address(lender, link, guarded)).status_code == 200
    refused(asked(address(lender, link, guarded).replace("gpt.bin", "config.yaml")), "E_LINK")
    refused(asked(address(lender, link, guarded, "config.yaml")), "E_LINK")  # signed right, but for another file
    refused(asked(address(lender, replace(link, seed="guessed"), guarded)), "E_LINK")
    refused(asked(address(lender, replace(link, id="0" * 16), guarded)), "E_LINK")
    with closing(open_database(Hub(lender.folder / "cache", lender.folder / "mirrors.yaml").database_url)) as database:
        revoke_link(database, link.id, datetime.now(UTC))
    refused(asked(address(lender, link, guarded)), "E_LINK_ENDED")


@pytest.mark.parametrize(("network", "good"), [("127.0.0.1", True), ("127.0.0.0/8", True), ("10.0.0.0/8", False), ("::1", False)])
def test_a_link_for_an_address_is_good_only_there(lender: Lender, guarded: str, network: str, good: bool) -> None:
    answer = asked(address(lender, made(lender, conditions=Conditions(address=network)), guarded), X_Forwarded_For="10.0.0.1")
    assert answer.status_code == (200 if good else 403)


@pytest.mark.parametrize(
    ("referer", "good"),
    [
        ("", True),
        ("https://www.example.com/page", True),
        ("https://docs.example.org:8443/a", True),
        ("https://example.org/", False),
        ("https://www.example.com.evil.net/", False),
        ("https://evil.net/?https://www.example.com/", False),
        ("https://[/", False),
    ],
)
def test_only_pages_of_the_named_sites_may_lead_to_it(lender: Lender, guarded: str, referer: str, good: bool) -> None:
    link = made(lender, conditions=Conditions(referers=("www.example.com", "*.example.org")))
    answer = asked(address(lender, link, guarded), **({"Referer": referer} if referer else {}))
    assert answer.status_code == (200 if good else 403)


def test_a_client_that_names_no_page_is_refused_where_one_is_wanted(lender: Lender, guarded: str) -> None:
    link = made(lender, conditions=Conditions(referers=("www.example.com",), empty_referer=False))
    refused(asked(address(lender, link, guarded)), "E_LINK")


def test_uses_are_counted_also_when_all_come_at_once(lender: Lender, guarded: str) -> None:
    link = made(lender, conditions=Conditions(uses=3))
    with ThreadPoolExecutor(10) as pool:
        statuses = [answer.status_code for answer in pool.map(asked, [address(lender, link, guarded)] * 10)]
    assert sorted(statuses) == [200] * 3 + [403] * 7


def test_going_on_is_no_use_of_its_own_but_nobody_lives_on_it(lender: Lender, guarded: str) -> None:
    link = made(lender, conditions=Conditions(uses=1))
    url, size = address(lender, link, guarded), len(FILES["gpt.bin"])
    assert asked(url, Range="bytes=0-999999").status_code == 206
    assert asked(url, Range="bytes=1000000-").status_code == 206
    refused(asked(url), "E_LINK_ENDED")
    statuses = [asked(url, Range="bytes=1-").status_code for _ in range(3)]
    assert 403 in statuses
    with closing(open_database(Hub(lender.folder / "cache", lender.folder / "mirrors.yaml").database_url)) as database:
        assert find_link(database, link.id).given <= 2 * size


def test_what_a_client_that_left_did_not_get_is_given_back(lender: Lender, guarded: str) -> None:
    link = made(lender, PART, Conditions(uses=1))
    split = urlsplit(address(lender, link, guarded))
    for _ in range(5):  # each takes all but what it reads
        with socket.create_connection((split.hostname or "", split.port or 0)) as leaving:
            leaving.sendall(f"GET {split.path}?{split.query} HTTP/1.1\r\nHost: x\r\nRange: bytes=1-1\r\n\r\n".encode())
            assert leaving.recv(10)
    assert asked(address(lender, link, guarded)).status_code == 200


@pytest.mark.parametrize("scheme", ["nginx", "aliyun-a", "aliyun-b", "tencent-c"])
def test_another_hub_pulls_a_whole_version_by_a_link_as_from_a_cdn(
    lender: Lender, guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    link = made(lender, None, scheme=scheme, life=timedelta(days=90))
    monkeypatch.setenv("LINK_KEY", link_keys(lender.folder / "cache").of(link).value)
    catalog = tmp_path / "mirrors.yaml"
    files = "".join(f"      - {listed(path)}\n" for path in FILES)
    catalog.write_text(
        f'schema: 1\nmirrors:\n  hub: {{kind: http, base: "{guarded}/links/{link.id}", '
        f"signing: {{scheme: {scheme}, key_env: LINK_KEY}}}}\nversions:\n  v23:\n    title: t\n    engine: indextts2\n"
        f"    license: {{name: MIT}}\n    sources: [{{mirror: hub}}]\n    files:\n{files}",
        "utf-8",
    )
    assert Hub(tmp_path / "cache", catalog).pull("v23").digest == lender.digest


@pytest.mark.parametrize(
    ("path", "life", "scheme", "conditions"),
    [
        ("gpt.bin", timedelta(days=8), "nginx", Conditions()),
        ("gpt.bin", timedelta(hours=1), "cloudfront", Conditions()),
        ("gpt.bin", timedelta(hours=1), "nginx", Conditions(address="10.0.0.0/40")),
        ("gpt.bin", timedelta(hours=1), "nginx", Conditions(uses=0)),
        (None, timedelta(hours=1), "nginx", Conditions(uses=1)),
    ],
)
def test_a_link_that_cannot_be_meant_is_not_made(path: str | None, life: timedelta, scheme: str, conditions: Conditions) -> None:
    with pytest.raises(UsageError):
        new_link("v23", Digest("0" * 64), path, life, scheme, conditions, datetime.now(UTC))
