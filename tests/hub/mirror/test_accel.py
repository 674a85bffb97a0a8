"""nginx in front of a hub sends the files by itself; who gets what stays the hub's."""

import hashlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.db.keys import Scope, create_key
from indextts_hub.db.links import add_link
from indextts_hub.manifest import Digest
from indextts_hub.mirror.link_keys import link_keys
from indextts_hub.mirror.links import Conditions, address_of, new_link
from tests.hub.mirror.lender import FILES, Lender, lending
from tests.hub.mirror.test_mirror import blob, hf_at

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("nginx"), reason="nginx")]


@pytest.fixture(scope="module")
def front(lender: Lender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx, before a hub that asks for keys."""
    folder = tmp_path_factory.mktemp("nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with lending(lender.folder / "cache", lender.folder / "mirrors.yaml", "--keys", "--accel=/_blobs") as hub:
        (folder / "nginx.conf").write_text(
            f"daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
            f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port};\n"
            f"location / {{ proxy_pass {hub}; proxy_http_version 1.1; proxy_set_header Host $host; proxy_buffering off; }}\n"
            f"location /_blobs/ {{ internal; alias {lender.folder}/cache/blobs/;\n"
            "add_header X-Repo-Commit $upstream_http_x_repo_commit; add_header X-Linked-Etag $upstream_http_x_linked_etag; } } }\n"
        )
        with subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]) as server:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
            server.terminate()


def opened(lender: Lender) -> str:
    return Hub(lender.folder / "cache", lender.folder / "mirrors.yaml").database_url


@pytest.fixture(scope="module")
def key(lender: Lender) -> str:
    with closing(open_database(opened(lender))) as database:
        return create_key(database, "tests", frozenset({Scope.READ}), datetime.now(UTC), None)[1]


@pytest.fixture
def client(front: str, key: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=front, headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False) as made:
        yield made


def test_nginx_sends_whole_files_and_ranges_to_those_whom_the_hub_lets_in(front: str, client: httpx2.Client) -> None:
    whole = client.get(blob())
    assert (whole.status_code, whole.content) == (200, FILES["gpt.bin"])
    assert "immutable" in whole.headers["cache-control"]
    part = client.get(blob(), headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, FILES["gpt.bin"][100:200])
    again = client.get(blob(), headers={"Range": "bytes=100-199", "If-Range": part.headers["etag"]})
    assert again.status_code == 206
    assert client.head(blob()).headers["content-length"] == str(len(FILES["gpt.bin"]))
    assert httpx2.get(front + blob(), trust_env=False).status_code == 401
    # That it was nginx: the hub's own answers carry the digest as ETag.
    assert hashlib.sha256(FILES["gpt.bin"]).hexdigest() not in part.headers["etag"]


def test_nobody_gets_at_the_blobs_but_by_the_hub(front: str, client: httpx2.Client) -> None:
    digest = hashlib.sha256(FILES["gpt.bin"]).hexdigest()
    for path in (f"/_blobs/sha256/{digest[:2]}/{digest}", "/_blobs/", "/_blobs/../hub.sqlite3"):
        assert client.get(path).status_code in {401, 403, 404}
        assert httpx2.get(front + path, trust_env=False).status_code in {401, 404}
    assert client.get(blob()[:-64] + "0" * 64).status_code == 404


def test_the_hugging_face_client_downloads_through_nginx(front: str, key: str, tmp_path: Path) -> None:
    done = hf_at(front, tmp_path / "home", "download", "indextts/v23", "--token", key, "--local-dir", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert {path: (tmp_path / "out" / path).read_bytes() for path in FILES} == FILES


def test_a_protected_link_goes_through_and_its_uses_are_counted(lender: Lender, front: str) -> None:
    for uses in (None, 1):
        link = new_link(
            "v23", Digest(lender.digest), "gpt.bin", timedelta(hours=1), "nginx", Conditions(uses=uses), datetime.now(UTC)
        )
        with closing(open_database(opened(lender))) as database:
            add_link(database, link)
        url = address_of(link, link_keys(lender.folder / "cache"), "gpt.bin", front, link.created)
        assert httpx2.get(url, trust_env=False, timeout=30).content == FILES["gpt.bin"]
        assert httpx2.get(url, trust_env=False, timeout=30).status_code == (200 if uses is None else 403)
