"""One hub feeds ModelScope's own client, which knows nothing of it but its address."""

import hashlib
import os
import subprocess
import venv
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.db.keys import Scope, create_key
from tests.hub.mirror.lender import FILES, Lender, lending, listed

API = "/api/v1/models"


@pytest.fixture(scope="module")
def modelscope(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client's command, in an environment of its own: it is no dependency of ours."""
    if named := os.environ.get("MODELSCOPE_PROGRAM"):
        return Path(named)
    folder = tmp_path_factory.mktemp("modelscope")
    venv.create(folder, with_pip=True)
    binaries = folder / ("Scripts" if os.name == "nt" else "bin")
    command = [str(binaries / "python"), "-m", "pip", "install", "-q", "modelscope>=1.40"]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert installed.returncode == 0, installed.stderr
    return binaries / "modelscope"


def run(program: Path, endpoint: str, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELSCOPE")} | {
        "MODELSCOPE_ENDPOINT": endpoint,
        "MODELSCOPE_HOME": str(home),
        "MODELSCOPE_CACHE": str(home / "cache"),
        "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "1",
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
    }
    command = [str(program), *arguments, "--local_dir", str(home / "out")]
    return subprocess.run(command, env=environment | more, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("modelscope")
@pytest.mark.parametrize(
    ("model", "more"),
    [("indextts/v23", {}), ("indextts/v23", {"MODELSCOPE_DOWNLOAD_PARALLEL_THRESHOLD_MB": "1"}), ("IndexTeam/IndexTTS-2", {})],
)
def test_modelscopes_client_downloads_a_whole_version(
    lender: Lender, modelscope: Path, tmp_path: Path, model: str, more: dict[str, str]
) -> None:
    done = run(modelscope, lender.address, tmp_path, "download", "--model", model, **more)
    assert done.returncode == 0, done.stderr[-2000:]
    wanted = FILES if model.startswith("indextts") else {path: body for path, body in FILES.items() if "/" not in path}
    found = {path: (tmp_path / "out" / path).read_bytes() for path in FILES if (tmp_path / "out" / path).exists()}
    assert found == wanted


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("modelscope")
def test_modelscopes_client_brings_a_key_as_its_access_token(lender: Lender, modelscope: Path, tmp_path: Path) -> None:
    with closing(open_database(Hub(lender.folder / "cache", lender.folder / "mirrors.yaml").database_url)) as database:
        _, key = create_key(database, "a client", frozenset({Scope.READ}), datetime.now(UTC), None)
    with lending(lender.folder / "cache", lender.folder / "mirrors.yaml", "--keys") as address:
        refused = run(modelscope, address, tmp_path, "download", "--model", "indextts/v23")
        assert refused.returncode != 0
        done = run(modelscope, address, tmp_path, "download", "--model", "indextts/v23", MODELSCOPE_API_TOKEN=key)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "out" / "gpt.bin").read_bytes() == FILES["gpt.bin"]


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("modelscope")
def test_what_is_not_here_ends_modelscopes_client_with_an_error(lender: Lender, modelscope: Path, tmp_path: Path) -> None:
    done = run(
        modelscope, lender.address, tmp_path, "download", "--model", "indextts/nothing", "--local_dir", str(tmp_path / "out")
    )
    assert done.returncode != 0
    assert not list((tmp_path / "out").rglob("*.pth"))


def test_each_file_is_listed_with_what_switches_the_clients_checks_on(client: httpx2.Client) -> None:
    listing = client.get(f"{API}/indextts/v23/repo/files", params={"Revision": "master", "Recursive": "True"}).json()
    assert (listing["Code"], listing["Success"]) == (200, True)
    files = {entry["Path"]: (entry["Size"], entry["Sha256"]) for entry in listing["Data"]["Files"] if entry["Type"] == "blob"}
    assert files == {path: (len(body), hashlib.sha256(body).hexdigest()) for path, body in FILES.items()}
    assert {entry["Path"] for entry in listing["Data"]["Files"] if entry["Type"] == "tree"} == {"hf_cache", "hf_cache/w2v"}
    inside = client.get(f"{API}/indextts/v23/repo/files", params={"Recursive": "False", "Root": "hf_cache"}).json()
    assert [entry["Path"] for entry in inside["Data"]["Files"]] == ["hf_cache/w2v"]


def test_a_file_comes_whole_or_in_a_range_and_says_its_digest(client: httpx2.Client) -> None:
    asked = {"Revision": "master", "FilePath": "hf_cache/w2v/weights 中文.bin"}
    body = FILES[asked["FilePath"]]
    whole = client.get(f"{API}/indextts/v23/repo", params=asked)
    assert whole.content == body
    assert whole.headers["x-linked-etag"] == f'"{hashlib.sha256(body).hexdigest()}"'
    part = client.get(f"{API}/indextts/v23/repo", params=asked, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, body[100:200], f"bytes 100-199/{len(body)}")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("indextts/nothing/repo/files", {}),
        ("indextts/nothing", {}),
        ("indextts/nothing/revisions", {}),
        ("indextts/v23/repo/files", {"Revision": "0" * 40}),
        ("indextts/v23/repo", {"FilePath": "absent"}),
        ("indextts/v23/repo", {"FilePath": "../../../hub.sqlite3"}),
        ("indextts/v23/repo", {}),
    ],
)
def test_what_is_not_here_is_not_found_in_modelscopes_own_shape(client: httpx2.Client, path: str, params: dict[str, str]) -> None:
    answer = client.get(f"{API}/{path}", params=params)
    assert answer.status_code == 404
    assert (answer.json()["Success"], answer.json()["Code"]) == (False, 404)


def test_the_revisions_are_the_branch_and_the_digests_start(lender: Lender, client: httpx2.Client) -> None:
    told = client.get(f"{API}/indextts/v23/revisions").json()["Data"]["RevisionMap"]
    assert told == {"Branches": [{"Revision": "master"}], "Tags": [{"Revision": lender.digest[:40]}]}
    by_digest = client.get(f"{API}/indextts/v23/repo", params={"Revision": lender.digest[:40], "FilePath": "config.yaml"})
    assert by_digest.content == FILES["config.yaml"]


def test_a_catalogues_mirror_of_this_kind_may_be_a_hub(lender: Lender, tmp_path: Path) -> None:
    catalog = tmp_path / "mirrors.yaml"
    catalog.write_text(
        f'schema: 1\nmirrors:\n  ms: {{kind: modelscope, endpoint: "{lender.address}"}}\nversions:\n  v23:\n    title: t\n'
        "    engine: indextts2\n    license: {name: MIT}\n    sources: [{mirror: ms, repo: indextts/v23}]\n    files:\n"
        + "".join(f"      - {listed(path)}\n" for path in FILES),
        "utf-8",
    )
    assert Hub(tmp_path / "cache", catalog).pull("v23").digest == lender.digest
