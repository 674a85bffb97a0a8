"""A hub fetches what others ask for, once, and gives it on while it arrives; nothing wrong, nothing that the catalogue has not."""

import hashlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from indextts_hub import Hub
from tests.hub.mirror.lender import lending
from tests.hub.mirror.test_mirror import hf_at
from tests.origins.origin import Answer, Asked, Origin, flipped, origins, paced, status

pytestmark = pytest.mark.slow

CHUNK = 256 << 10
BODY = random.Random(7).randbytes(4 * (1 << 20) + 777)
DIGEST = hashlib.sha256(BODY).hexdigest()
CONFIG = b'{"sampling_rate": 24000}'
FILES = {"gpt.bin": BODY, "folder/config.json": CONFIG}


def entry(path: str, *, chunks: bool) -> str:
    body = FILES[path]
    digests = ", ".join(hashlib.sha256(body[start : start + CHUNK]).hexdigest() for start in range(0, len(body), CHUNK))
    more = f", chunks: {{size: {CHUNK}, sha256: [{digests}]}}" if chunks else ""
    return f"      - {{path: {path}, size: {len(body)}, sha256: {hashlib.sha256(body).hexdigest()}{more}}}\n"


def catalog(folder: Path, urls: list[str], *, chunks: bool = True, more: str = "") -> Path:
    mirrors = "".join(f"  cdn{n}: {{kind: http, base: '{url}', max_connections: 2}}\n" for n, url in enumerate(urls))
    sources = ", ".join(f"{{mirror: cdn{n}}}" for n in range(len(urls)))
    written = folder / "mirrors.yaml"
    written.write_text(
        f"schema: 1\nmirrors:\n{mirrors}versions:\n  v23:\n    title: t\n    engine: e\n"
        + (more or "    license: {name: MIT}\n")
        + f"    sources: [{sources}]\n    files:\n"
        + "".join(entry(path, chunks=chunks) for path in FILES),
        "utf-8",
    )
    return written


@contextmanager
def passing(folder: Path, *given: Origin, chunks: bool = True, more: str = "") -> Iterator[str]:
    """A hub with an empty store that fetches from these origins; gives its address."""
    with lending(folder / "cache", catalog(folder, [o.url for o in given], chunks=chunks, more=more), "--pull-through") as address:
        yield address


def blob(address: str, digest: str = DIGEST, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{address}/hub/blobs/sha256/{digest}", headers=headers, timeout=60, trust_env=False)


def given(origin: Origin) -> int:
    """Bytes of the large file that an origin was asked for."""
    return sum(asked.range[1] - asked.range[0] for asked in origin.requests if asked.path == "gpt.bin" and asked.range)


def test_twenty_clients_at_once_cause_one_fetch(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        origin.faults["gpt.bin"] = paced(0.005)
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(blob, [address] * 20))
        assert [(answer.status_code, answer.content == BODY) for answer in answers] == [(200, True)] * 20
        assert given(origin) == len(BODY)
        assert blob(address).content == BODY
        assert given(origin) == len(BODY)


def test_chunks_are_given_on_while_the_rest_still_arrives(tmp_path: Path) -> None:
    heard, held = threading.Event(), []

    def waits(asked: Asked, answer: Answer) -> Answer:
        """Whatever does not begin the file comes only when somebody has its beginning."""
        if asked.range and asked.range[0]:
            held.append(heard.wait(30))
        return answer

    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        origin.faults["gpt.bin"] = waits
        with httpx2.stream("GET", f"{address}/hub/blobs/sha256/{DIGEST}", timeout=60, trust_env=False) as answer:
            pieces = answer.iter_raw()
            body = next(pieces)
            heard.set()
            body += b"".join(pieces)
        assert body == BODY
        assert held
        assert all(held)


def test_a_mirror_that_lies_is_left_and_no_wrong_byte_is_given_on(tmp_path: Path) -> None:
    with origins(FILES, FILES) as (liar, honest), passing(tmp_path, liar, honest) as address:
        liar.faults["gpt.bin"] = flipped(5 * CHUNK + 3)
        assert blob(address).content == BODY


def read_into(got: bytearray, address: str) -> None:
    with httpx2.stream("GET", f"{address}/hub/blobs/sha256/{DIGEST}", timeout=60, trust_env=False) as answer:
        for piece in answer.iter_raw():
            got += piece


def test_where_all_lie_only_what_is_right_is_given_and_the_answer_is_cut_short(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        origin.faults["gpt.bin"] = flipped(5 * CHUNK + 3)
        got = bytearray()
        with pytest.raises(httpx2.RemoteProtocolError):
            read_into(got, address)
        assert BODY.startswith(bytes(got))
        assert len(got) <= 5 * CHUNK
        origin.faults["gpt.bin"] = status(404)
        refused = blob(address, Range=f"bytes={5 * CHUNK}-")
        assert refused.status_code == 502
        assert refused.json()["code"] == "E_NO_SOURCE"


def test_without_chunk_digests_nothing_is_given_on_before_all_of_it_is_right(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin, chunks=False) as address:
        origin.faults["gpt.bin"] = flipped(len(BODY) - 1)
        refused = blob(address)
        assert (refused.status_code, refused.json()["code"]) == (502, "E_DIGEST_MISMATCH")
        del origin.faults["gpt.bin"]
        assert blob(address).content == BODY


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("    license: {name: Company, accept: true}\n", "E_LICENSE"),
        ("    license: {name: MIT}\n    revoked: [{digest: DIGEST, reason: it stutters}]\n", "E_NO_BLOB"),
    ],
)
def test_what_may_not_be_pulled_here_is_not_fetched_for_others(tmp_path: Path, more: str, code: str) -> None:
    with Origin(FILES) as origin:
        digest = Hub(tmp_path / "x", catalog(tmp_path, [origin.url])).catalog.versions["v23"].manifest.digest
        with passing(tmp_path, origin, more=more.replace("DIGEST", digest)) as address:
            answer = blob(address)
            assert (answer.status_code, answer.json()["code"]) == (403 if code == "E_LICENSE" else 404, code)
        assert origin.requests == []


