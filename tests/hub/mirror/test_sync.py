"""A version is brought to a bucket or a folder, and what mirrors have is held against the manifest."""

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.errors import NotFound, Refused, SourceError, UsageError
from indextts_hub.mirror.sync import BY_DIGEST, Checked, Synced, check, sync
from tests.origins.bucket import CREDENTIALS, bucket_server
from tests.origins.origin import Origin, flipped, status, without_ranges

BIG = random.Random(5).randbytes((40 << 20) + 12345)
FILES = {"gpt.bin": BIG, "folder/config 中.json": b"{}"}


def listed(files: dict[str, bytes], more: str = "") -> str:
    return "".join(
        f"      - {{path: '{path}', size: {len(body)}, sha256: {hashlib.sha256(body).hexdigest()}{more}}}\n"
        for path, body in files.items()
    )


class Place:
    """A folder with a store, files to pull from, and a catalogue."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub = Hub(folder / "cache", folder / "mirrors.yaml")

    def write(self, mirrors: str, sources: str = "", files: dict[str, bytes] | None = None, more: str = "") -> None:
        files = FILES if files is None else files
        for path, body in files.items():
            (self.folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "files" / path).write_bytes(body)
        (self.folder / "mirrors.yaml").write_text(
            f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{self.folder / 'files'}'}}\n{mirrors}"
            "versions:\n  v23:\n    title: t\n    engine: e\n    license: {name: MIT}\n"
            f"    sources: [{{mirror: usb}}{sources}]\n    files:\n{listed(files, more)}",
            "utf-8",
        )
        self.hub = Hub(self.folder / "cache", self.folder / "mirrors.yaml")

    def pull(self) -> None:
        self.hub.pull("v23", PullOptions(sources=("usb",)))

    def sync(self, to: str, *, whole: bool = False) -> list[Synced]:
        return list(sync(self.hub, "v23", to, random.Random(1), whole=whole))

    def check(self, *names: str, whole: bool = False) -> dict[str, Checked]:
        return {row.file.path: row for row in check(self.hub, names, random.Random(1), whole=whole)}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    (tmp_path / "share").mkdir()
    made.write(f"  share: {{kind: file, base: '{tmp_path / 'share'}'}}\n", ", {mirror: share, path: 'tts/{path}'}")
    made.pull()
    return made


def states(found: dict[str, Checked]) -> dict[str, str]:
    return {path: row.comparison.state for path, row in found.items()}


def test_a_folder_gets_what_it_lacks_and_a_second_time_nothing(place: Place) -> None:
    assert states(place.check("share")) == {"gpt.bin": "missing", "folder/config 中.json": "missing"}
    assert [(row.status, row.sent) for row in place.sync("share")] == [("put", 2), ("put", len(BIG))]
    for path, body in FILES.items():
        assert (place.folder / "share" / "tts" / path).read_bytes() == body
    assert [(row.status, row.sent) for row in place.sync("share")] == [("present", 0), ("present", 0)]
    found = place.check("share")
    assert states(found) == {"gpt.bin": "right", "folder/config 中.json": "right"}
    assert found["gpt.bin"].comparison.fetched < 1 << 20
    assert found["gpt.bin"].comparison.means == "samples"


def test_a_copy_that_broke_off_goes_on_where_it_is_still_right(place: Place) -> None:
    partial = place.folder / "share" / "tts" / f".gpt.bin.{hashlib.sha256(BIG).hexdigest()[:16]}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(BIG[: 30 << 20] + b"\0" * (20 << 20))
    assert {row.file.path: row.sent for row in place.sync("share")}["gpt.bin"] == len(BIG) - (30 << 20)
    assert (place.folder / "share" / "tts" / "gpt.bin").read_bytes() == BIG
    assert not partial.exists()


def test_a_file_of_another_size_is_wrong_and_is_put_right(place: Place) -> None:
    place.sync("share")
    (place.folder / "share" / "tts" / "gpt.bin").write_bytes(BIG[:-1])
    assert states(place.check("share"))["gpt.bin"] == "wrong"
    assert [row.status for row in place.sync("share")] == ["present", "put"]
    assert states(place.check("share"))["gpt.bin"] == "right"


def test_one_wrong_byte_in_the_middle_is_found_by_reading_all(place: Place) -> None:
    place.sync("share")
    body = bytearray(BIG)
    body[20_000_001] ^= 1
    (place.folder / "share" / "tts" / "gpt.bin").write_bytes(body)
    assert states(place.check("share", whole=True))["gpt.bin"] == "wrong"
    assert [row.status for row in place.sync("share", whole=True)] == ["present", "put"]
    assert states(place.check("share", whole=True))["gpt.bin"] == "right"


def test_what_an_older_version_has_there_is_stale(place: Place) -> None:
    place.sync("share")
    newer = FILES | {"gpt.bin": random.Random(6).randbytes(3 << 20)}
    share = f"  share: {{kind: file, base: '{place.folder / 'share'}'}}\n"
    place.write(share, ", {mirror: share, path: 'tts/{path}'}", newer)
    place.pull()
    assert states(place.check("share")) == {"gpt.bin": "stale", "folder/config 中.json": "right"}
    place.sync("share")
    assert states(place.check("share"))["gpt.bin"] == "right"


def test_a_mirror_that_the_catalogue_does_not_name_for_it_gets_files_by_their_digests(place: Place) -> None:
    share = f"  share: {{kind: file, base: '{place.folder / 'share'}'}}\n"
    place.write(share)
    rows = place.sync("share")
    assert {row.place for row in rows} == {f"blobs/sha256/{hashlib.sha256(body).hexdigest()}" for body in FILES.values()}
    place.write(share, f", {{mirror: share, path: '{BY_DIGEST}'}}")
    assert set(states(place.check("share")).values()) == {"right"}


def test_what_can_take_no_files_is_refused(place: Place) -> None:
    place.write(
        "  cdn: {kind: http, base: 'http://127.0.0.1:9/'}\n  hf: {kind: huggingface}\n  gone: {kind: file, base: /nowhere/at/all}\n"
    )
    for name, code in (("cdn", "E_KIND"), ("hf", "E_KIND"), ("gone", "E_NO_FOLDER"), ("absent", "E_NO_MIRROR")):
        with pytest.raises(UsageError) as refused:
            place.sync(name)
        assert refused.value.code == code
    with pytest.raises(NotFound):
        list(sync(Hub(place.folder / "other", place.folder / "mirrors.yaml"), "v23", "cdn", random.Random(1)))


CHUNK = 8 << 20
CHUNKS = ", chunks: {{size: {}, sha256: [{}]}}".format(
    CHUNK, ", ".join(hashlib.sha256(BIG[start : start + CHUNK]).hexdigest() for start in range(0, len(BIG), CHUNK))
)


def test_without_the_blob_chunk_digests_tell_and_without_those_only_the_size(tmp_path: Path) -> None:
    """Nothing of the version is here; what is compared is said."""
    with Origin({"gpt.bin": BIG}) as origin:
        place = Place(tmp_path)
        mirrors, source = f"  cdn: {{kind: http, base: '{origin.url}'}}\n", ", {mirror: cdn}"
        place.write(mirrors, source, {"gpt.bin": BIG}, CHUNKS)
        comparison = place.check("cdn")["gpt.bin"].comparison
        assert (comparison.state, comparison.means) == ("right", "chunks")
        assert comparison.fetched < len(BIG)
        origin.faults["gpt.bin"] = flipped(len(BIG) - 5)
        assert states(place.check("cdn")) == {"gpt.bin": "wrong"}
        place.write(mirrors, source, {"gpt.bin": BIG})
        comparison = place.check("cdn")["gpt.bin"].comparison
        assert (comparison.state, comparison.means, comparison.fetched) == ("right", "size", 0)
        assert states(place.check("cdn", whole=True)) == {"gpt.bin": "wrong"}


def test_a_mirror_that_does_not_answer_is_unreachable_and_one_without_ranges_is_held_to_the_size(place: Place) -> None:
    with Origin(FILES) as origin:
        place.write(f"  cdn: {{kind: http, base: '{origin.url}'}}\n", ", {mirror: cdn}")
        origin.faults["*"] = without_ranges
        found = place.check("cdn")
        assert set(states(found).values()) == {"right"}
        assert found["gpt.bin"].comparison.means == "size"
        origin.faults["*"] = status(503)
        assert set(states(place.check("cdn")).values()) == {"unreachable"}
        origin.faults["*"] = status(404)
        assert set(states(place.check("cdn")).values()) == {"missing"}
    assert set(states(place.check("cdn")).values()) == {"unreachable"}


@pytest.fixture
def bucket(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place with an empty bucket beside it."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    (place.folder / "s3" / "models").mkdir(parents=True)
    with bucket_server(place.folder / "s3") as endpoint:
        made = f"kind: s3, endpoint: '{endpoint}', bucket: models, region: us-east-1"
        place.write(
            f"  company-s3: {{{made}}}\n  slow-s3: {{{made}, limit_rate: 8M, max_connections: 1}}\n",
            ", {mirror: company-s3, prefix: 'tts/'}, {mirror: slow-s3, prefix: 'tts/'}",
        )
        yield place


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_a_bucket_gets_large_files_in_parts_and_another_hub_pulls_from_it(bucket: Place) -> None:
    assert {row.file.path: row.sent for row in bucket.sync("company-s3")} == {path: len(body) for path, body in FILES.items()}
    assert set(states(bucket.check("company-s3", whole=True)).values()) == {"right"}
    other = Hub(bucket.folder / "other", bucket.folder / "mirrors.yaml")
    assert (other.pull("v23", PullOptions(sources=("company-s3",))).path / "gpt.bin").read_bytes() == BIG
    assert [row.status for row in bucket.sync("company-s3")] == ["present", "present"]


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_an_upload_that_was_killed_goes_on_with_the_parts_that_are_missing(bucket: Place) -> None:
    program = (
        "import random, sys; from indextts_hub import Hub; from indextts_hub.mirror.sync import sync\n"
        "list(sync(Hub(sys.argv[1], sys.argv[2]), 'v23', 'slow-s3', random.Random(1)))"
    )
    command = [sys.executable, "-c", program, str(bucket.folder / "cache"), str(bucket.folder / "mirrors.yaml")]
    with subprocess.Popen(command) as killed:
        # At 8 MiB a second a part of 16 MiB takes two seconds; after five, one or two of the three are there.
        time.sleep(5.5)
        assert killed.poll() is None
        killed.send_signal(signal.SIGKILL)
    (row,) = [row for row in bucket.sync("company-s3") if row.file.path == "gpt.bin"]
    assert 0 < row.sent < len(BIG)
    assert set(states(bucket.check("company-s3", whole=True)).values()) == {"right"}


@pytest.mark.slow
@pytest.mark.xdist_group("s3")
def test_wrong_credentials_and_a_server_that_is_gone_are_said(bucket: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(Refused):
        bucket.sync("company-s3")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SourceError):
        bucket.sync("company-s3")
