"""A real PostgreSQL server of the tests' own, on loopback."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["PROGRAMS", "postgres_server"]


def _programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are: Debian keeps them off the path."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


PROGRAMS = _programs()


@contextmanager
def postgres_server() -> Iterator[str]:
    """Start one and give its URL without a database's name; it is gone at the end of the block."""
    assert PROGRAMS is not None
    # It refuses to run as root; Debian's package has a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        def run(*command: str | Path) -> None:
            subprocess.run(command, check=True, cwd=folder, user=user, stdout=subprocess.DEVNULL, timeout=60)

        owner = user or getpass.getuser()
        run(PROGRAMS / "initdb", "-D", folder / "data", "-A", "trust", "-U", owner, "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        control = (PROGRAMS / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w")
        run(*control, "-o", options, "start")
        try:
            yield f"postgresql://{owner}@127.0.0.1:{port}"
        finally:
            run(*control, "-m", "immediate", "stop")
