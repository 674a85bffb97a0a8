"""`/hub/models`: what is here and what there is, for who manages versions from the page. What changes something wants `admin`.

GET  /hub/models                    {"models": […], "disk": {"used", "free", "garbage"}, "may_change"}
POST /hub/models/NAME/pull          {"accept_license"}: 202, and `act` of GET /hub/models says how it goes
POST /hub/models/NAME/verify        {"repair"}: 202
POST /hub/models/NAME/stop          202; what arrived stays
POST /hub/models/NAME/pin           {"pinned"}
POST /hub/aliases/NAME              {"reference"}
POST /hub/aliases/NAME/rollback
POST /hub/gc                        {"freed"}
"""

import asyncio
import shutil
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel

from indextts_hub.accounts import Listed
from indextts_hub.hub import Hub
from indextts_hub.mirror.acts import Act, Acts, ActState, Kind

__all__ = ["routes"]

_ADMIN = "admin"


class LicenseBody(BaseModel):
    """`accept`: whether it must be accepted before a pull; `accepted`: whether somebody did."""

    name: str
    url: str | None
    note: str | None
    commercial: bool | None
    accept: bool
    accepted: bool


class ActBody(BaseModel):
    """What is or was done with a version; `bytes` of `total` are moved or hashed, `mirrors` gave so many."""

    kind: Kind
    state: ActState
    bytes: int
    total: int
    bytes_per_second: float
    mirrors: dict[str, int]
    code: str | None
    error: str | None
    remedy: str | None
    bad: list[str]


class ModelBody(BaseModel):
    """A version; `current`: whether it is the one that its name alone means."""

    version: str
    digest: str
    title: str | None
    engine: str
    size: int
    state: str
    aliases: list[str]
    pinned: bool
    current: bool
    revoked: str | None
    license: LicenseBody
    act: ActBody | None


class DiskBody(BaseModel):
    """Bytes: that the versions here take, that are free, that `gc` would free."""

    used: int
    free: int
    garbage: int


class ModelList(BaseModel):
    """All versions that are here or in the catalogue; `may_change`: whether whoever asks may change something."""

    models: list[ModelBody]
    disk: DiskBody
    may_change: bool


class FreedBody(BaseModel):
    """Bytes that were freed."""

    freed: int


class AliasBody(BaseModel):
    """What an alias means now."""

    alias: str
    version: str
    digest: str


def routes(hub: Hub, *, changes: bool) -> APIRouter:
    """The routes; with `changes` also those that change something."""
    router = APIRouter(prefix="/hub", tags=["hub"])
    acts = Acts(hub)

    @router.get("/models", summary="The versions that are here or in the catalogue, and what is done with them")
    async def models(request: Request) -> ModelList:
        scopes = request.scope.get("state", {}).get("scopes")
        return await asyncio.to_thread(_models, hub, acts, changes and (scopes is None or _ADMIN in scopes))

    if changes:
        _add_changes(router, hub, acts)
    return router


def _add_changes(router: APIRouter, hub: Hub, acts: Acts) -> None:
    @router.post("/models/{name}/pull", status_code=202, summary="Begin to pull a version")
    async def pull(name: str, accept_license: Annotated[bool, Body(embed=True)] = False) -> ActBody:
        return _act(await asyncio.to_thread(acts.pull, name, accept_license=accept_license))

    @router.post("/models/{name}/verify", status_code=202, summary="Begin to hash a version's files again, and to mend them")
    async def verify(name: str, repair: Annotated[bool, Body(embed=True)] = False) -> ActBody:
        return _act(await asyncio.to_thread(acts.verify, name, repair=repair))

    @router.post("/models/{name}/stop", status_code=202, summary="Stop what is being done with a version")
    async def stop(name: str) -> ActBody:
        return _act(acts.stop(name))

    @router.post("/models/{reference}/pin", status_code=204, summary="Keep a version from being collected, or no more")
    async def pin(reference: str, pinned: Annotated[bool, Body(embed=True)]) -> None:
        await asyncio.to_thread(hub.pin if pinned else hub.unpin, reference)

    @router.post("/aliases/{alias}", summary="Make an alias mean a version that is here")
    async def set_alias(alias: str, reference: Annotated[str, Body(embed=True)]) -> AliasBody:
        target = (await asyncio.to_thread(hub.set_alias, alias, reference)).target
        return AliasBody(alias=alias, version=target.version, digest=target.digest)

    @router.post("/aliases/{alias}/rollback", summary="Make an alias mean what it meant before")
    async def roll_back(alias: str) -> AliasBody:
        target = (await asyncio.to_thread(hub.roll_back_alias, alias)).target
        return AliasBody(alias=alias, version=target.version, digest=target.digest)

    @router.post("/gc", summary="Free the space that nothing needs")
    async def gc() -> FreedBody:
        return FreedBody(freed=(await asyncio.to_thread(hub.gc)).freed_bytes)


def _models(hub: Hub, acts: Acts, may_change: bool) -> ModelList:
    listed = list(hub.list_versions(all_known=True))
    here = [row for row in listed if row.state != "absent"]
    needed = {digest: size for row in here for digest, size in hub.store.manifests.read(row.digest).blobs()}
    disk = DiskBody(
        used=sum(size for digest, size in needed.items() if hub.store.blobs.has(digest, size)),
        free=shutil.disk_usage(hub.store.root).free,
        garbage=hub.gc(dry_run=True).freed_bytes,
    )
    return ModelList(models=list(_bodies(hub, acts, listed)), disk=disk, may_change=may_change)


def _bodies(hub: Hub, acts: Acts, listed: list[Listed]) -> Iterator[ModelBody]:
    meant = hub.lock()
    for row in listed:
        known = hub.catalog.versions.get(row.version)
        same = known is not None and known.manifest.digest == row.digest
        current = meant.get(row.version, row.digest) == row.digest
        terms = known.license if known is not None and same else hub.store.manifests.read(row.digest).license
        act = acts.of(row.version) if current else None
        yield ModelBody(
            version=row.version,
            digest=row.digest,
            title=known.title if known is not None and same else None,
            engine=row.engine,
            size=row.size,
            state=row.state,
            aliases=[*row.aliases],
            pinned=row.pinned,
            current=current,
            revoked=hub.revocation(row.version, row.digest),
            license=LicenseBody(
                name=terms.name,
                url=terms.url,
                note=known.license_note if known is not None and same else None,
                commercial=terms.commercial,
                accept=known is not None and same and known.accept,
                accepted=hub.books.is_accepted(row.digest),
            ),
            act=None if act is None else _act(act),
        )


def _act(act: Act) -> ActBody:
    error = act.error
    return ActBody(
        kind=act.kind,
        state=act.state,
        bytes=act.bytes,
        total=act.total,
        bytes_per_second=sum(act.mirrors.values()) / max(act.seconds, 0.001)
        if act.mirrors
        else act.bytes / max(act.seconds, 0.001),
        mirrors=dict(act.mirrors),
        code=None if error is None else error.code,
        error=None if error is None else error.message,
        remedy=None if error is None else error.remedy,
        bad=[*act.bad],
    )
