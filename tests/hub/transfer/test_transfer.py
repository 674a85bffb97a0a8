"""Files arrive whole and right, over links that fail, lie and stop, and are never begun anew for it."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from indextts_hub.errors import HubError, IntegrityError, SourceError
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, FileEntry
from indextts_hub.paths import portable_path
from indextts_hub.sources import Context, RemoteFile, connect
from indextts_hub.sources.http import Entry, Mirror
from indextts_hub.transfer import (
    FilePlan,
    MirrorLeft,
    Plan,
    ProgressEvent,
    ScoresInMemory,
    TransferOptions,
    TransferredFile,
    transfer,
)
from tests.origins.origin import (
    Answer,
    Asked,
    Origin,
    cut,
    flipped,
    headers,
    origins,
    paced,
    page,
    redirect,
    stalled,
    status,
    without_ranges,
)

CHUNK = 64 << 10
BODY = random.Random(7).randbytes(10 * CHUNK + 1234)


def sha256(body: bytes) -> Digest:
    return Digest(hashlib.sha256(body).hexdigest())


def entry(body: bytes = BODY, *, chunked: bool = True) -> FileEntry:
    chunks = ChunkDigests(ByteCount(CHUNK), tuple(sha256(body[at : at + CHUNK]) for at in range(0, len(body), CHUNK)))
    return FileEntry(portable_path("model.bin"), ByteCount(len(body)), sha256(body), chunks if chunked else None)


class Pulling:
    """A transfer of one file from some origins into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[ProgressEvent] = []

    def __call__(
        self, servers: list[Origin], file: FileEntry | None = None, rate: int | None = None, jobs: int = 8
    ) -> TransferredFile:
        file = file or entry()
        context = Context({}, idle_seconds=0.5)
        sources = tuple(
            (
                RemoteFile(file.path, file.size, file.sha256),
                connect(f"m{number}", Mirror(kind="http", base=server.url), Entry(mirror="m"), context),
            )
            for number, server in enumerate(servers)
        )
        plan = Plan((FilePlan(file, sources),))
        try:
            (whole,) = transfer(plan, self.folder, TransferOptions(jobs=jobs, rate=rate), ScoresInMemory(), self.events.append)
        finally:
            for _, source in sources:
                source.close()
        return whole

    @property
    def left(self) -> dict[str, str]:
        return {event.mirror: event.reason for event in self.events if isinstance(event, MirrorLeft)}


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file without chunk digests, too, is fetched in several."""
    monkeypatch.setattr("indextts_hub.transfer.plan.CHUNK", CHUNK)


@pytest.fixture
def pulling(tmp_path: Path) -> Pulling:
    return Pulling(tmp_path)


@pytest.fixture
def one() -> Iterator[Origin]:
    with Origin({"model.bin": BODY}) as origin:
        yield origin


@pytest.fixture
def three() -> Iterator[list[Origin]]:
    with origins(*({"model.bin": BODY} for _ in range(3))) as servers:
        yield servers


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_arrives_whole_and_nothing_is_wasted(pulling: Pulling, one: Origin, chunked: bool) -> None:
    whole = pulling([one], entry(chunked=chunked))
    assert whole.path.read_bytes() == BODY
    assert (whole.fetched, whole.wasted) == (len(BODY), 0)


def test_a_file_of_one_byte_arrives(pulling: Pulling) -> None:
    with Origin({"model.bin": b"x"}) as origin:
        assert pulling([origin], entry(b"x")).path.read_bytes() == b"x"


def test_several_mirrors_share_one_file(pulling: Pulling, three: list[Origin]) -> None:
    for server in three:
        server.faults["*"] = paced(0.01)
    whole = pulling(three)
    assert whole.path.read_bytes() == BODY
    assert sum(use.bytes for use in whole.sources) == len(BODY)
    assert len([use for use in whole.sources if use.bytes]) == 3
    # Which bytes were whose is known of every byte, and of none twice.
    everything = sorted(extent for use in whole.sources for extent in use.ranges)
    assert [start for start, _ in everything] == [0, *(stop for _, stop in everything[:-1])]
    assert everything[-1][1] == len(BODY)
    assert all(sum(stop - start for start, stop in use.ranges) == use.bytes for use in whole.sources)


def test_a_connection_that_is_cut_again_and_again_still_gets_there(pulling: Pulling, one: Origin) -> None:
    """N01, N17: each connection closes after 20 kB; every byte starts the patience anew."""
    one.faults["*"] = cut(20_000)
    whole = pulling([one])
    assert whole.path.read_bytes() == BODY
    assert whole.wasted == 0


@pytest.mark.parametrize("length", ["17", "99999999", "-5", "0", "1e3"])
def test_a_wrong_length_is_the_mirrors_error_and_the_next_one_serves(pulling: Pulling, three: list[Origin], length: str) -> None:
    """N02."""
    three[0].faults["*"] = headers(Content_Length=length)
    assert pulling(three).path.read_bytes() == BODY
    assert "bytes long" in pulling.left["m0"]


def test_a_mirror_without_ranges_is_asked_for_the_whole(pulling: Pulling, one: Origin) -> None:
    """N03: a 200 to a request for a range counts only from the first byte on."""
    one.faults["*"] = without_ranges
    assert pulling([one]).path.read_bytes() == BODY


@pytest.mark.parametrize("said", ["bytes 1-65536/656594", "bytes 0-65535/7", "bytes */656594", "rubbish"])
def test_another_range_than_was_asked_for_is_refused(pulling: Pulling, three: list[Origin], said: str) -> None:
    """N04."""
    three[0].faults["*"] = headers(Content_Range=said)
    assert pulling(three).path.read_bytes() == BODY
    assert "range" in pulling.left["m0"]


def test_a_bundle_of_ranges_is_refused(pulling: Pulling, three: list[Origin]) -> None:
    """N05."""
    three[0].faults["*"] = headers(Content_Type="multipart/byteranges; boundary=x")
    assert pulling(three).path.read_bytes() == BODY
    assert "m0" in pulling.left


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_an_encoded_answer_is_refused_and_never_inflated(pulling: Pulling, three: list[Origin], encoding: str) -> None:
    """N06."""
    three[0].faults["*"] = headers(Content_Encoding=encoding)
    assert pulling(three).path.read_bytes() == BODY
    assert encoding in pulling.left["m0"]
    assert all(asked.headers["accept-encoding"] == "identity" for asked in three[0].requests)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (page(b"<!DOCTYPE html><title>Log in</title>", length=len(BODY)), "an HTML page"),
        (page(b'{"error": "no"}', "application/json", length=len(BODY)), "a JSON document"),
        (page(b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "text/plain", length=len(BODY)), "a Git LFS pointer"),
    ],
)
@pytest.mark.parametrize("chunked", [True, False])
def test_a_page_in_disguise_is_named_for_what_it_is(
    pulling: Pulling, one: Origin, fault: object, named: str, chunked: bool
) -> None:
    """N07, N08, N09."""
    one.faults["*"] = fault  # type: ignore[assignment]
    with pytest.raises(IntegrityError, match=named):
        pulling([one], entry(chunked=chunked), jobs=1)


def test_a_page_of_another_length_is_refused_before_a_byte_of_it_is_used(pulling: Pulling, one: Origin) -> None:
    """N07."""
    one.faults["*"] = page(b"<html>log in</html>")
    with pytest.raises(SourceError, match="a page"):
        pulling([one])


def test_a_redirect_loop_ends(pulling: Pulling, one: Origin) -> None:
    """N10."""
    one.faults["*"] = redirect(f"{one.url}/model.bin")
    with pytest.raises(SourceError, match="redirects more than 5 times"):
        pulling([one])


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x/"])
def test_a_redirect_to_another_scheme_is_refused(pulling: Pulling, one: Origin, target: str) -> None:
    """N12."""
    one.faults["*"] = redirect(target)
    with pytest.raises(SourceError, match="not http"):
        pulling([one])


@pytest.mark.parametrize(
    "host", ["127.1.2.3", "[::ffff:127.0.0.1]", "2130706433", "169.254.169.254", "10.0.0.1", "[::1]", "0.0.0.0"]
)
def test_a_redirect_to_a_private_address_is_refused(pulling: Pulling, one: Origin, host: str) -> None:
    """N13: the catalogue names 127.0.0.1 here, and nothing else."""
    one.faults["*"] = redirect(f"http://{host}:9/x")
    with pytest.raises(SourceError, match="private address"):
        pulling([one])


def test_a_stalled_body_is_left_and_goes_on_elsewhere(pulling: Pulling, three: list[Origin]) -> None:
    """N16."""
    three[0].faults["*"] = stalled(30_000)
    whole = pulling(three)
    assert whole.path.read_bytes() == BODY


def test_a_body_that_stalls_at_the_end_costs_its_chunk_and_not_the_file(pulling: Pulling, three: list[Origin]) -> None:
    """N16: silent at 99 %; the next mirror gives the last chunk."""
    last = 10 * CHUNK

    def stalls(asked: Asked, answer: Answer) -> Answer:
        return stalled(600)(asked, answer) if asked.range and asked.range[0] >= last else answer

    three[0].faults["*"] = stalls
    for server in three[1:]:
        server.faults["*"] = lambda asked, answer: answer if asked.range and asked.range[0] >= last else paced(0.5)(asked, answer)
    whole = pulling(three, jobs=3)
    assert whole.path.read_bytes() == BODY
    assert whole.fetched <= len(BODY) + 3 * CHUNK  # what was taken over included


@pytest.mark.parametrize("chunked", [True, False])
def test_a_file_that_changes_on_the_mirror_is_fetched_in_one_state_of_it(pulling: Pulling, one: Origin, chunked: bool) -> None:
    """N22: the mirror's older file is replaced by the right one under way; the ETag tells."""
    older = bytes(byte ^ 1 for byte in BODY)

    def replaced(asked: Asked, answer: Answer) -> Answer:
        etag = '"new"' if asked.number >= 4 else '"old"'
        if asked.headers.get("if-range", etag) != etag:
            return Answer(200, {"Content-Length": str(len(BODY)), "ETag": etag}, BODY)
        start, stop = asked.range or (0, len(BODY))
        return replace(answer, headers={**answer.headers, "ETag": etag}, body=(BODY if etag == '"new"' else older)[start:stop])

    one.faults["*"] = replaced
    if chunked:
        with pytest.raises(IntegrityError, match="wrong bytes"):  # a digest convicts the older bytes before any ETag does
            pulling([one], jobs=1)
        return
    whole = pulling([one], entry(chunked=False), jobs=1)
    assert whole.path.read_bytes() == BODY
    assert whole.wasted == 4 * CHUNK
    assert [asked.headers.get("if-range") for asked in one.requests[:6]] == [None, '"old"', '"old"', '"old"', '"old"', None]


