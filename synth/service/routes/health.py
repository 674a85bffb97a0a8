"""`/healthz`: the process answers. `/readyz`: a version can speak. `/metrics`: how it does."""

import asyncio
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from synth.service.metrics import CONTENT_TYPE, Metrics
from synth.service.versions import Served, ServedVersion
from synth.worker.supervisor import WorkerState

__all__ = ["SERVICE", "routes"]

UNREACHED = "unreached"
# Whoever balances load by /readyz asks every few seconds.
DISK_SECONDS = 2.0
SERVICE = "indextts-hub"
"""What `/healthz` answers with, so that a client knows whom it has found on a port."""


class Health(BaseModel):
    """The service is here."""

    service: str = SERVICE
    status: str = "ok"


class Readiness(BaseModel):
    """How one served version stands."""

    version: str
    digest: str
    engine: str
    state: str
    waiting: int
    restarts: int
    emotions: list[str]
    languages: list[str]
    controls: list[str]
    cloning: bool
    own_voice: bool
    weights: str | None
    trouble: str | None


def routes(served: Served, metrics: Metrics) -> APIRouter:
    """The routes, over the versions that are served and what is counted."""
    router = APIRouter(tags=["service"])

    @router.get("/healthz", summary="Whether the service is alive")
    async def healthz() -> Health:
        return Health()

    @router.get("/readyz", summary="Whether a version can speak", response_model=list[Readiness])
    async def readyz() -> Response:
        reached = await asyncio.gather(*(_is_reached(version.supervisor.snapshot) for version in served))
        found = [
            Readiness(
                version=version.name,
                digest=version.digest,
                engine=version.engine,
                state=version.supervisor.state if there else UNREACHED,
                waiting=version.turns.waiting,
                restarts=version.supervisor.restarts,
                emotions=list(can.emotions) if (can := version.supervisor.capabilities) else [],
                languages=list(can.languages) if can else [],
                controls=list(can.controls) if can else [],
                cloning=can is not None and can.cloning,
                own_voice=can is None or can.own_voice,
                weights=None if (sealed := version.supervisor.sealed) is None else "sealed" if sealed else "watched",
                trouble=_trouble(version) if there else "its disk does not answer, or was taken away",
            )
            for version, there in zip(served, reached, strict=True)
        ]
        ready = any(version.state == WorkerState.READY for version in found)
        headers = {} if ready else {"Retry-After": "5"}
        return JSONResponse([version.model_dump() for version in found], 200 if ready else 503, headers)

    @router.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
    async def numbers() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router


def _trouble(version: ServedVersion) -> str | None:
    return None if version.supervisor.trouble is None else version.supervisor.trouble.message


async def _is_reached(folder: Path) -> bool:
    """Whether a version's files can be looked at, and soon: a disk that was taken away may hang instead of answering."""
    try:
        async with asyncio.timeout(DISK_SECONDS):
            return await asyncio.to_thread(folder.is_dir)
    except TimeoutError:
        return False
