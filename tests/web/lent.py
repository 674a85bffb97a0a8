"""A store that a hub lends from, with a past: two mirrors that were pulled from, one that never answered, what others fetched."""

import hashlib
import random
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from indextts_hub import Hub
from indextts_hub.accounts import PullOptions
from indextts_hub.db import FileTransfer, PullRecord, open_database, record_pull, sqlite_url
from indextts_hub.db.downloads import DownloadRecord, add_downloads
from indextts_hub.db.scores import MirrorRecord, write_mirror_records
from indextts_hub.manifest import Digest

__all__ = ["BODY", "lend_from"]

BODY = random.Random(3).randbytes(2_000_000)


def lend_from(folder: Path) -> str:
    """Make the store, its catalogue and the database of a service in `folder`; the digest of its version."""
    (folder / "files").mkdir()
    (folder / "files" / "gpt.bin").write_bytes(BODY)
    catalog = folder / "mirrors.yaml"
    catalog.write_text(
        f"schema: 1\nmirrors:\n  usb: {{kind: file, base: '{folder / 'files'}'}}\n  far-cdn: {{kind: http, base: 'http://127.0.0.1:9'}}\n"
        "  modelscope: {kind: modelscope}\n"
        "versions:\n  v23:\n    title: t\n    engine: e\n    license: {name: MIT}\n"
        "    sources: [{mirror: usb}, {mirror: far-cdn}]\n"
        f"    files: [{{path: gpt.bin, size: {len(BODY)}, sha256: {hashlib.sha256(BODY).hexdigest()}}}]\n"
    )
    hub = Hub(folder / "cache_hub", catalog)
    digest = hub.pull("v23", PullOptions(sources=("usb",))).digest
    now = datetime.now(UTC)
    with closing(open_database(sqlite_url(folder / "hub.sqlite3"))) as database:
        for day in range(12):
            errors = ("usb gives 20480 bytes in 30 seconds",) if day == 7 else ()
            gave = (FileTransfer("gpt.bin", Digest("b" * 64), "usb", (3 + day % 5) << 20, 3, errors),)
            pulled = PullRecord(now - timedelta(days=12 - day), "me@here", "v23", digest, "done", 2.0, 1, 1, 0, gave)
            record_pull(database, pulled)
        write_mirror_records(
            database,
            [
                MirrorRecord("usb", 0.0031, 310e6, 36, 0, 0, None),
                MirrorRecord("far-cdn", 0.41, 2.2e6, 4, 5, 1, now + timedelta(hours=1)),
            ],
        )
        add_downloads(
            database,
            [
                DownloadRecord(now.date(), "v23", "studio (0a1b2c3d)", 3, 9_400_000_000),
                DownloadRecord(now.date() - timedelta(days=1), "v23", "10.0.3.17", 1, 4_200_000),
                DownloadRecord(now.date() - timedelta(days=90), "v23", "10.0.3.99", 1, 1),
            ],
        )
    return digest