@pytest.mark.parametrize("jobs", [1, 2, 4, 8])
def test_a_cluster_that_gives_one_file_several_etags_still_serves(pulling: Pulling, one: Origin, jobs: int) -> None:
    """N22: after one surprise only digests count; several of the mirror's workers may meet it at once."""

    def several(asked: Asked, answer: Answer) -> Answer:
        etag = f'"{asked.number % 3}"'
        if asked.headers.get("if-range", etag) != etag:
            return Answer(200, {"Content-Length": str(len(BODY)), "ETag": etag}, BODY)
        return replace(answer, headers={**answer.headers, "ETag": etag})

    one.faults["*"] = several
    assert pulling([one], entry(chunked=False), jobs=jobs).path.read_bytes() == BODY


def test_with_chunk_digests_only_the_bad_chunk_is_fetched_again_from_another_mirror(pulling: Pulling, three: list[Origin]) -> None:
    """N18."""
    three[0].faults["*"] = flipped(at=5)
    three[1].faults["*"] = three[2].faults["*"] = paced(0.01)
    whole = pulling(three)
    assert whole.path.read_bytes() == BODY
    assert whole.wasted <= 2 * CHUNK
    assert "wrong bytes" in pulling.left["m0"]


def test_without_chunk_digests_the_liar_is_found_by_asking_the_others(pulling: Pulling, three: list[Origin]) -> None:
    """N18, N21."""
    three[0].faults["*"] = flipped(at=5)
    whole = pulling(three, entry(chunked=False), jobs=3)
    assert whole.path.read_bytes() == BODY
    assert not any(use.errors for use in whole.sources if use.name != "m0")
    assert not any(start <= 5 < stop for use in whole.sources if use.name == "m0" for start, stop in use.ranges)
    assert sum(stop - start for use in whole.sources for start, stop in use.ranges) == len(BODY)


