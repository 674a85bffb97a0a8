"""The command line that TUF's conformance suite drives: its protocol, and a little of what the suite looks at."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.trust.publisher import Publisher, catalogue
from tests.origins.origin import Origin

pytestmark = pytest.mark.slow

CLIENT = Path(__file__).parents[3] / "scripts" / "tuf_conformance_client.py"


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "site")


@pytest.fixture
def origin(publisher: Publisher) -> Iterator[Origin]:
    with Origin(publisher.files()) as origin:
        yield origin


def run(tmp_path: Path, origin: Origin, *act: str) -> int:
    folder = tmp_path / "client"
    (folder / "targets").mkdir(parents=True, exist_ok=True)
    options = ["--metadata-dir", str(folder), "--metadata-url", f"{origin.url}/metadata"]
    if act[0] == "download":
        options += ["--target-name", act[1], "--target-base-url", f"{origin.url}/targets/", "--target-dir", str(folder / "targets")]
        act = ("download",)
    done = subprocess.run([sys.executable, str(CLIENT), *options, *act], capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    return done.returncode


def trusted(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "client").glob("*.json")}


def test_it_begins_refreshes_and_downloads(tmp_path: Path, origin: Origin, publisher: Publisher) -> None:
    assert run(tmp_path, origin, "init", str(publisher.folder / "metadata" / "1.root.json")) == 0
    assert origin.requests == []
    assert run(tmp_path, origin, "refresh") == 0
    files = publisher.files()
    assert trusted(tmp_path) == {
        "root.json": files["metadata/1.root.json"],
        "timestamp.json": files["metadata/timestamp.json"],
        "snapshot.json": files["metadata/1.snapshot.json"],
        "targets.json": files["metadata/1.targets.json"],
    }
    assert [asked.path for asked in origin.requests] == [
        "metadata/2.root.json",
        "metadata/timestamp.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
    ]
    assert run(tmp_path, origin, "download", "manifests/tiny.json") == 0
    (made,) = (path for path in (tmp_path / "client" / "targets").rglob("*") if path.is_file())
    assert made.read_bytes() == catalogue()["manifests/tiny.json"]
    before = len(origin.requests)
    assert run(tmp_path, origin, "download", "manifests/tiny.json") == 0
    assert all(asked.path.startswith("metadata/") for asked in origin.requests[before:])
    assert run(tmp_path, origin, "download", "manifests/none.json") == 1


def test_what_it_refuses_is_exit_1_and_leaves_what_it_trusted(tmp_path: Path, origin: Origin, publisher: Publisher) -> None:
    run(tmp_path, origin, "init", str(publisher.folder / "metadata" / "1.root.json"))
    old = publisher.files()
    publisher.publish(catalogue("two"))
    origin.files.update(publisher.files())
    assert run(tmp_path, origin, "refresh") == 0
    before = trusted(tmp_path)
    origin.files.clear()
    origin.files.update(old)
    assert run(tmp_path, origin, "refresh") == 1
    assert trusted(tmp_path) == before
    origin.files.update(
        publisher.tampered("metadata/timestamp.json", lambda signed: signed.update(version=9), "stranger").documents
    )
    assert run(tmp_path, origin, "refresh") == 1
    assert trusted(tmp_path) == before
