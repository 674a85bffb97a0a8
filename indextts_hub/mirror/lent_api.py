"""All routes by which other machines pull from this hub, and bring to it, in the order in which they must be asked."""

from fastapi import APIRouter

from indextts_hub.db import Database
from indextts_hub.hub import Hub
from indextts_hub.mirror import hf_api, hub_api, links_api, models_api, modelscope_api, receiving_api, record_api
from indextts_hub.mirror.shelf import Shelf

__all__ = ["routes"]


def routes(hub: Hub, shelf: Shelf, database: Database, *, receives: bool = True) -> list[APIRouter]:
    """The routes, over what a hub lends, the links to it, and what it has written down.

    `receives`: whether others may bring versions, and change what is here; only where keys are asked for, or nobody else can reach
    it.

    The Hugging Face Hub's come last: the address of a file there begins with any two names.
    """
    return [
        hub_api.routes(shelf),
        *([receiving_api.routes(hub)] if receives else []),
        models_api.routes(hub, changes=receives),
        record_api.routes(hub, database),
        links_api.routes(shelf, database),
        modelscope_api.routes(shelf),
        hf_api.routes(shelf),
    ]