@pytest.mark.parametrize("chunked", [True, False])
def test_when_every_mirror_lies_nothing_is_handed_on(pulling: Pulling, three: list[Origin], chunked: bool) -> None:
    """N19, N20."""
    for server in three:
        server.faults["*"] = flipped(at=5)
    with pytest.raises(IntegrityError) as refused:
        pulling(three, entry(chunked=chunked))
    assert "model.bin" in refused.value.message


def test_what_arrived_before_a_kill_is_not_fetched_again(pulling: Pulling, one: Origin) -> None:
    one.faults["*"] = lambda asked, answer: answer if asked.range and asked.range[0] < 5 * CHUNK else status(404)(asked, answer)
    with pytest.raises(SourceError):
        pulling([one], jobs=1)
    one.faults.clear()
    whole = pulling([one])
    assert whole.path.read_bytes() == BODY
    assert whole.resumed == 5 * CHUNK
    assert whole.fetched == len(BODY) - 5 * CHUNK


def test_what_an_earlier_transfer_left_is_still_known_by_who_gave_it(pulling: Pulling, three: list[Origin]) -> None:
    three[0].faults["*"] = lambda asked, answer: (
        answer if asked.range and asked.range[0] < 5 * CHUNK else status(404)(asked, answer)
    )
    with pytest.raises(SourceError):
        pulling(three[:1], jobs=1)
    three[0].faults["*"] = status(404)
    whole = pulling(three[:2])
    assert {use.name: (use.bytes, use.ranges) for use in whole.sources} == {
        "m0": (0, ((0, 5 * CHUNK),)),
        "m1": (len(BODY) - 5 * CHUNK, ((5 * CHUNK, len(BODY)),)),
    }


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"schema": 99}', b'{"schema": 1, "done": {"x": 1}}', b"\xff" * 50])
def test_a_map_that_is_rubbish_costs_time_and_no_wrong_byte(pulling: Pulling, one: Origin, rubbish: bytes) -> None:
    """S13."""
    file = entry(chunked=False)
    (pulling.folder / f"{file.sha256}.part").write_bytes(b"z" * 100)
    (pulling.folder / f"{file.sha256}.map").write_bytes(rubbish)
    assert pulling([one], file).path.read_bytes() == BODY


