"""One life of a database, run as a process of its own that may be killed at any system call.

    python -m tests.hub.db.life FILE NAME

It makes or upgrades the database and writes one pull with two transfers down.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from indextts_hub.db import FileTransfer, PullRecord, open_database, record_pull, sqlite_url
from indextts_hub.manifest import Digest

DIGEST = Digest("a" * 64)


def live(file: Path, version: str) -> None:
    """The whole life."""
    database = open_database(sqlite_url(file))
    transfers = tuple(FileTransfer(path, DIGEST, "mirror", 1, 1) for path in ("a", "b"))
    record_pull(database, PullRecord(datetime.now(UTC), "me@here", version, DIGEST, "done", 1.0, 2, 2, 0, transfers))
    database.close()


if __name__ == "__main__":
    live(Path(sys.argv[1]), sys.argv[2])
