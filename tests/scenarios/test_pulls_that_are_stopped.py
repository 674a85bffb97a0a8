"""Pulls that are killed, interrupted, or run into a full disk: no wrong version can ever be seen, and the next run goes on."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from indextts_hub.store import SnapshotState, check_version, open_store
from tests.origins.origin import Origin, paced

PROGRAM = str(Path(sys.executable).with_name("indextts-hub"))
CHUNK = 64 << 10
FILES = {f"part-{number}.bin": random.Random(number).randbytes(500_000 + 1000 * number) for number in range(5)}
KILLS = 200
# Whoever runs the tests in the background may ignore the signal, and what is ignored is inherited.
WITH_SIGINT = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.skipif(os.name == "nt", reason="POSIX signals")]


class Link:
    """A slow mirror, a catalogue that names it, and a store."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.origin = origin
        self.cache = folder / "cache_hub"
        self.catalog = folder / "mirrors.yaml"
        listed = "".join(f"      - {_listed(path, body)}\n" for path, body in FILES.items())
        self.catalog.write_text(
            f'schema: 1\nmirrors:\n  cdn: {{kind: http, base: "{origin.url}"}}\nversions:\n  v23:\n    title: t\n'
            f"    engine: fastspeech2\n    license: {{name: MIT}}\n    sources: [{{mirror: cdn}}]\n    files:\n{listed}"
        )

    def start(self) -> subprocess.Popen[str]:
        command = [PROGRAM, "pull", "v23", "--json", "--catalog", str(self.catalog), "--cache-dir", str(self.cache)]
        begin = [sys.executable, "-c", WITH_SIGINT, *command]
        return subprocess.Popen(begin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def finish(self) -> dict[str, object]:
        out, err = self.start().communicate(timeout=120)
        assert out, err
        document: dict[str, object] = json.loads(out)
        return document

    def assert_sound(self) -> None:
        """What can be seen is right: whole versions, and blobs that are what their names say."""
        store = open_store(self.cache)
        for name, digest in store.snapshots.list():
            assert store.snapshots.state(name, store.manifests.read(digest)) is SnapshotState.COMPLETE
            assert check_version(store, name, digest).ok
        for digest, size in store.blobs:
            assert store.blobs.check(digest, size).ok


def _listed(path: str, body: bytes) -> str:
    chunks = ", ".join(hashlib.sha256(body[at : at + CHUNK]).hexdigest() for at in range(0, len(body), CHUNK))
    digest = hashlib.sha256(body).hexdigest()
    return f"{{path: {path}, size: {len(body)}, sha256: {digest}, chunks: {{size: {CHUNK}, sha256: [{chunks}]}}}}"


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    with Origin(dict(FILES)) as origin:
        yield Link(tmp_path, origin)


def test_two_hundred_kills_at_random_moments_leave_nothing_wrong(link: Link) -> None:
    """S01, N01: kill -9. Each pull is of a store that earlier kills left; when one gets to its end, the next begins anew."""
    rng = random.Random(23)
    link.origin.faults["*"] = paced(0.01)
    link.finish()  # how long an undisturbed one takes
    started = time.monotonic()
    shutil.rmtree(link.cache)
    link.finish()
    whole = time.monotonic() - started
    shutil.rmtree(link.cache)
    ended = 0
    for _ in range(KILLS):
        pull = link.start()
        try:
            pull.wait(rng.uniform(0.1, 1.0) * whole * 0.6)
        except subprocess.TimeoutExpired:
            os.killpg(pull.pid, signal.SIGKILL)
        pull.communicate(timeout=60)
        if link.cache.exists():
            link.assert_sound()
        if pull.returncode == 0:
            ended += 1
            shutil.rmtree(link.cache)
    link.origin.faults.clear()
    link.finish()
    link.assert_sound()
    assert ended, "the pulls never came to their end between kills"


def test_an_interrupted_pull_ends_clean_and_the_next_one_goes_on(link: Link) -> None:
    link.origin.faults["*"] = paced(0.05)
    pull = link.start()
    while sum(len(asked.headers) > 0 for asked in link.origin.requests) < 12:
        time.sleep(0.05)
    os.kill(pull.pid, signal.SIGINT)
    _, err = pull.communicate(timeout=20)
    assert pull.returncode == 130
    assert "error[E_INTERRUPTED]" in err
    assert "Traceback" not in err
    link.origin.faults.clear()
    link.origin.requests.clear()
    report = link.finish()
    total = sum(map(len, FILES.values()))
    assert int(str(report["bytes_fetched"])) < total
    assert report["bytes_wasted"] == 0
    link.assert_sound()


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="a small tmpfs, as root")
def test_a_disk_that_fills_up_keeps_what_arrived_and_the_next_pull_goes_on(link: Link) -> None:
    """S05: in the middle; what is free at the start would have been enough."""
    link.cache.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(link.cache)], check=True)
    try:
        link.origin.faults["*"] = paced(0.05)
        pull = link.start()
        while len(link.origin.requests) < 8:
            time.sleep(0.05)
        filler = link.cache / "partial" / "filler.tmp"
        filler.write_bytes(bytes(shutil.disk_usage(link.cache).free - 200_000))
        _, err = pull.communicate(timeout=60)
        assert pull.returncode == 6, err
        assert "error[E_NO_SPACE]" in err
        link.assert_sound()
        filler.unlink()
        link.origin.faults.clear()
        assert int(str(link.finish()["bytes_fetched"])) < sum(map(len, FILES.values()))
        link.assert_sound()
    finally:
        subprocess.run(["umount", str(link.cache)], check=True)
