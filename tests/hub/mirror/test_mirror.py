"""One hub feeds others: by its own protocol, and as the Hugging Face Hub to that hub's own client."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.errors import NotFound
from indextts_hub.mirror.shelf import HUGGING_FACE, Shelf
from tests.hub.mirror.lender import COMMIT, FILES, Lender, listed


def test_what_is_lent_is_listed_and_each_manifest_hashes_to_its_name(lender: Lender, client: httpx2.Client) -> None:
    assert client.get("/hub/versions").json() == [
        {"version": "v23", "digest": lender.digest, "engine": "indextts2", "size": sum(map(len, FILES.values())), "files": 3}
    ]
    manifest = client.get(f"/hub/manifests/sha256/{lender.digest}")
    assert hashlib.sha256(manifest.content).hexdigest() == lender.digest


def blob(path: str = "gpt.bin") -> str:
    return f"/hub/blobs/sha256/{hashlib.sha256(FILES[path]).hexdigest()}"


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("", 200, 0, None),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=2999990-", 206, 2_999_990, None),
        ("bytes=-10", 206, 2_999_990, None),
        ("bytes=2999990-99999999", 206, 2_999_990, None),
        ("bytes=1-2,5-6", 200, 0, None),
        ("lines=1-2", 200, 0, None),
    ],
)
def test_a_blob_is_served_whole_or_in_a_range(client: httpx2.Client, asked: str, status: int, start: int, stop: int | None) -> None:
    answer = client.get(blob(), headers={"Range": asked, "Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content) == (status, FILES["gpt.bin"][start:stop])
    assert answer.headers["content-length"] == str(len(answer.content))
    assert "immutable" in answer.headers["cache-control"]


def test_conditions_and_limits_are_kept(client: httpx2.Client) -> None:
    etag = client.head(blob()).headers["etag"]
    assert client.head(blob()).headers["content-length"] == str(len(FILES["gpt.bin"]))
    assert client.get(blob(), headers={"If-None-Match": etag}).status_code == 304
    assert client.get(blob(), headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    assert client.get(blob(), headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200
    beyond = client.get(blob(), headers={"Range": "bytes=3000000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */3000000")


@pytest.mark.parametrize("name", ["0" * 64, "..%2f..%2fetc%2fpasswd", "%00", "ABC", "0" * 63])
def test_what_is_no_blob_is_not_found(client: httpx2.Client, name: str) -> None:
    """A04."""
    assert client.get(f"/hub/blobs/sha256/{name}").status_code == 404


def test_another_hub_pulls_from_it_with_chunks_over_many_connections(lender: Lender, tmp_path: Path) -> None:
    catalog = tmp_path / "mirrors.yaml"
    files = "".join(f"      - {listed(path)}\n" for path in FILES)
    catalog.write_text(
        f'schema: 1\nmirrors:\n  intranet: {{kind: hub, endpoint: "{lender.address}"}}\nversions:\n  v23:\n    title: t\n'
        f"    engine: indextts2\n    license: {{name: MIT}}\n    sources: [{{mirror: intranet}}]\n    files:\n{files}",
        "utf-8",
    )
    snapshot = Hub(tmp_path / "cache", catalog).pull("v23")
    assert snapshot.digest == lender.digest
    assert {str(p.relative_to(snapshot.path)): p.read_bytes() for p in snapshot.path.rglob("*") if p.is_file()} == FILES


def hf(lender: Lender, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return hf_at(lender.address, home, *arguments)


def hf_at(address: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The Hub's own command, as it is, with nothing changed but its endpoint."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    program = str(Path(sys.executable).with_name("hf"))
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_the_hugging_face_client_downloads_a_whole_version_and_a_second_time_nothing(lender: Lender, tmp_path: Path) -> None:
    done = hf(lender, tmp_path / "home", "download", "indextts/v23", "--local-dir", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    for path, body in FILES.items():
        assert (tmp_path / "out" / path).read_bytes() == body
    again = hf(lender, tmp_path / "home", "download", "indextts/v23", "--local-dir", str(tmp_path / "out"))
    assert again.returncode == 0, again.stderr
    cached = hf(lender, tmp_path / "home", "download", "indextts/v23")
    assert cached.returncode == 0, cached.stderr
    commit = lender.digest[:40]
    assert (tmp_path / "home/hub/models--indextts--v23/snapshots" / commit / "gpt.bin").read_bytes() == FILES["gpt.bin"]


@pytest.mark.slow
def test_the_upstream_repository_is_served_at_the_commit_that_the_catalogue_pins(lender: Lender, tmp_path: Path) -> None:
    done = hf(
        lender, tmp_path / "home", "download", "IndexTeam/IndexTTS-2", "--revision", COMMIT, "--local-dir", str(tmp_path / "out")
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "gpt.bin").read_bytes() == FILES["gpt.bin"]
    assert not (tmp_path / "out" / "hf_cache").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("indextts/nothing",), "not found"),
        (("indextts/v23", "--revision", "0" * 40), "not found"),
        (("indextts/v23", "absent.bin"), "not found"),
    ],
)
def test_what_is_not_here_the_client_says_in_its_own_words(
    lender: Lender, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = hf(lender, tmp_path / "home", "download", *arguments)
    assert done.returncode != 0
    assert said in done.stderr.lower()


def test_the_trees_entries_carry_digest_size_and_gits_name(lender: Lender, client: httpx2.Client) -> None:
    entries = client.get("/api/models/indextts/v23/tree/main", params={"recursive": "true"}).json()
    by_path = {entry["path"]: entry for entry in entries}
    file = by_path["hf_cache/w2v/weights 中文.bin"]
    assert file["lfs"]["oid"] == hashlib.sha256(FILES[file["path"]]).hexdigest()
    assert by_path["hf_cache/w2v"]["type"] == "directory"
    assert "xetHash" not in str(entries)
    flat = client.get("/api/models/indextts/v23/tree/main").json()
    assert [(entry["type"], entry["path"]) for entry in flat] == [
        ("file", "config.yaml"),
        ("file", "gpt.bin"),
        ("directory", "hf_cache"),
    ]


@pytest.mark.parametrize("cursor", ["9" * 5000, "-1", "x", "٣"])
def test_a_page_that_there_is_none_of_is_no_defect(client: httpx2.Client, cursor: str) -> None:
    assert client.get("/api/models/indextts/v23/tree/main", params={"cursor": cursor}).status_code == 200


def test_a_version_that_was_revoked_is_not_lent(lender: Lender, tmp_path: Path) -> None:
    """K08."""
    catalog = tmp_path / "mirrors.yaml"
    text = (lender.folder / "mirrors.yaml").read_text("utf-8")
    revoked = f"    revoked: [{{digest: {lender.digest}, reason: it stutters}}]\n    parts:\n"
    catalog.write_text(text.replace("    parts:\n", revoked), "utf-8")
    shelf = Shelf(Hub(lender.folder / "cache", catalog))
    assert list(shelf.versions()) == []
    with pytest.raises(NotFound):
        shelf.repositories("indextts/v23", HUGGING_FACE)


def test_two_versions_with_parts_of_one_repository_lend_it_together(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name in ("LICENSE", "gpt.bin"):
        (files / name).write_bytes(name.encode() * 100)

    def version(name: str, file: str) -> str:
        body = (files / file).read_bytes()
        sources = f"[{{mirror: usb}}, {{mirror: hf, repo: IndexTeam/IndexTTS-2.5, revision: {COMMIT}}}]"
        entry = f"{{path: {file}, size: {len(body)}, sha256: {hashlib.sha256(body).hexdigest()}}}"
        return f"  {name}: {{title: t, engine: e, license: {{name: MIT}}, sources: {sources}, files: [{entry}]}}\n"

    (tmp_path / "mirrors.yaml").write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{files}'}}\n  hf: {{kind: huggingface}}\nversions:\n"
        + version("v23", "LICENSE")
        + version("v25", "gpt.bin"),
        "utf-8",
    )
    hub = Hub(tmp_path / "cache", tmp_path / "mirrors.yaml")
    for name in ("v23", "v25"):
        hub.pull(name, PullOptions(sources=("usb",)))
    (repository,) = Shelf(hub).repositories("IndexTeam/IndexTTS-2.5", HUGGING_FACE)
    assert [file.path for file in repository.files] == ["LICENSE", "gpt.bin"]
