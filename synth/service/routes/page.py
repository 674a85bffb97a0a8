"""`/`: the page, and what it is made of, all from this installation."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

__all__ = ["Assets", "routes"]


class Assets(StaticFiles):
    """Files whose names change with what is in them: browsers may keep them for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def routes(web: Path) -> APIRouter:
    """The routes, over the folder with the built page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def page() -> FileResponse:
        return FileResponse(web / "index.html", headers={"Cache-Control": "no-cache"})

    @router.get("/docs")
    async def docs() -> FileResponse:
        return FileResponse(web / "docs.html", headers={"Cache-Control": "no-cache"})

    return router
