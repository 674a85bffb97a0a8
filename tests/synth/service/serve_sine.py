"""The real service with the tests' small engine: `serve_sine.py FOLDER [keys] [lends]`. Prints its address, then serves.

With `keys` it asks for them; with `lends` it is a mirror as well, of the store `cache_hub` with the catalogue `mirrors.yaml`. What
the folder has in `settings.json` replaces the settings below; `wanted.json`, a list of names, digests and aliases, is followed
while it runs, each version with a folder of its own below `versions`.
"""

import json
import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from fastapi import APIRouter

from indextts_hub import Hub
from indextts_hub.audit import AuditLog
from indextts_hub.db import open_database, sqlite_url
from indextts_hub.manifest import Json
from indextts_hub.mirror import lent_api
from indextts_hub.mirror.recording import Recording
from indextts_hub.mirror.shelf import Shelf
from synth.audio.cue import Cue
from synth.audio.label import Marks
from synth.service.app import create_app
from synth.service.edge import Bounds
from synth.service.following import Following, Wanted
from synth.service.limits import Allowance
from synth.service.queue import Turns
from synth.service.serving import listen, serve
from synth.service.settings import ServiceSettings
from synth.service.versions import Memory, Served, ServedVersion
from synth.worker.process import Launch, TimeLimits
from synth.worker.supervisor import Recycling, Supervisor

ALONE = [{"name": "sine", "digest": "ab" * 32, "aliases": ["stable"]}]


def main() -> None:
    folder = Path(sys.argv[1])
    chosen = read(folder / "settings.json", {})
    settings = ServiceSettings(
        folder / "audio",
        folder / "voices",
        chosen.get("database") or sqlite_url(folder / "hub.sqlite3"),
        queue=chosen.get("queue", 2),
        longest_text=2000,
        bodies=Bounds(2**20, 1.0),
        limits=TimeLimits(start=30, segment=20),
        allowance=Allowance(chosen.get("requests", ""), chosen.get("speech", "")),
        marks=Marks(cue=Cue(chosen.get("cue", "none"))),
        asks_for_keys="keys" in sys.argv,
    )
    look = partial(wanted, folder)
    make = partial(made, folder, settings, Recycling(turns=chosen.get("recycle", 1000)))
    memory = Memory(chosen.get("memory"), lambda: None, lambda pid: 100 if pid else 0)
    served = Served(tuple(map(make, look())), memory)
    (folder / "audit").mkdir(exist_ok=True)
    log = AuditLog(folder / "audit")

    def acts(
        act: str, subject: str, outcome: str = "done", details: Mapping[str, Json] | None = None, actor: str | None = None
    ) -> None:
        log.append(act, subject, outcome=outcome, details=details, actor=actor)

    lent, recording = lending(folder, settings.database_url) if "lends" in sys.argv else ((), None)
    following = partial(Following, look=look, make=make)
    app = create_app(settings, served, lent, following, acts, recording)

    @app.get("/test/broken", include_in_schema=False)
    async def broken() -> None:
        raise RuntimeError(f"a secret in {folder}")

    @app.get("/test/modules", include_in_schema=False)
    async def modules() -> list[str]:
        return sorted(sys.modules)

    proxies = chosen.get("trusted_proxies", "")
    serve(app, listen("127.0.0.1", 0), lambda address: print(address, flush=True), proxies)  # noqa: T201


def lending(folder: Path, database_url: str) -> tuple[list[APIRouter], Recording]:
    """The routes of a mirror, and what writes down what it gives; both end with the process."""
    hub, database = Hub(folder / "cache_hub", folder / "mirrors.yaml"), open_database(database_url)
    shelf = Shelf(hub)
    return lent_api.routes(hub, shelf, database), Recording(shelf, database, 0.2)


def wanted(folder: Path) -> tuple[Wanted, ...]:
    return tuple(Wanted(row["name"], row["digest"], tuple(row["aliases"])) for row in read(folder / "wanted.json", ALONE))


def made(folder: Path, settings: ServiceSettings, recycling: Recycling, want: Wanted) -> ServedVersion:
    snapshot = folder / "versions" / want.digest[:12] if (folder / "wanted.json").exists() else folder
    supervisor = Supervisor(Launch("tests.synth.worker.sine", snapshot), settings.limits, recycling=recycling)
    return ServedVersion(want.name, want.digest, "sine", want.aliases, supervisor, Turns(settings.queue), needs=100)


def read(file: Path, otherwise: object) -> object:
    return json.loads(file.read_text()) if file.exists() else otherwise


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[3])
    main()