def test_nobody_is_asked_for_what_the_catalogue_has_not(tmp_path: Path) -> None:
    """N12 to N14: what a client sends never becomes an address."""
    with Origin(FILES | {"secret": b"x"}) as origin, passing(tmp_path, origin) as address:
        for path in (
            f"/hub/blobs/sha256/{hashlib.sha256(b'x').hexdigest()}",
            "/indextts/v23/resolve/main/secret",
            "/indextts/v23/resolve/main/..%2Fsecret",
            "/indextts/other/resolve/main/gpt.bin",
            f"/{urlsplit(origin.url).netloc}/v23/resolve/main/gpt.bin",
            "/hub/blobs/sha256/http:%2F%2F127.0.0.1",
        ):
            assert httpx2.get(address + path, timeout=30, trust_env=False).status_code == 404
        absolute = f"GET {origin.url}/gpt.bin HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n"
        with socket.create_connection((urlsplit(address).hostname or "", urlsplit(address).port or 0)) as proxied:
            proxied.sendall(absolute.encode())
            assert b" 200 " not in proxied.recv(100)
        assert origin.requests == []


def test_asking_only_how_large_it_is_fetches_nothing(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        told = httpx2.head(f"{address}/indextts/v23/resolve/main/gpt.bin", timeout=30, trust_env=False)
        assert (told.status_code, told.headers["content-length"], told.headers["etag"]) == (200, str(len(BODY)), f'"{DIGEST}"')
        assert blob(address, **{"If-None-Match": f'"{DIGEST}"'}).status_code == 304
        assert blob(address, Range=f"bytes={len(BODY)}-").status_code == 416
        assert origin.requests == []


def test_a_fetch_goes_on_when_its_client_has_left(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        origin.faults["gpt.bin"] = paced(0.01)
        with httpx2.stream("GET", f"{address}/hub/blobs/sha256/{DIGEST}", timeout=60, trust_env=False) as answer:
            next(answer.iter_raw())
        stored = tmp_path / "cache" / "blobs" / "sha256" / DIGEST[:2] / DIGEST
        deadline = time.monotonic() + 20
        while not stored.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert stored.read_bytes() == BODY
        assert given(origin) == len(BODY)


def test_ranges_of_a_file_under_way_come_as_they_are_asked(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        part = blob(address, Range="bytes=300000-899999")
        assert (part.status_code, part.content) == (206, BODY[300_000:900_000])
        assert blob(address, Range="bytes=-10").content == BODY[-10:]
        assert given(origin) == len(BODY)


def test_another_hub_pulls_a_whole_version_through(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        (tmp_path / "branch").mkdir()
        text = catalog(tmp_path / "branch", [address]).read_text("utf-8").replace("kind: http, base:", "kind: hub, endpoint:")
        (tmp_path / "branch" / "mirrors.yaml").write_text(text, "utf-8")
        snapshot = Hub(tmp_path / "branch" / "cache", tmp_path / "branch" / "mirrors.yaml").pull("v23")
        assert {path: (snapshot.path / path).read_bytes() for path in FILES} == FILES
        assert given(origin) == len(BODY)
        (lent,) = httpx2.get(f"{address}/hub/versions", trust_env=False).json()
        manifest = httpx2.get(f"{address}/hub/manifests/sha256/{lent['digest']}", trust_env=False).content
        assert hashlib.sha256(manifest).hexdigest() == snapshot.digest


@pytest.mark.slow
def test_the_hugging_face_client_downloads_what_is_not_here_yet(tmp_path: Path) -> None:
    with Origin(FILES) as origin, passing(tmp_path, origin) as address:
        done = hf_at(address, tmp_path / "home", "download", "indextts/v23", "--local-dir", str(tmp_path / "out"))
        assert done.returncode == 0, done.stderr
        assert {path: (tmp_path / "out" / path).read_bytes() for path in FILES} == FILES
        assert given(origin) == len(BODY)


def test_a_hub_that_was_ended_in_the_middle_goes_on_where_it_was(tmp_path: Path) -> None:
    with Origin(FILES) as origin:
        origin.faults["gpt.bin"] = paced(0.02)
        with (
            passing(tmp_path, origin) as address,
            httpx2.stream("GET", f"{address}/hub/blobs/sha256/{DIGEST}", timeout=60, trust_env=False) as answer,
        ):
            read, pieces = 0, answer.iter_raw()
            while read < 4 * CHUNK:
                read += len(next(pieces))
        del origin.faults["gpt.bin"]
        with passing(tmp_path, origin) as address:
            assert blob(address).content == BODY
        # What was under way on two connections is fetched again, nothing that was whole.
        assert given(origin) <= len(BODY) + 3 * CHUNK
