"""The read API of the Hugging Face Hub, as its clients ask it: `HF_ENDPOINT=http://this-hub:7860 hf download indextts/lite`.

What the clients need of each answer: https://huggingface.co/docs/hub/api and the sources of huggingface_hub. Every file is answered
as one of Git LFS, with its SHA-256 as the ETag, so that a client can name and check it; nothing here knows xet.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import JSONResponse, Response

from indextts_hub.errors import NotFound
from indextts_hub.manifest import Json
from indextts_hub.mirror.sending_api import blob_answer
from indextts_hub.mirror.shelf import HUGGING_FACE, LentFile, Repository, Shelf

__all__ = ["routes"]

# As the Hub itself pages.
PAGE = 1000
LARGEST_FORM = 1 << 20


def routes(shelf: Shelf) -> APIRouter:  # noqa: C901 - one route a line of the API
    """The routes, over what is lent. Include them last: the address of a file begins with any two names."""
    router = APIRouter(include_in_schema=False)

    async def at(id_: str, revision: str) -> Repository:
        return await asyncio.to_thread(_found, shelf, id_, revision)

    @router.get("/api/agent-harnesses")
    async def harnesses() -> Response:
        return JSONResponse({"standardEnvVars": [], "harnesses": {}})

    @router.get("/api/models/{namespace}/{name}/revision/{revision}")
    async def revision_info(namespace: str, name: str, revision: str) -> Response:
        return JSONResponse(_info(await at(f"{namespace}/{name}", revision)))

    @router.get("/api/models/{namespace}/{name}/tree/{revision}")
    @router.get("/api/models/{namespace}/{name}/tree/{revision}/{folder:path}")
    async def tree(request: Request, namespace: str, name: str, revision: str, folder: str = "") -> Response:
        repository = await at(f"{namespace}/{name}", revision)
        deep = request.query_params.get("recursive", "").lower() == "true"
        entries = list(_tree(repository, folder, deep=deep))
        cursor = request.query_params.get("cursor", "0")
        start = int(cursor) if re.fullmatch(r"[0-9]{1,9}", cursor) else 0
        headers = {"X-Repo-Commit": repository.commit}
        if start + PAGE < len(entries):
            following = request.url.include_query_params(cursor=start + PAGE)
            headers["Link"] = f'<{following}>; rel="next"'
        return JSONResponse(entries[start : start + PAGE], headers=headers)

    @router.get("/api/models/{namespace}/{name}/refs")
    async def refs(namespace: str, name: str) -> Response:
        repository = await at(f"{namespace}/{name}", HUGGING_FACE.branch)
        branch = {"name": repository.branch, "ref": f"refs/heads/{repository.branch}", "targetCommit": repository.commit}
        return JSONResponse({"branches": [branch], "tags": [], "converts": []})

    @router.post("/api/models/{namespace}/{name}/paths-info/{revision}")
    async def paths_info(request: Request, namespace: str, name: str, revision: str) -> Response:
        repository = await at(f"{namespace}/{name}", revision)
        asked = parse_qs((await request.body())[:LARGEST_FORM].decode("utf-8", "replace")).get("paths", [])
        return JSONResponse([_entry(file) for file in repository.files if file.path in asked])

    @router.get("/api/models/{namespace}/{name}")
    async def info(namespace: str, name: str) -> Response:
        return JSONResponse(_info(await at(f"{namespace}/{name}", HUGGING_FACE.branch)))

    @router.api_route("/{namespace}/{name}/resolve/{revision}/{path:path}", methods=["GET", "HEAD"])
    async def resolve(request: Request, namespace: str, name: str, revision: str, path: str) -> Response:
        repository = await at(f"{namespace}/{name}", revision)
        if (file := repository.file(path)) is None:
            raise _absent("EntryNotFound", "the repository has no such file", repository.commit)
        linked = {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
        named = f"inline; filename*=UTF-8''{quote(file.path.rpartition('/')[2])}"
        headers = {"X-Repo-Commit": repository.commit, "Content-Disposition": named, "Cache-Control": "no-cache", **linked}
        return await blob_answer(shelf, file.sha256, request, headers)

    return router


def _found(shelf: Shelf, id_: str, revision: str) -> Repository:
    """A repository at a revision.

    Raises:
        HTTPException: 404, with the code that the client's own exceptions are made from.
    """
    try:
        repositories = shelf.repositories(id_, HUGGING_FACE)
    except NotFound:
        raise _absent("RepoNotFound", "no such repository is lent here") from None
    for repository in repositories:
        if repository.is_at(revision):
            return repository
    raise _absent("RevisionNotFound", "the repository is not here at this revision")


def _absent(code: str, message: str, commit: str | None = None) -> HTTPException:
    # With the commit the client remembers what is not there.
    known = {"X-Repo-Commit": commit} if commit else {}
    return HTTPException(404, message, {"X-Error-Code": code, "X-Error-Message": message, **known})


def _info(repository: Repository) -> Json:
    return {
        "_id": repository.commit[:24],
        "id": repository.id,
        "modelId": repository.id,
        "sha": repository.commit,
        "private": False,
        "gated": False,
        "disabled": False,
        "tags": [],
        "siblings": [
            {"rfilename": file.path, "size": file.size, "blobId": file.oid, "lfs": _lfs(file, "sha256")}
            for file in repository.files
        ],
    }


def _lfs(file: LentFile, digest: str) -> dict[str, Json]:
    # The Hub names the digest `sha256` here and `oid` in a tree.
    return {digest: file.sha256, "size": file.size, "pointerSize": len(file.pointer)}


def _entry(file: LentFile) -> dict[str, Json]:
    return {"type": "file", "path": file.path, "size": file.size, "oid": file.oid, "lfs": _lfs(file, "oid")}


def _tree(repository: Repository, folder: str, *, deep: bool) -> Iterator[Json]:
    """The entries below a folder, sorted by path; folders too."""
    inside = f"{folder.strip('/')}/" if folder.strip("/") else ""
    folders: dict[str, None] = {}
    files = [file for file in repository.files if file.path.startswith(inside)]
    if inside and not files:
        raise _absent("EntryNotFound", "the repository has no such folder", repository.commit)
    for file in files:
        steps = file.path.removeprefix(inside).split("/")[:-1]
        for depth in range(len(steps) if deep else min(1, len(steps))):
            folders[inside + "/".join(steps[: depth + 1])] = None
        if deep or not steps:
            yield _entry(file)
    for path in folders:
        oid = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
        yield {"type": "directory", "path": path, "size": 0, "oid": oid}
