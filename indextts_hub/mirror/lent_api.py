"""All routes by which other machines pull from this hub, in the order in which they must be asked."""

from fastapi import APIRouter

from indextts_hub.mirror import hf_api, hub_api, modelscope_api
from indextts_hub.mirror.shelf import Shelf

__all__ = ["routes"]


def routes(shelf: Shelf) -> list[APIRouter]:
    """The routes, over what is lent. The Hugging Face Hub's come last: the address of a file there begins with any two names."""
    return [hub_api.routes(shelf), modelscope_api.routes(shelf), hf_api.routes(shelf)]
