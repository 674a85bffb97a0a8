"""What it costs to send one large file: the hub, nginx, a plain Starlette `FileResponse`, and the hub behind nginx, in one run.

    python bench/mirror.py [--mib 1024] [--clients 1] [--json]

All serve the same file over loopback to curl, which throws it away; they take turns, three rounds, medians are given. CPU is the
servers' own (user and system, all of their processes), a GiB. `hub + nginx` hands each file over by X-Accel-Redirect, `hub through
nginx` has its bytes passed on.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transfer import await_port, free_ports, made_body

ROUNDS = 3
ROOT = Path(__file__).parents[1]

STARLETTE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route
app = Starlette(routes=[Route("/file", lambda request: FileResponse(sys.argv[1]))])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"""
HUB = """
import sys, uvicorn
from fastapi import FastAPI
from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.mirror import lent_api
from indextts_hub.mirror.shelf import Shelf
hub = Hub(sys.argv[1], sys.argv[2])
hub.store
app = FastAPI()
shelf = Shelf(hub, accel=sys.argv[4] or None)
for routes in lent_api.routes(hub, shelf, open_database(hub.database_url)):
    app.include_router(routes)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), log_level="error", access_log=False)
"""


@contextmanager
def server(command: list[str], port: int) -> Iterator[int]:
    """A server in a process of its own; gives its id."""
    with subprocess.Popen(command, cwd=ROOT) as process:
        await_port(port)
        try:
            yield process.pid
        finally:
            process.terminate()


def nginx_config(folder: Path, root: Path, blobs: Path, ports: tuple[int, int, int], hubs: tuple[int, int]) -> Path:
    """nginx three times: a folder, in front of the hub that hands files over, in front of the one that does not."""
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    plain, handing, passing = ports
    passed = "proxy_http_version 1.1; proxy_buffering off;"
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; sendfile on; {temporary}\n"
        f"server {{ listen 127.0.0.1:{plain}; root {root}; }}\n"
        f"server {{ listen 127.0.0.1:{handing}; location / {{ proxy_pass http://127.0.0.1:{hubs[0]}; {passed} }}\n"
        f"  location /_blobs/ {{ internal; alias {blobs}/; }} }}\n"
        f"server {{ listen 127.0.0.1:{passing}; location / {{ proxy_pass http://127.0.0.1:{hubs[1]}; {passed} }} }} }}\n"
    )
    return config


def cpu(pids: list[int]) -> float:
    """Seconds that some processes and their children have taken so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = set(pids)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) in pids:
                found.add(int(entry.name))
        except OSError:
            continue
    total = 0.0
    for pid in found:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def fetch(url: str, pids: list[int], clients: int) -> tuple[float, float]:
    """Seconds, and seconds of the servers' CPU, that so many clients' fetching took."""
    before, began = cpu(pids), time.monotonic()
    curls = [subprocess.Popen(["curl", "-sf", "--noproxy", "*", "-o", os.devnull, url]) for _ in range(clients)]
    codes = [each.wait(120) for each in curls]
    seconds = time.monotonic() - began
    assert codes == [0] * clients, codes
    return seconds, cpu(pids) - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        body, digest = made_body(folder, options.mib)
        catalog = folder / "mirrors.yaml"
        catalog.write_text(
            f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{body.parent}'}}\nversions:\n  bench: {{title: t, engine: e, "
            f"license: {{name: MIT}}, sources: [{{mirror: usb}}], "
            f"files: [{{path: model.bin, size: {body.stat().st_size}, sha256: {digest}}}]}}\n"
        )
        cache = folder / "cache"
        places = ["--cache-dir", str(cache), "--catalog", str(catalog)]
        subprocess.run([str(Path(sys.executable).with_name("indextts-hub")), "pull", "bench", "-q", *places], check=True)
        results = measured(folder, body, catalog, digest, options.clients)
    gib = options.mib * options.clients / 1024
    figures = {
        name: {
            "MiB/s": round(options.mib * options.clients / statistics.median(s for s, _ in rows)),
            "cpu s/GiB": round(statistics.median(c for _, c in rows) / gib, 2),
        }
        for name, rows in results.items()
    }
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name, row in figures.items():
        print(f"{name:24} {row['MiB/s']:6.0f} MiB/s  {row['cpu s/GiB']:6.2f} s CPU a GiB")


def measured(folder: Path, body: Path, catalog: Path, digest: str, clients: int) -> dict[str, list[tuple[float, float]]]:
    """Each server's seconds and CPU seconds, round by round."""
    ports = free_ports(6)
    starlette, direct, handing, plain, front, through = ports
    python, cache = sys.executable, folder / "cache"
    config = nginx_config(folder, body.parent, cache / "blobs", (plain, front, through), (handing, direct))
    hub = [python, "-c", HUB, str(cache), str(catalog)]
    blob = f"hub/blobs/sha256/{digest}"
    with (
        server([python, "-c", STARLETTE, str(body), str(starlette)], starlette) as s,
        server([*hub, str(direct), ""], direct) as d,
        server([*hub, str(handing), "/_blobs"], handing) as h,
        server(["nginx", "-c", str(config), "-p", str(folder)], plain) as n,
    ):
        turns: dict[str, tuple[str, list[int]]] = {
            "nginx": (f"http://127.0.0.1:{plain}/model.bin", [n]),
            "hub": (f"http://127.0.0.1:{direct}/{blob}", [d]),
            "Starlette FileResponse": (f"http://127.0.0.1:{starlette}/file", [s]),
            "hub + nginx": (f"http://127.0.0.1:{front}/{blob}", [n, h]),
            "hub through nginx": (f"http://127.0.0.1:{through}/{blob}", [n, d]),
        }
        for url, _ in turns.values():
            with subprocess.Popen(["curl", "-sf", "--noproxy", "*", url], stdout=subprocess.PIPE) as once:
                assert once.stdout is not None
                assert hashlib.file_digest(once.stdout, "sha256").hexdigest() == digest, url
        rows: dict[str, list[tuple[float, float]]] = {name: [] for name in turns}
        for _ in range(ROUNDS):
            for name, (url, pids) in turns.items():
                rows[name].append(fetch(url, pids, clients))
        return rows


if __name__ == "__main__":
    main()
