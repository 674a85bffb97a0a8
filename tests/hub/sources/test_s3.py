"""A bucket as a mirror, on a real server that checks signatures: `rclone serve s3`."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from indextts_hub.errors import Lied, Refused, SourceError
from indextts_hub.manifest import ByteCount, Digest, FileEntry
from indextts_hub.paths import portable_path
from indextts_hub.sources import ByteRange, Context, RemoteFile, Source, connect
from indextts_hub.sources.answers import Waiting
from indextts_hub.sources.s3 import Entry, Mirror
from indextts_hub.transfer import FilePlan, Plan, ScoresInMemory, Silent, TransferOptions, transfer
from tests.origins.bucket import KEY, SECRET, bucket_server
from tests.origins.origin import Answer, Origin

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("s3")]

BODY = random.Random(3).randbytes(3_000_000)
FILE = RemoteFile("folder/a b.bin", ByteCount(len(BODY)), Digest(hashlib.sha256(BODY).hexdigest()))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    served = tmp_path_factory.mktemp("s3")
    target = served / "models" / "tts" / FILE.path
    target.parent.mkdir(parents=True)
    target.write_bytes(BODY)
    with bucket_server(served) as address:
        yield address


@pytest.fixture
def source(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    made = made_for(endpoint)
    yield made
    made.close()


def made_for(endpoint: str, **options: object) -> Source:
    mirror = Mirror.model_validate({"kind": "s3", "endpoint": endpoint, "bucket": "models", "region": "us-east-1", **options})
    return connect("company-s3", mirror, Entry(mirror="company-s3", prefix="tts/"), Context({}, idle_seconds=5.0))


def test_a_range_is_exactly_that_range(source: Source) -> None:
    assert source.describe(FILE).size == len(BODY)
    with source.open(FILE, ByteRange(1_000_000, 1_000_100)) as body:
        view = memoryview(bytearray(1000))
        assert bytes(view[: body.readinto(view)]) == BODY[1_000_000:1_000_100]
        assert body.readinto(view) == 0


def test_a_file_is_transferred_whole(source: Source, tmp_path: Path) -> None:
    entry = FileEntry(portable_path("model.bin"), FILE.size, FILE.sha256)
    plan = Plan((FilePlan(entry, ((FILE, source),)),))
    (whole,) = transfer(plan, tmp_path, TransferOptions(), ScoresInMemory(), Silent())
    assert whole.path.read_bytes() == BODY


def test_an_object_of_another_size_is_a_lie(source: Source) -> None:
    """N34: the ETag is never asked; the size must be the manifest's."""
    longer = RemoteFile(FILE.path, ByteCount(len(BODY) + 5), FILE.sha256)
    with pytest.raises(Lied), source.open(longer, ByteRange(0, 100)):
        pass
    with pytest.raises(SourceError), source.open(longer, ByteRange(len(BODY) + 1, len(BODY) + 5)):
        pass


def test_what_is_not_there_is_said_to_be_absent(source: Source) -> None:
    with pytest.raises(SourceError) as refused, source.open(RemoteFile("nothing", FILE.size, FILE.sha256), ByteRange(0, 1)):
        pass
    assert refused.value.code == "E_NOT_THERE"


def test_wrong_credentials_are_refused_and_the_variables_named(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """N24."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    source = made_for(endpoint)
    with pytest.raises(Refused) as refused, source.open(FILE, ByteRange(0, 1)):
        pass
    source.close()
    assert "AWS_SECRET_ACCESS_KEY" in refused.value.remedy
    assert "wrong" not in refused.value.message


def test_without_credentials_nothing_is_sent(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    source = made_for(endpoint)
    with pytest.raises(Refused, match="credentials"), source.open(FILE, ByteRange(0, 1)):
        pass
    source.close()


@pytest.mark.parametrize(
    ("code", "number", "kind", "said"),
    [
        ("SlowDown", 503, Waiting, "SlowDown"),
        ("InvalidRange", 416, Lied, "less"),
        ("PermanentRedirect", 301, SourceError, "another region"),
        ("RequestTimeTooSkewed", 403, Refused, "120 minutes ahead of"),
        ("AccessDenied", 403, Refused, "AccessDenied"),
        ("NoSuchKey", 404, SourceError, "does not have"),
    ],
)
def test_what_s3_says_is_understood(
    code: str, number: int, kind: type[SourceError], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """N34, N35."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    told = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    with Origin({}) as origin:
        headers = {"Content-Type": "application/xml", "Content-Length": str(len(told))}
        if code == "PermanentRedirect":
            headers["x-amz-bucket-region"] = "eu-west-1"
        if code == "RequestTimeTooSkewed":
            headers["Date"] = format_datetime(datetime.now(UTC) - timedelta(hours=2), usegmt=True)
        origin.faults["*"] = lambda *_: Answer(number, headers, told)
        source = made_for(origin.url)
        with pytest.raises(kind, match=said), source.open(FILE, ByteRange(0, 1)):
            pass
        source.close()


def test_an_etag_that_is_no_digest_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """N34: that of a multipart upload, which is no MD5 of anything."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with Origin({f"models/tts/{FILE.path}": BODY}) as origin:
        origin.faults["*"] = lambda asked, answer: replace(answer, headers={**answer.headers, "ETag": f'"{asked.number:032x}-3"'})
        source = made_for(origin.url)
        entry = FileEntry(portable_path("model.bin"), FILE.size, FILE.sha256)
        (whole,) = transfer(Plan((FilePlan(entry, ((FILE, source),)),)), tmp_path, TransferOptions(), ScoresInMemory(), Silent())
        source.close()
    assert whole.path.read_bytes() == BODY
