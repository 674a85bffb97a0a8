"""How fast bytes arrive, against aria2c, curl, `hf download` and boto3 in the same run, over loopback.

    python bench/transfer.py [--mib 1024] [--json]

nginx serves the file; every puller is a whole process, timed from outside, and must end with verified bytes: aria2c with its
checksum on, curl followed by sha256sum; `hf download` and boto3 check nothing. They take turns, three rounds, medians are given.
Then four throttled mirrors (20, 20, 20 and 5 MiB/s) for one file, three mirrors of which one has wrong bytes in each chunk, and a
bucket on a server that checks signatures. CPU is the pullers' own, without the servers. Memory is the largest a process had.
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
from typing import Any

ROUNDS = 3
MIB = 1 << 20
CHUNK = 8 * MIB
CONNECTIONS = 4
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_DEFAULT_REGION": "us-east-1"}
# aria2c counts connections by host: mirrors that are to count as several have several.
HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def await_port(port: int) -> None:
    """Wait until somebody listens, at most five seconds."""
    for _ in range(50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


@contextmanager
def nginx(folder: Path, servers: dict[int, tuple[Path, int | None]]) -> Iterator[None]:
    """Serve a folder a port, at so many bytes a second for each connection."""
    # The second location is what the Hugging Face client needs of a hub for one file.
    blocks = "".join(
        f"server {{ {' '.join(f'listen {host}:{port};' for host in HOSTS)} root {root}; {f'limit_rate {rate};' if rate else ''}\n"
        f"location ~ ^/bench/model/resolve/[^/]+/(.*)$ {{ alias {root}/$1; add_header X-Repo-Commit {COMMIT}; }} }}\n"
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
            await_port(port)
        yield
        server.terminate()


def timed(command: list[str], environment: dict[str, str] | None = None, output: Path | None = None) -> tuple[float, float, float]:
    """Wall-clock seconds, CPU seconds and peak MiB of one process with its children; what it prints goes to `output`."""
    started = time.perf_counter()
    with open(output or os.devnull, "wb") as printed:  # noqa: PTH123 - os.devnull is a name, not a path
        child = subprocess.Popen(command, stdout=printed, stderr=subprocess.PIPE, env=environment)
    assert child.stderr is not None
    said = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if child.returncode:
        raise SystemExit(f"{command[0]} failed: {said.decode()[-400:]}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def web(ports: list[int]) -> list[str]:
    """Mirrors on web servers."""
    return [
        f'{{kind: http, base: "http://{host}:{port}", max_connections: {CONNECTIONS}}}'
        for host, port in zip(HOSTS, ports, strict=False)
    ]


def catalogue(folder: Path, body: Path, options: list[str], digest: str, *, chunked: bool, name: str = "mirrors") -> Path:
    """A catalogue with one version of one file on some mirrors."""
    chunks = ""
    if chunked:
        with body.open("rb") as file:
            digests = [hashlib.sha256(part).hexdigest() for part in iter(lambda: file.read(CHUNK), b"")]
        chunks = f", chunks: {{size: {CHUNK}, sha256: [{', '.join(digests)}]}}"
    mirrors = "".join(f"  m{n}: {each}\n" for n, each in enumerate(options))
    sources = ", ".join(f"{{mirror: m{n}}}" for n in range(len(options)))
    text = (
        f"schema: 1\nmirrors:\n{mirrors}versions:\n  big:\n    title: bench\n    engine: fastspeech2\n    license: {{name: MIT}}\n"
        f"    sources: [{sources}]\n    files: [{{path: {body.name}, size: {body.stat().st_size}, sha256: {digest}{chunks}}}]\n"
    )
    place = folder / f"{name}-{len(options)}-{chunked}.yaml"
    place.write_text(text)
    return place


def pull(folder: Path, place: Path, more: dict[str, str] | None = None) -> tuple[tuple[float, float, float], dict[str, Any]]:
    """Pull into an empty store; the figures, and what the command says it did."""
    store = folder / "cache_hub"
    shutil.rmtree(store, ignore_errors=True)
    program = str(Path(sys.executable).with_name("indextts-hub"))
    said = folder / "pull.json"
    command = [program, "pull", "big", "-q", "--json", "--catalog", str(place), "--cache-dir", str(store)]
    return timed(command, os.environ | (more or {}), said), json.loads(said.read_bytes())


def aria2(folder: Path, body: Path, ports: list[int], digest: str) -> tuple[float, float, float]:
    """Fetch with aria2c, its checksum on."""
    target = folder / "aria2"
    shutil.rmtree(target, ignore_errors=True)
    urls = [f"http://{host}:{port}/{body.name}" for host, port in zip(HOSTS, ports, strict=False)]
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


def ratio(turns: list[tuple[tuple[float, float, float], ...]], other: int) -> float:
    """How many times as fast as the other the first one was."""
    return round(statistics.median(turn[other][0] / turn[0][0] for turn in turns), 2)


def medians(rows: list[tuple[float, float, float]]) -> dict[str, float]:
    """The median of each figure."""
    seconds, cpu, memory = (statistics.median(column) for column in zip(*rows, strict=True))
    return {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "peak_mib": round(memory)}


def boto3_download(folder: Path, endpoint: str) -> tuple[float, float, float]:
    """Fetch with boto3's own download_file, which checks no digest."""
    program = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1]).download_file('models', 'model.bin', sys.argv[2])"
    return timed([sys.executable, "-c", program, endpoint, str(folder / "boto3")], os.environ | CREDENTIALS)


