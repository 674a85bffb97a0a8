"""Three hubs and a CDN on machines of their own: cables that are pulled, a mirror that lies, a border with one way through."""

import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from tests.hub.mirror.network import Machine, needs_namespaces, networks, running

pytestmark = [pytest.mark.slow, needs_namespaces]

CHUNK = 512 << 10
BODY = random.Random(9).randbytes(24 << 20)
SHA256 = hashlib.sha256(BODY).hexdigest()
PORT = 7860


def catalog(path: Path, mirrors: str, sources: str) -> Path:
    digests = ", ".join(hashlib.sha256(BODY[start : start + CHUNK]).hexdigest() for start in range(0, len(BODY), CHUNK))
    path.write_text(
        f"schema: 1\nmirrors:\n{mirrors}versions:\n  v23:\n    title: t\n    engine: e\n    license: {{name: MIT}}\n"
        f"    sources: [{sources}]\n    files:\n"
        f"      - {{path: gpt.bin, size: {len(BODY)}, sha256: {SHA256}, chunks: {{size: {CHUNK}, sha256: [{digests}]}}}}\n"
    )
    return path


def hub_on(machine: Machine, cache: Path, catalog: Path, stack: ExitStack, *options: str) -> None:
    command = [sys.executable, "-m", "tests.hub.mirror.lending", str(cache), str(catalog), "--host=0.0.0.0", f"--port={PORT}"]
    stack.enter_context(running(machine.command(*command, *options), "http://", cache.with_suffix(".log")))


