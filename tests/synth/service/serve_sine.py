"""The real service with the tests' small engine: `serve_sine.py FOLDER [keys]`. Prints its address, then serves until it is ended.

With `keys` it asks for them.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from indextts_hub.db import sqlite_url
from synth.service.app import create_app
from synth.service.queue import Turns
from synth.service.serving import listen, serve
from synth.service.settings import ServiceSettings
from synth.service.versions import Served, ServedVersion
from synth.worker.process import Launch, TimeLimits
from synth.worker.supervisor import Supervisor


def main() -> None:
    folder = Path(sys.argv[1])
    settings = ServiceSettings(folder / "audio", sqlite_url(folder / "hub.sqlite3"), queue=2, longest_text=2000, body_seconds=1.0)
    settings = replace(settings, limits=TimeLimits(start=30, segment=20), asks_for_keys="keys" in sys.argv)
    launch = Launch("tests.synth.worker.sine", folder)
    version = ServedVersion("sine", "ab" * 32, "sine", ("stable",), Supervisor(launch, settings.limits), Turns(settings.queue))
    app = create_app(settings, Served([version]))

    @app.get("/test/broken")
    async def broken() -> None:
        raise RuntimeError(f"a secret in {folder}")

    @app.get("/test/modules")
    async def modules() -> list[str]:
        return sorted(sys.modules)

    serve(app, listen("127.0.0.1", 0), lambda address: print(address, flush=True))  # noqa: T201


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[3])
    main()
