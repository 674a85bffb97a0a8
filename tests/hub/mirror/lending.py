"""A hub that lends what is in its store: `lending.py CACHE CATALOG [OPTION...]`.

It prints its address, then serves until it is ended. With `--keys` it asks for those in the store's database, as `serve` does on a
network; with `--pull-through` it fetches what is not here; with `--accel` an nginx in front sends files. `--at-once=N` and
`--rate=BYTES` are each client's share; `--host` and `--port` are where it listens.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.mirror import lent_api
from indextts_hub.mirror.downloads import Downloads, Share
from indextts_hub.mirror.passthrough import Passthrough
from indextts_hub.mirror.recording import Recording
from indextts_hub.mirror.shelf import Shelf
from synth.service.auth import Gate, Keys
from synth.service.problems import install_problems
from synth.service.serving import listen, serve

if __name__ == "__main__":
    hub = Hub(sys.argv[1], sys.argv[2])
    options = dict(option.lstrip("-").partition("=")[::2] for option in sys.argv[3:])
    hub.store  # noqa: B018 - made here, so that the database finds a folder
    database = open_database(hub.database_url)
    share = Share(int(options["at-once"]) if "at-once" in options else None, int(options["rate"]) if "rate" in options else None)
    shelf = Shelf(hub, Passthrough(hub) if "pull-through" in options else None, options.get("accel"), Downloads(share))
    recording = Recording(shelf, database, 0.2)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(recording.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    app = FastAPI(lifespan=running)
    install_problems(app)
    for routes in lent_api.routes(hub, shelf, database):
        app.include_router(routes)
    if "keys" in options:
        app.add_middleware(Gate, keys=Keys(database))
    listening = listen(options.get("host", "127.0.0.1"), int(options.get("port", "0")))
    serve(app, listening, lambda address: print(address, flush=True))  # noqa: T201
