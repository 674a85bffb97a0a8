"""All routes by which other machines pull from this hub, in the order in which they must be asked."""

from fastapi import APIRouter

from indextts_hub.db import Database
from indextts_hub.mirror import hf_api, hub_api, links_api, modelscope_api
from indextts_hub.mirror.shelf import Shelf

__all__ = ["routes"]


def routes(shelf: Shelf, database: Database) -> list[APIRouter]:
    """The routes, over what is lent and the links to it.

    The Hugging Face Hub's come last: the address of a file there begins with any two names.
    """
    return [hub_api.routes(shelf), links_api.routes(shelf, database), modelscope_api.routes(shelf), hf_api.routes(shelf)]
