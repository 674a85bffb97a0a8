"""Links that live for minutes: asked of a resolver, used while they last, resolved anew when they are over."""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from indextts_hub.catalog import load_catalog
from indextts_hub.errors import Refused, SourceError, UsageError
from indextts_hub.manifest import ByteCount, ChunkDigests, Digest, FileEntry
from indextts_hub.paths import portable_path
from indextts_hub.sources import ByteRange, Context, RemoteFile, Source, connect
from indextts_hub.sources.link import Entry, Mirror
from indextts_hub.transfer import FilePlan, Plan, ScoresInMemory, Silent, TransferOptions, transfer
from tests.origins.origin import Answer, Asked, Fault, Origin, origins, page, status

CHUNK = 64 << 10
BODY = bytes(range(256)) * 1024
FILE = RemoteFile("folder/gpt.pth", ByteCount(len(BODY)), Digest(hashlib.sha256(BODY).hexdigest()))
HERE = Context({"RESOLVER_TOKEN": "planted-secret"}, idle_seconds=2.0, private_hosts=frozenset({"127.0.0.1"}))


@pytest.fixture
def disk_and_resolver() -> Iterator[tuple[Origin, Origin]]:
    """A net disk that serves `/d/N` only for the newest N that the resolver named, and the resolver."""
    with origins({}, {}) as (disk, resolver):
        resolver.faults["*"] = lambda *_: answers(url=f"{disk.url}/d/{len(resolver.requests)}")
        disk.faults["*"] = lambda asked, _: served(asked) if asked.path == newest(resolver) else status(403)(asked, _)
        yield disk, resolver


def newest(resolver: Origin) -> str:
    return f"d/{len(resolver.requests)}"


def served(asked: Asked) -> Answer:
    start, stop = asked.range or (0, len(BODY))
    headers = {"Content-Length": str(stop - start), "Content-Range": f"bytes {start}-{stop - 1}/{len(BODY)}"}
    return Answer(206, headers, BODY[start:stop])


def answers(**link: object) -> Answer:
    body = json.dumps(link).encode()
    return Answer(200, {"Content-Length": str(len(body))}, body)


@contextmanager
def opened(resolver: object, context: Context = HERE) -> Iterator[Source]:
    mirror = Mirror.model_validate({"kind": "link", "resolver": resolver, "token_env": "RESOLVER_TOKEN"})
    source = connect("share", mirror, Entry(mirror="share"), context)
    yield source
    source.close()


def read(source: Source, start: int, stop: int) -> bytes:
    view, whole = memoryview(bytearray(1 << 16)), bytearray()
    with source.open(FILE, ByteRange(start, stop)) as body:
        while count := body.readinto(view):
            whole += view[:count]
    return bytes(whole)


def test_the_resolver_is_told_the_file_and_its_link_serves_all_ranges(disk_and_resolver: tuple[Origin, Origin]) -> None:
    disk, resolver = disk_and_resolver
    with opened(resolver.url) as source:
        assert read(source, 10, 20) + read(source, 20, 30) == BODY[10:30]
    told = json.loads(resolver.requests[0].body)
    assert told == {"mirror": "share", "path": FILE.path, "name": "gpt.pth", "size": FILE.size, "sha256": FILE.sha256}
    assert resolver.requests[0].headers["authorization"] == "Bearer planted-secret"
    assert len(resolver.requests) == 1
    assert "planted" not in str(disk.requests)


def chunked() -> FileEntry:
    digests = tuple(Digest(hashlib.sha256(BODY[at : at + CHUNK]).hexdigest()) for at in range(0, len(BODY), CHUNK))
    return FileEntry(portable_path("gpt.pth"), FILE.size, FILE.sha256, ChunkDigests(ByteCount(CHUNK), digests))


@pytest.mark.parametrize("over", [status(401), status(403), status(410), page(b"<html>this link is over</html>")])
def test_a_link_that_is_over_in_mid_file_is_resolved_anew_and_nothing_is_fetched_twice(
    disk_and_resolver: tuple[Origin, Origin], tmp_path: Path, over: Fault
) -> None:
    """N23."""
    disk, resolver = disk_and_resolver
    lives = 2  # ranges a link serves

    def short_lived(asked: Asked, answer: Answer) -> Answer:
        alive = asked.path == newest(resolver) and asked.number < lives
        return served(asked) if alive else over(asked, answer)

    disk.faults["*"] = short_lived
    with opened(resolver.url) as source:
        plan = Plan((FilePlan(chunked(), ((FILE, source),)),))
        (whole,) = transfer(plan, tmp_path, TransferOptions(), ScoresInMemory(), Silent())
    assert whole.path.read_bytes() == BODY
    assert (whole.wasted, whole.sources[0].errors) == (0, ())
    assert len(resolver.requests) == len(BODY) // CHUNK / lives


