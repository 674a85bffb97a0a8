"""How fast bytes arrive, against aria2c and curl in the same run, over loopback.

    python bench/transfer.py [--mib 512] [--json]

nginx serves the file; every puller is a whole process, timed from outside, and must end with verified bytes: aria2c with its
checksum on, curl followed by sha256sum. The three take turns, three rounds, medians are given. Then four throttled mirrors (20, 20,
20 and 5 MiB/s) for one file, and three mirrors of which one flips a bit. CPU is the pullers' own, without nginx.
"""

import argparse
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROUNDS = 3
MIB = 1 << 20
CHUNK = 8 * MIB
CONNECTIONS = 4


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@contextmanager
def nginx(folder: Path, servers: dict[int, tuple[Path, int | None]]) -> Iterator[None]:
    """Serve a folder a port, at so many bytes a second for each connection."""
    blocks = "".join(
        f"server {{ listen 127.0.0.1:{port}; root {root}; {f'limit_rate {rate};' if rate else ''} }}\n"
        for port, (root, rate) in servers.items()
    )
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; sendfile on; keepalive_requests 100000; {temporary}\n{blocks} }}\n"
    )
    with subprocess.Popen(["nginx", "-c", str(config), "-p", str(folder)]) as server:
        for port in servers:
            for _ in range(50):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
        yield
        server.terminate()


def timed(command: list[str], environment: dict[str, str] | None = None) -> tuple[float, float, float]:
    """Wall-clock seconds, CPU seconds and peak MiB of one process with its children."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode:
        raise SystemExit(f"{command[0]} failed: {said.decode()[-400:]}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def catalogue(folder: Path, body: Path, ports: list[int], digest: str, *, chunked: bool) -> Path:
    """A catalogue with one version of one file on some mirrors."""
    chunks = ""
    if chunked:
        with body.open("rb") as file:
            digests = [hashlib.sha256(part).hexdigest() for part in iter(lambda: file.read(CHUNK), b"")]
        chunks = f", chunks: {{size: {CHUNK}, sha256: [{', '.join(digests)}]}}"
    mirrors = "".join(
        f'  m{n}: {{kind: http, base: "http://127.0.0.1:{port}", max_connections: {CONNECTIONS}}}\n' for n, port in enumerate(ports)
    )
    sources = ", ".join(f"{{mirror: m{n}}}" for n in range(len(ports)))
    text = (
        f"schema: 1\nmirrors:\n{mirrors}versions:\n  big:\n    title: bench\n    engine: fastspeech2\n    license: {{name: MIT}}\n"
        f"    sources: [{sources}]\n    files: [{{path: {body.name}, size: {body.stat().st_size}, sha256: {digest}{chunks}}}]\n"
    )
    place = folder / f"mirrors-{len(ports)}-{chunked}.yaml"
    place.write_text(text)
    return place


def pull(folder: Path, place: Path) -> tuple[float, float, float]:
    """Pull into an empty store."""
    store = folder / "cache_hub"
    shutil.rmtree(store, ignore_errors=True)
    program = str(Path(sys.executable).with_name("indextts-hub"))
    return timed([program, "pull", "big", "-q", "--catalog", str(place), "--cache-dir", str(store)])


def aria2(folder: Path, body: Path, ports: list[int], digest: str) -> tuple[float, float, float]:
    """Fetch with aria2c, its checksum on."""
    target = folder / "aria2"
    shutil.rmtree(target, ignore_errors=True)
    urls = [f"http://127.0.0.1:{port}/{body.name}" for port in ports]
    options = [
        f"-x{CONNECTIONS}",
        f"-s{CONNECTIONS * len(ports)}",
        "--file-allocation=none",
        "-k1M",
        f"--checksum=sha-256={digest}",
    ]
    return timed(["aria2c", "-q", "-d", str(target), *options, *urls])


def curl(folder: Path, body: Path, port: int) -> tuple[float, float, float]:
    """Fetch with curl, then hash with sha256sum."""
    fetched = timed(["curl", "-sf", "-o", str(folder / "curl"), f"http://127.0.0.1:{port}/{body.name}"])
    hashed = timed(["sha256sum", str(folder / "curl")])
    return fetched[0] + hashed[0], fetched[1] + hashed[1], max(fetched[2], hashed[2])


def medians(rows: list[tuple[float, float, float]]) -> dict[str, float]:
    """The median of each figure."""
    seconds, cpu, memory = (statistics.median(column) for column in zip(*rows, strict=True))
    return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "peak_mib": round(memory)}


def main() -> None:
    """Run all of it and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("right", "wrong"):
            (folder / kind).mkdir()
        body = folder / "right" / "model.bin"
        block = os.urandom(MIB)
        with body.open("wb") as file:
            for number in range(chosen.mib):
                file.write(number.to_bytes(8, "big") + block[8:])
        with body.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        shutil.copy(body, folder / "wrong")
        with (folder / "wrong" / "model.bin").open("r+b") as file:
            file.seek(body.stat().st_size // 2)
            file.write(b"\xff")

        ports = free_ports(8)
        fast, throttled, liar = ports[0], ports[1:5], ports[5]
        right = folder / "right"
        rates = [5 * MIB] * 3 + [5 * MIB // 4]  # a connection; four of them make 20, 20, 20 and 5 MiB/s
        servers = {fast: (right, None), liar: (folder / "wrong", None), ports[6]: (right, None), ports[7]: (right, None)}
        servers |= {port: (right, rate) for port, rate in zip(throttled, rates, strict=True)}
        report: dict[str, object] = {"mib": chosen.mib}
        with nginx(folder, servers):
            one = catalogue(folder, body, [fast], digest, chunked=False)
            rounds = [(pull(folder, one), aria2(folder, body, [fast], digest), curl(folder, body, fast)) for _ in range(ROUNDS)]
            ours, theirs, plain = (medians([turn[n] for turn in rounds]) for n in range(3))
            report["one fast origin"] = {
                "indextts-hub": ours,
                "aria2c": theirs,
                "curl + sha256sum": plain,
                "speed / aria2c": round(statistics.median(turn[1][0] / turn[0][0] for turn in rounds), 2),
                "cpu / aria2c": round(statistics.median(turn[0][1] / turn[1][1] for turn in rounds), 2),
            }
            four = pull(folder, catalogue(folder, body, throttled, digest, chunked=False))
            other = aria2(folder, body, throttled, digest)
            report["four throttled"] = {
                "MiB/s": round(chosen.mib / four[0], 1),
                "of 65 MiB/s": round(chosen.mib / four[0] / 65, 2),
                "aria2c of 65 MiB/s": round(chosen.mib / other[0] / 65, 2),
            }
            honest = pull(folder, catalogue(folder, body, [fast, ports[6], ports[7]], digest, chunked=True))
            lied = pull(folder, catalogue(folder, body, [liar, ports[6], ports[7]], digest, chunked=True))
            report["one liar of three"] = {"seconds": round(lied[0], 2), "time / without": round(lied[0] / honest[0], 2)}
    print(json.dumps(report, indent=2) if chosen.json else "\n".join(f"{what}: {figures}" for what, figures in report.items()))


if __name__ == "__main__":
    main()
