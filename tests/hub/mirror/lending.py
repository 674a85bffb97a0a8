"""A hub that lends what is in its store: `lending.py CACHE CATALOG [--keys] [--pull-through] [--accel=PATH]`.

It prints its address, then serves until it is ended. With `--keys` it asks for those in the store's database, as `serve` does on a
network; with `--pull-through` it fetches what is not here; with `--accel` an nginx in front sends files.
"""

import sys

from fastapi import FastAPI

from indextts_hub import Hub
from indextts_hub.db import open_database
from indextts_hub.mirror import lent_api
from indextts_hub.mirror.passthrough import Passthrough
from indextts_hub.mirror.shelf import Shelf
from synth.service.auth import Gate, Keys
from synth.service.problems import install_problems
from synth.service.serving import listen, serve

if __name__ == "__main__":
    hub = Hub(sys.argv[1], sys.argv[2])
    app = FastAPI()
    install_problems(app)
    hub.store  # noqa: B018 - made here, so that the database finds a folder
    database = open_database(hub.database_url)
    accel = next((option.partition("=")[2] for option in sys.argv if option.startswith("--accel=")), None)
    shelf = Shelf(hub, Passthrough(hub) if "--pull-through" in sys.argv else None, accel)
    for routes in lent_api.routes(hub, shelf, database):
        app.include_router(routes)
    if "--keys" in sys.argv:
        app.add_middleware(Gate, keys=Keys(database))
    serve(app, listen("127.0.0.1", 0), lambda address: print(address, flush=True))  # noqa: T201