def test_a_link_that_says_when_it_ends_is_not_used_to_the_last_second(disk_and_resolver: tuple[Origin, Origin]) -> None:
    disk, resolver = disk_and_resolver
    resolver.faults["*"] = lambda *_: answers(url=f"{disk.url}/d/{len(resolver.requests)}", expires=time.time() + 5)
    with opened(resolver.url) as source:
        read(source, 0, 10)
        read(source, 10, 20)
    assert [asked.path for asked in disk.requests] == ["d/1", "d/2"]


def test_a_fresh_link_that_is_refused_is_not_asked_for_again_and_again(disk_and_resolver: tuple[Origin, Origin]) -> None:
    """N24."""
    disk, resolver = disk_and_resolver
    disk.faults["*"] = status(403)
    with opened(resolver.url) as source, pytest.raises(Refused):
        read(source, 0, 10)
    assert len(resolver.requests) == 1


def test_a_links_headers_are_sent_to_its_host(disk_and_resolver: tuple[Origin, Origin]) -> None:
    disk, resolver = disk_and_resolver
    headers = {"User-Agent": "pan.baidu.com", "Referer": "https://www.example.com/"}
    resolver.faults["*"] = lambda *_: answers(url=f"{disk.url}/d/1", headers=headers)
    with opened(resolver.url) as source:
        read(source, 0, 10)
    assert disk.requests[0].headers["user-agent"] == "pan.baidu.com"
    assert disk.requests[0].headers["referer"] == "https://www.example.com/"


def program(folder: Path, body: str) -> list[str]:
    script = folder / "resolve.py"
    script.write_text(f"import json, sys\nfile = json.load(sys.stdin)\n{body}\n")
    return [sys.executable, str(script)]


def test_a_resolver_may_be_a_program(disk_and_resolver: tuple[Origin, Origin], tmp_path: Path) -> None:
    disk, _ = disk_and_resolver
    disk.faults["*"] = lambda asked, _: served(asked)
    with opened(program(tmp_path, f"print(json.dumps({{'url': '{disk.url}/' + file['name']}}))")) as source:
        assert source.describe(FILE).size == len(BODY)
        assert read(source, 5, 9) == BODY[5:9]
    assert {asked.path for asked in disk.requests} == {"gpt.pth"}


@pytest.mark.parametrize(
    ("body", "said"),
    [("sys.exit(3)", "ended with 3"), ("print('no')", "no link"), ("print(json.dumps({'url': 'file:///etc/passwd'}))", "no link")],
)
def test_a_resolver_in_trouble_is_named_and_its_words_are_kept_to_itself(tmp_path: Path, body: str, said: str) -> None:
    with opened(program(tmp_path, body)) as source, pytest.raises(SourceError, match=said) as refused:
        read(source, 0, 1)
    assert refused.value.code == "E_RESOLVER"
    assert "passwd" not in refused.value.message


def test_a_resolver_that_is_not_there_is_named() -> None:
    with opened(["/no/such/resolver"]) as source, pytest.raises(Refused, match="can't be run"):
        read(source, 0, 1)


def test_a_link_to_a_private_address_is_refused_unless_its_host_is_named(disk_and_resolver: tuple[Origin, Origin]) -> None:
    """N13: a resolver's word is not the catalogue's."""
    _, resolver = disk_and_resolver
    resolver.faults["*"] = lambda *_: answers(url="http://169.254.169.254/latest/meta-data")
    with opened(resolver.url) as source, pytest.raises(Exception, match="private address"):
        read(source, 0, 1)


def test_a_catalogue_from_an_address_may_not_name_a_program(tmp_path: Path) -> None:
    text = "schema: 1\nmirrors:\n  share: {kind: link, resolver: [rm, -rf, x]}\n"
    (tmp_path / "mirrors.yaml").write_text(text)
    assert load_catalog(tmp_path / "mirrors.yaml").mirrors["share"].runs_program
    with Origin({"mirrors.yaml": text.encode()}) as origin, pytest.raises(UsageError, match="program"):
        load_catalog(f"{origin.url}/mirrors.yaml")
