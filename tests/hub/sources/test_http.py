"""A web server as a mirror: what it is told, and what nobody else is told."""

import hashlib
import urllib.parse
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from indextts_hub.errors import SourceError, UsageError
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, FileEntry
from indextts_hub.paths import portable_path
from indextts_hub.sources import ByteRange, Context, RemoteFile, connect, kind_module
from indextts_hub.sources.http import Entry, Mirror
from indextts_hub.transfer import FilePlan, Plan, ScoresInMemory, Silent, TransferOptions, transfer
from tests.origins.origin import Answer, Asked, Origin, origins, redirect, status

BODY = bytes(range(256)) * 1024
FILE = RemoteFile("folder/a b#c.bin", ByteCount(len(BODY)), Digest(hashlib.sha256(BODY).hexdigest()))


@pytest.fixture
def two() -> Iterator[list[Origin]]:
    with origins({FILE.path: BODY}, {FILE.path: BODY}) as servers:
        yield servers


def fetched(mirror: Mirror, environment: dict[str, str] | None = None) -> bytes:
    source = connect("cdn", mirror, Entry(mirror="cdn"), Context(environment or {}, idle_seconds=1.0))
    whole, view = bytearray(), memoryview(bytearray(1 << 16))
    with source.open(FILE, ByteRange(0, FILE.size)) as body:
        while count := body.readinto(view):
            whole += view[:count]
    source.close()
    return bytes(whole)


def test_a_path_is_quoted_and_tokens_and_headers_are_sent(two: list[Origin]) -> None:
    mirror = Mirror(kind="http", base=f"{two[0].url}/", headers={"Referer": "https://www.example.com/"}, token_env="TOKEN")
    assert fetched(mirror, {"TOKEN": "planted-secret"}) == BODY
    asked = two[0].requests[0]
    assert asked.path == FILE.path
    assert asked.headers["referer"] == "https://www.example.com/"
    assert asked.headers["authorization"] == "Bearer planted-secret"


def test_another_host_behind_a_redirect_gets_no_secret(two: list[Origin]) -> None:
    """N11."""
    two[0].faults["*"] = redirect(f"{two[1].url}/{urllib.parse.quote(FILE.path)}")
    mirror = Mirror(kind="http", base=two[0].url, headers={"X-Company-Key": "planted-key"}, token_env="TOKEN")
    assert fetched(mirror, {"TOKEN": "planted-secret"}) == BODY
    assert "planted" in str(two[0].requests[0].headers)
    assert "planted" not in str(two[1].requests[0].headers)


def test_a_missing_secret_is_named_and_nothing_is_asked(two: list[Origin]) -> None:
    """N24."""
    with pytest.raises(UsageError, match="CDN_TOKEN"):
        fetched(Mirror(kind="http", base=two[0].url, token_env="CDN_TOKEN"))
    assert two[0].requests == []


def guarded(secret: str) -> object:
    """A server that wants nginx's secure_link, as its module computes it."""

    def fault(asked: Asked, answer: Answer) -> Answer:
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(asked.target).query))
        said = f"{query.get('expires')}/{asked.path} {secret}"
        right = urlsafe_b64encode(hashlib.md5(said.encode()).digest()).decode().rstrip("=")
        return answer if query.get("md5") == right else status(403)(asked, answer)

    return fault


def test_addresses_are_signed_as_the_server_wants_them(two: list[Origin]) -> None:
    two[0].faults["*"] = guarded("secret")  # type: ignore[assignment]
    signing = {"scheme": "nginx", "key_env": "CDN_KEY"}
    mirror = Mirror.model_validate({"kind": "http", "base": two[0].url, "signing": signing})
    assert fetched(mirror, {"CDN_KEY": "secret"}) == BODY
    with pytest.raises(SourceError, match="403"):
        fetched(mirror, {"CDN_KEY": "wrong"})


def test_a_link_that_runs_out_in_the_middle_is_signed_anew(two: list[Origin], tmp_path: Path) -> None:
    """N23."""
    two[0].faults["*"] = lambda asked, answer: status(403)(asked, answer) if asked.number == 2 else answer
    size = 64 << 10
    chunks = tuple(Digest(hashlib.sha256(BODY[at : at + size]).hexdigest()) for at in range(0, len(BODY), size))
    entry = FileEntry(portable_path("model.bin"), FILE.size, FILE.sha256, ChunkDigests(ByteCount(size), chunks))
    source = connect("cdn", Mirror(kind="http", base=two[0].url, max_connections=1), Entry(mirror="cdn"), Context({}))
    plan = Plan((FilePlan(entry, ((FILE, source),)),))
    (whole,) = transfer(plan, tmp_path, TransferOptions(), ScoresInMemory(), Silent())
    source.close()
    assert whole.path.read_bytes() == BODY
    assert whole.wasted == 0


def test_a_password_is_sent_as_basic_authorization(two: list[Origin]) -> None:
    mirror = Mirror(kind="http", base=two[0].url, basic_env="LOGIN")
    assert fetched(mirror, {"LOGIN": "user:planted"}) == BODY
    assert two[0].requests[0].headers["authorization"] == "Basic dXNlcjpwbGFudGVk"


@pytest.mark.parametrize(("hours", "named"), [(-2, "120 minutes ahead of"), (3, "180 minutes behind"), (0, None)])
def test_a_refusal_that_a_wrong_clock_explains_names_the_clock(two: list[Origin], hours: int, named: str | None) -> None:
    """N35: a signed address, and a mirror whose clock says something else."""
    date = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)
    two[0].faults["*"] = status(403, headers={"Date": date})
    with pytest.raises(SourceError) as refused:
        fetched(
            Mirror.model_validate({"kind": "http", "base": two[0].url, "signing": {"scheme": "nginx", "key_env": "K"}}), {"K": "k"}
        )
    if named is None:
        assert "clock" not in refused.value.message + refused.value.remedy
    else:
        assert named in refused.value.message
        assert "clock" in refused.value.remedy


def test_another_hub_gives_a_blob_by_its_digest_whatever_its_name() -> None:
    module = kind_module("hub")
    with Origin({f"base/hub/blobs/sha256/{FILE.sha256}": BODY}) as origin:
        mirror = module.Mirror.model_validate({"kind": "hub", "endpoint": f"{origin.url}/base", "token_env": "HUB_KEY"})
        source = connect("intranet", mirror, module.Entry(mirror="intranet"), Context({"HUB_KEY": "planted"}))
        view = memoryview(bytearray(100))
        with source.open(FILE, ByteRange(5, 9)) as body:
            assert bytes(view[: body.readinto(view)]) == BODY[5:9]
        source.close()
    assert origin.requests[0].headers["authorization"] == "Bearer planted"


def test_an_address_is_shown_only_where_anybody_may_ask() -> None:
    plain = connect("cdn", Mirror(kind="http", base="https://x/tts/"), Entry(mirror="cdn"), Context({}))
    assert plain.address(FILE) == "https://x/tts/folder/a%20b%23c.bin"
    for more in ({"headers": {"Referer": "r"}}, {"token_env": "K"}, {"signing": {"scheme": "nginx", "key_env": "K"}}):
        mirror = Mirror.model_validate({"kind": "http", "base": "https://x/tts", **more})
        assert connect("cdn", mirror, Entry(mirror="cdn"), Context({"K": "k"})).address(FILE) is None
