"""A hub in a process of its own that lends a version of three files, from a part of its own and one of a public repository."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions

ROOT = Path(__file__).parents[3]
COMMIT = "740dcaff396282ffb241903d150ac011cd4b1ede"
FILES = {
    "config.yaml": b"version: 2\n",
    "gpt.bin": random.Random(1).randbytes(3_000_000),
    "hf_cache/w2v/weights 中文.bin": random.Random(2).randbytes(500_000),
}


@dataclass(frozen=True)
class Lender:
    address: str
    digest: str
    folder: Path


def listed(path: str) -> str:
    return f"{{path: '{path}', size: {len(FILES[path])}, sha256: {hashlib.sha256(FILES[path]).hexdigest()}}}"


@contextmanager
def lent(folder: Path) -> Iterator[Lender]:
    for path, body in FILES.items():
        (folder / "files" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / path).write_bytes(body)
    catalog = folder / "mirrors.yaml"
    own, part = [path for path in FILES if "/" not in path], "hf_cache/w2v/weights 中文.bin"
    catalog.write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{folder / 'files'}'}}\n  hf: {{kind: huggingface}}\n"
        "  ms: {kind: modelscope}\nversions:\n  v23:\n    title: t\n    engine: indextts2\n    license: {name: MIT}\n    parts:\n"
        f"      - {{sources: [{{mirror: usb}}, {{mirror: hf, repo: IndexTeam/IndexTTS-2, revision: {COMMIT}}},\n"
        "                    {mirror: ms, repo: IndexTeam/IndexTTS-2}],\n"
        f"         files: [{', '.join(map(listed, own))}]}}\n"
        f"      - {{at: hf_cache/w2v, sources: [{{mirror: usb, path: 'hf_cache/w2v/{{path}}'}}],\n"
        f"         files: [{listed(part).replace('hf_cache/w2v/', '')}]}}\n",
        "utf-8",
    )
    digest = Hub(folder / "cache", catalog).pull("v23", PullOptions(sources=("usb",))).digest
    with lending(folder / "cache", catalog) as address:
        yield Lender(address, digest, folder)


@contextmanager
def lending(cache: Path, catalog: Path, *options: str) -> Iterator[str]:
    """Lend what is in a store; gives the address."""
    command = [sys.executable, "-m", "tests.hub.mirror.lending", str(cache), str(catalog), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