def hf_download(folder: Path, port: int) -> tuple[float, float, float]:
    """Fetch with the Hugging Face client, which checks no digest either."""
    home = folder / "hf"
    shutil.rmtree(home, ignore_errors=True)
    quiet = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_UPDATE_CHECK": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment = os.environ | quiet | {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(home)}
    return timed([str(Path(sys.executable).with_name("hf")), "download", "bench/model", "model.bin"], environment)


def rclone_copy(folder: Path, endpoint: str) -> tuple[float, float, float]:
    """Fetch with rclone, which compares the ETag if it is an MD5."""
    login = f"access_key_id={CREDENTIALS['AWS_ACCESS_KEY_ID']},secret_access_key={CREDENTIALS['AWS_SECRET_ACCESS_KEY']}"
    remote = f":s3,provider=Other,endpoint='{endpoint}',{login}:models/model.bin"
    program = str(Path(sys.executable).with_name("rclone"))
    return timed([program, "copyto", "--config", "", "--ignore-times", remote, str(folder / "rclone")])


@contextmanager
def bucket(folder: Path) -> Iterator[str]:
    """Serve `folder/models` as a bucket, on a server that checks signatures."""
    (port,) = free_ports(1)
    login = f"{CREDENTIALS['AWS_ACCESS_KEY_ID']},{CREDENTIALS['AWS_SECRET_ACCESS_KEY']}"
    program = str(Path(sys.executable).with_name("rclone"))
    command = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", login, "--config", "", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        await_port(port)
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def made_body(folder: Path, mib: int) -> tuple[Path, str]:
    """A file of so many MiB that does not compress, its digest, and beside it one that is wrong in each chunk."""
    for kind in ("models", "wrong"):
        (folder / kind).mkdir()
    body, block = folder / "models" / "model.bin", os.urandom(MIB)
    with body.open("wb") as file:
        for number in range(mib):
            file.write(number.to_bytes(8, "big") + block[8:])
    with body.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    shutil.copy(body, folder / "wrong")
    with (folder / "wrong" / "model.bin").open("r+b") as file:
        for middle in range(CHUNK // 2, body.stat().st_size, CHUNK):
            file.seek(middle)
            file.write(b"\xff\x00\xff\x00")
    return body, digest


def one_fast_origin(folder: Path, body: Path, digest: str, port: int) -> dict[str, object]:
    """All pullers in turn, from one origin."""
    place = catalogue(folder, body, web([port]), digest, chunked=False)
    turns = [
        (pull(folder, place)[0], aria2(folder, body, [port], digest), curl(folder, body, port), hf_download(folder, port))
        for _ in range(ROUNDS)
    ]
    names = ("indextts-hub", "aria2c", "curl + sha256sum", "hf download, unchecked")
    figures = {name: medians([turn[n] for turn in turns]) for n, name in enumerate(names)}
    return figures | {
        "speed / aria2c": ratio(turns, 1),
        "cpu / aria2c": round(statistics.median(turn[0][1] / turn[1][1] for turn in turns), 2),
        "speed / curl": ratio(turns, 2),
        "speed / hf": ratio(turns, 3),
    }


def four_throttled(folder: Path, body: Path, digest: str, ports: list[int], mib: int) -> dict[str, object]:
    """One file from mirrors of 20, 20, 20 and 5 MiB/s."""
    ours = pull(folder, catalogue(folder, body, web(ports), digest, chunked=False))[0]
    theirs = aria2(folder, body, ports, digest)
    return {
        "MiB/s": round(mib / ours[0], 1),
        "of 65 MiB/s": round(mib / ours[0] / 65, 2),
        "aria2c of 65 MiB/s": round(mib / theirs[0] / 65, 2),
    }


def one_liar(folder: Path, body: Path, digest: str, honest: list[int], liar: int) -> dict[str, object]:
    """Three mirrors, and the same with one of them lying, in turn."""
    good, bad = (
        catalogue(folder, body, web(ports), digest, chunked=True, name=name)
        for ports, name in ((honest, "honest"), ([*honest[:2], liar], "liar"))
    )
    turns = [(pull(folder, good), pull(folder, bad)) for _ in range(ROUNDS)]
    return {
        "time / without": round(statistics.median(lied[0][0] / honest[0][0] for honest, lied in turns), 2),
        "wasted chunks a lie": max(wasted(lied[1]) / CHUNK / lies(lied[1]) for _, lied in turns),
    }


def wasted(document: dict[str, Any]) -> int:
    """Bytes that arrived for nothing."""
    return int(document["bytes_wasted"])


def lies(document: dict[str, Any]) -> int:
    """How often a mirror sent wrong bytes."""
    return sum(len(source["errors"]) for file in document["files"] for source in file["sources"]) or 1


def s3(folder: Path, body: Path, digest: str) -> dict[str, object]:
    """From a bucket, against boto3's own download."""
    with bucket(folder) as endpoint:
        mirror = f'{{kind: s3, endpoint: "{endpoint}", bucket: models, region: us-east-1, max_connections: {CONNECTIONS}}}'
        place = catalogue(folder, body, [mirror], digest, chunked=False, name="s3")
        boto3_download(folder, endpoint)  # the server hashes the file for its ETag when it is first asked: that is nobody's time
        turns = [
            (pull(folder, place, CREDENTIALS)[0], boto3_download(folder, endpoint), rclone_copy(folder, endpoint))
            for _ in range(ROUNDS)
        ]
    names = ("indextts-hub", "boto3 download_file, unchecked", "rclone")
    figures = {name: medians([turn[n] for turn in turns]) for n, name in enumerate(names)}
    return figures | {"speed / boto3": ratio(turns, 1), "speed / rclone": ratio(turns, 2)}


def main() -> None:
    """Run all of it and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        body, digest = made_body(folder, chosen.mib)
        fast, liar, second, third, *throttled = free_ports(8)
        right = folder / "models"
        rates = [5 * MIB] * 3 + [5 * MIB // 4]  # a connection; four of them make 20, 20, 20 and 5 MiB/s
        servers = dict.fromkeys((fast, second, third), (right, None)) | {liar: (folder / "wrong", None)}
        servers |= {port: (right, rate) for port, rate in zip(throttled, rates, strict=True)}
        report: dict[str, object] = {"mib": chosen.mib}
        with nginx(folder, servers):
            report["one fast origin"] = one_fast_origin(folder, body, digest, fast)
            report["four throttled"] = four_throttled(folder, body, digest, throttled, chosen.mib)
            report["one liar of three"] = one_liar(folder, body, digest, [fast, second, third], liar)
        report["s3"] = s3(folder, body, digest)
    print(json.dumps(report, indent=2) if chosen.json else "\n".join(f"{what}: {figures}" for what, figures in report.items()))


if __name__ == "__main__":
    main()