@pytest.mark.parametrize("chunked", [True, False])
def test_a_partial_that_is_too_long_or_rotten_is_noticed(pulling: Pulling, one: Origin, chunked: bool) -> None:
    """S12, N26."""
    file = entry(chunked=chunked)
    one.faults["*"] = lambda asked, answer: answer if asked.range and asked.range[0] < 5 * CHUNK else status(404)(asked, answer)
    with pytest.raises(SourceError):
        pulling([one], file, jobs=1)
    part = pulling.folder / f"{file.sha256}.part"
    part.write_bytes(b"!" + part.read_bytes()[1:] + b"z" * len(BODY))
    one.faults.clear()
    whole = pulling([one], file)
    assert whole.path.read_bytes() == BODY
    assert whole.resumed == 4 * CHUNK


def test_a_refusal_is_not_asked_about_again(pulling: Pulling, one: Origin) -> None:
    """N24."""
    one.faults["*"] = status(403)
    with pytest.raises(SourceError, match="403"):
        pulling([one], jobs=1)
    assert len(one.requests) == 1


def test_what_one_mirror_has_not_the_next_one_has(pulling: Pulling, three: list[Origin]) -> None:
    """N25."""
    three[0].files.clear()
    assert pulling(three).path.read_bytes() == BODY
    assert "404" in pulling.left["m0"]


def test_a_burst_of_trouble_is_waited_out(pulling: Pulling, one: Origin) -> None:
    """N27, N28."""
    one.faults["*"] = lambda asked, answer: status(503, headers={"Retry-After": "0"})(asked, answer) if asked.number < 3 else answer
    assert pulling([one], jobs=1).path.read_bytes() == BODY


def test_an_absurd_retry_after_is_not_waited_for(pulling: Pulling, three: list[Origin]) -> None:
    """N27."""
    three[0].faults["*"] = status(429, headers={"Retry-After": "86400"})
    assert pulling(three).path.read_bytes() == BODY
    assert "429" in pulling.left["m0"]


def test_more_than_there_should_be_is_refused(pulling: Pulling, one: Origin) -> None:
    """N32."""
    one.faults["*"] = without_ranges
    one.files["model.bin"] = BODY + b"z" * 100_000
    with pytest.raises(HubError):
        pulling([one], jobs=1)


def test_a_body_without_a_length_counts_by_its_digest(pulling: Pulling, one: Origin) -> None:
    """N33: no length, closed at the end."""
    one.faults["*"] = headers(Content_Length=None)
    assert pulling([one], jobs=1).path.read_bytes() == BODY


def test_the_error_names_every_mirror_and_its_reason(pulling: Pulling, three: list[Origin]) -> None:
    three[0].faults["*"] = status(403)
    three[1].files.clear()
    three[2].faults["*"] = status(401)
    with pytest.raises(SourceError) as refused:
        pulling(three)
    assert refused.value.exit_code == 5
    assert all(f"m{number}" in refused.value.message for number in range(3))