def cdn_on(machine: Machine, folder: Path, body: bytes, stack: ExitStack) -> None:
    (folder / "www").mkdir(parents=True)
    (folder / "www" / "gpt.bin").write_bytes(body)
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary} server {{ listen {PORT}; root {folder}/www; }} }}\n"
    )
    stack.enter_context(running(machine.command("nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder))))


def whole_store(folder: Path) -> tuple[Path, Path]:
    """A store that has the version, and its catalogue."""
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "gpt.bin").write_bytes(BODY)
    path = catalog(folder / "own.yaml", f"  usb: {{kind: file, base: '{folder / 'files'}'}}\n", "{mirror: usb}")
    Hub(folder / "cache", path).pull("v23", PullOptions())
    return folder / "cache", path


@contextmanager
def intranet(folder: Path, cdn_body: bytes, rate: str) -> Iterator[tuple[dict[str, Machine], Path]]:
    """Hubs on `a` and `b`, a CDN on `d`, and `c`, which has nothing yet; the catalogue of `c`."""
    addresses = {"a": "10.77.0.1", "b": "10.77.0.2", "c": "10.77.0.3", "d": "10.77.0.4"}
    with networks({"inside": addresses}) as machines, ExitStack() as stack:
        for name in ("a", "b"):
            cache, own = whole_store(folder / name)
            hub_on(machines[name], cache, own, stack)
        cdn_on(machines["d"], folder / "d", cdn_body, stack)
        mirrors = "".join(
            f"  {name}: {{kind: hub, endpoint: 'http://{addresses[name]}:{PORT}', limit_rate: {rate}}}\n" for name in ("a", "b")
        )
        mirrors += f"  cdn: {{kind: http, base: 'http://{addresses['d']}:{PORT}', limit_rate: {rate}}}\n"
        yield machines, catalog(folder / "c.yaml", mirrors, "{mirror: a}, {mirror: b}, {mirror: cdn}")


def pull_command(folder: Path, catalog: Path, *options: str) -> list[str]:
    program = str(Path(sys.executable).with_name("indextts-hub"))
    return [program, "pull", "v23", "--json", "--cache-dir", str(folder / "c-cache"), "--catalog", str(catalog), *options]


def uses(told: str) -> dict[str, dict[str, object]]:
    (file,) = json.loads(told)["files"]
    return {use["name"]: use for use in file["sources"]}


def pulled(folder: Path) -> bytes:
    return (Hub(folder / "c-cache", folder / "c.yaml").snapshot("v23").path / "gpt.bin").read_bytes()


def test_two_hubs_and_a_cdn_serve_one_file_at_once(tmp_path: Path) -> None:
    with intranet(tmp_path, BODY, "6M") as (machines, own):
        done = machines["c"].run(*pull_command(tmp_path, own))
        assert done.returncode == 0, done.stderr
        assert all(int(str(uses(done.stdout)[name]["bytes"])) >= CHUNK for name in ("a", "b", "cdn"))
        assert pulled(tmp_path) == BODY


def test_the_one_that_lies_is_left_and_nothing_wrong_is_kept(tmp_path: Path) -> None:
    """Each chunk of the CDN has a turned bit: it is found by the chunk's digest, not by the whole file's."""
    body = bytearray(BODY)
    for start in range(0, len(BODY), CHUNK):
        body[start + 1234] ^= 1
    with intranet(tmp_path, bytes(body), "6M") as (machines, own):
        done = machines["c"].run(*pull_command(tmp_path, own))
        assert done.returncode == 0, done.stderr
        found = uses(done.stdout)
        assert found["cdn"]["chunks"] == 0
        assert found["cdn"]["errors"]
        assert int(str(found["a"]["bytes"])) + int(str(found["b"]["bytes"])) >= len(BODY)
        assert pulled(tmp_path) == BODY


def test_a_pulled_cable_is_survived_and_when_all_are_out_the_next_pull_goes_on(tmp_path: Path) -> None:
    with intranet(tmp_path, BODY, "2M") as (machines, own):
        c = machines["c"]
        with running(c.command(*pull_command(tmp_path, own)), log=tmp_path / "pull.log") as pulling:
            part = tmp_path / "c-cache" / "partial" / f"{SHA256}.map"
            end = time.monotonic() + 60
            while not part.exists() or len(json.loads(part.read_text())["done"]) < 8:
                assert time.monotonic() < end
                assert pulling.poll() is None
                time.sleep(0.1)
            machines["a"].unplug("inside")
            time.sleep(0.5)
            c.unplug("inside")
            pulling.terminate()
        here = len(json.loads(part.read_text())["done"])
        assert here >= 8
        c.plug_in("inside")
        # `a` stays out: the other two have what is left.
        done = c.run(*pull_command(tmp_path, own))
        assert done.returncode == 0, done.stderr
        got = sum(int(str(use["bytes"])) for use in uses(done.stdout).values())
        assert 0 < got <= len(BODY) - here * CHUNK + 2 * CHUNK
        assert pulled(tmp_path) == BODY


def test_one_hub_at_the_border_feeds_twenty_cold_clients_behind_it_with_one_fetch(tmp_path: Path) -> None:
    """Only `b` reaches both networks; what is inside has no other way."""
    outside, inside = {"a": "10.77.1.1", "b": "10.77.1.2"}, {"b": "10.77.2.2", "c": "10.77.2.3"}
    with networks({"outside": outside, "inside": inside}) as machines, ExitStack() as stack:
        cache, own = whole_store(tmp_path / "a")
        hub_on(machines["a"], cache, own, stack)
        # Slow enough that all twenty ask while it arrives.
        mirror = f"  a: {{kind: hub, endpoint: 'http://{outside['a']}:{PORT}', limit_rate: 8M}}\n"
        border = catalog(tmp_path / "b.yaml", mirror, "{mirror: a}")
        hub_on(machines["b"], tmp_path / "b-cache", border, stack, "--pull-through")
        assert machines["c"].run("curl", "-s", "-m", "3", f"http://{outside['a']}:{PORT}/hub/versions").returncode != 0
        url = f"http://{inside['b']}:{PORT}/hub/blobs/sha256/{SHA256}"
        with ThreadPoolExecutor(20) as pool:
            bodies = list(pool.map(lambda n: machines["c"].run("curl", "-sf", "-o", str(tmp_path / f"got{n}"), url), range(20)))
        assert [body.returncode for body in bodies] == [0] * 20
        assert {hashlib.sha256((tmp_path / f"got{n}").read_bytes()).hexdigest() for n in range(20)} == {SHA256}
        # What the hub outside gave is what it wrote down: the file once, and little more.
        end = time.monotonic() + 20
        while (given := machines["a"].run("curl", "-s", f"http://{outside['a']}:{PORT}/hub/downloads").stdout) and not _bytes(
            given
        ):
            assert time.monotonic() < end
            time.sleep(0.2)
        assert len(BODY) <= _bytes(given) < len(BODY) + 2 * CHUNK


def _bytes(told: str) -> int:
    return sum(row["bytes"] for row in json.loads(told)["downloads"])
