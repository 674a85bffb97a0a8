"""A hub that lends what is in its store: `lending.py CACHE CATALOG`. Prints its address, then serves until it is ended."""

import sys

from fastapi import FastAPI

from indextts_hub import Hub
from indextts_hub.mirror import hf_api, hub_api
from indextts_hub.mirror.shelf import Shelf
from synth.service.problems import install_problems
from synth.service.serving import listen, serve

if __name__ == "__main__":
    shelf = Shelf(Hub(sys.argv[1], sys.argv[2]))
    app = FastAPI()
    install_problems(app)
    app.include_router(hub_api.routes(shelf))
    app.include_router(hf_api.routes(shelf))
    serve(app, listen("127.0.0.1", 0), lambda address: print(address, flush=True))  # noqa: T201
