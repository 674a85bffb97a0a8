"""ModelScope's read API, as its client asks it: `MODELSCOPE_ENDPOINT=http://this-hub:7860 modelscope download indextts/lite`.

What the client needs of each answer: https://www.modelscope.cn/docs and the sources of modelscope_hub. Every file is listed with
size and SHA-256, which switches on the client's own checks. The plain addresses `/models/…/resolve/…` are those by which a
catalogue's mirrors of this kind are asked.
"""

import asyncio
from collections.abc import Iterator

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from indextts_hub.errors import NotFound
from indextts_hub.manifest import Json
from indextts_hub.mirror.sending_api import blob_answer
from indextts_hub.mirror.shelf import MODEL_SCOPE, LentFile, Repository, Shelf

__all__ = ["routes"]


def routes(shelf: Shelf) -> APIRouter:  # noqa: C901 - one route a line of the API
    """The routes, over what is lent."""
    router = APIRouter(include_in_schema=False)

    async def at(id_: str, revision: str | None) -> Repository | None:
        return await asyncio.to_thread(_found, shelf, id_, revision or MODEL_SCOPE.branch)

    async def sent(request: Request, id_: str, revision: str | None, path: str) -> Response:
        repository = await at(id_, revision)
        if repository is None:
            return _absent("the repository is not here at this revision")
        if (file := repository.file(path)) is None:
            return _absent("the repository has no such file")
        headers = {"X-Linked-ETag": f'"{file.sha256}"', "Cache-Control": "no-cache"}
        return await blob_answer(shelf, file.sha256, request, headers)

    @router.get("/api/v1/models/{owner}/{name}/repo/files")
    async def files(request: Request, owner: str, name: str) -> Response:
        asked = request.query_params
        repository = await at(f"{owner}/{name}", asked.get("Revision"))
        if repository is None:
            return _absent("the repository is not here at this revision")
        deep = asked.get("Recursive", "").lower() == "true"
        return _answer({"Files": list(_tree(repository, asked.get("Root", ""), deep=deep))})

    @router.api_route("/api/v1/models/{owner}/{name}/repo", methods=["GET", "HEAD"])
    async def file(request: Request, owner: str, name: str) -> Response:
        asked = request.query_params
        return await sent(request, f"{owner}/{name}", asked.get("Revision"), asked.get("FilePath", ""))

    @router.get("/api/v1/models/{owner}/{name}/revisions")
    async def revisions(owner: str, name: str) -> Response:
        try:
            found = await asyncio.to_thread(shelf.repositories, f"{owner}/{name}", MODEL_SCOPE)
        except NotFound:
            return _absent("no such repository is lent here")
        tags: list[Json] = [{"Revision": each.commit} for each in found if each.commit != each.branch]
        return _answer({"RevisionMap": {"Branches": [{"Revision": MODEL_SCOPE.branch}], "Tags": tags}})

    @router.get("/api/v1/models/{owner}/{name}")
    async def info(owner: str, name: str) -> Response:
        repository = await at(f"{owner}/{name}", None)
        if repository is None:
            return _absent("no such repository is lent here")
        size = sum(each.size for each in repository.files)
        return _answer({"Path": owner, "Name": name, "Revision": repository.branch, "StorageSize": size})

    @router.api_route("/models/{owner}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    async def resolve(request: Request, owner: str, name: str, revision: str, path: str) -> Response:
        return await sent(request, f"{owner}/{name}", revision, path)

    return router


def _found(shelf: Shelf, id_: str, revision: str) -> Repository | None:
    try:
        repositories = shelf.repositories(id_, MODEL_SCOPE)
    except NotFound:
        return None
    return next((repository for repository in repositories if repository.is_at(revision)), None)


def _answer(body: Json) -> Response:
    return JSONResponse({"Code": 200, "Success": True, "Message": "success", "Data": body})


def _absent(message: str) -> Response:
    return JSONResponse({"Code": 404, "Success": False, "Message": message, "Data": None}, status_code=404)


def _tree(repository: Repository, root: str, *, deep: bool) -> Iterator[Json]:
    """The entries below a folder, folders too; none where there is no such folder."""
    inside = f"{root.strip('/')}/" if root.strip("/") else ""
    folders: dict[str, None] = {}
    for file in repository.files:
        if not file.path.startswith(inside):
            continue
        steps = file.path.removeprefix(inside).split("/")[:-1]
        for depth in range(len(steps) if deep else min(1, len(steps))):
            folders[inside + "/".join(steps[: depth + 1])] = None
        if deep or not steps:
            yield _entry(file)
    for path in folders:
        yield {"Path": path, "Name": path.rpartition("/")[2], "Type": "tree", "Size": 0}


def _entry(file: LentFile) -> Json:
    return {
        "Path": file.path,
        "Name": file.path.rpartition("/")[2],
        "Type": "blob",
        "Size": file.size,
        "Sha256": file.sha256,
        "IsLFS": True,
        "Mode": "100644",
    }
