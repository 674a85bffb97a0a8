"""`/healthz`: the process answers. `/readyz`: a version can speak. `/metrics`: how it does."""

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, PlainTextResponse, Response

from synth.service.metrics import CONTENT_TYPE, Metrics
from synth.service.versions import Served
from synth.worker.supervisor import WorkerState

__all__ = ["SERVICE", "routes"]

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
    trouble: str | None


def routes(served: Served, metrics: Metrics) -> APIRouter:
    """The routes, over the versions that are served and what is counted."""
    router = APIRouter(tags=["service"])

    @router.get("/healthz", summary="Whether the service is alive")
    async def healthz() -> Health:
        return Health()

    @router.get("/readyz", summary="Whether a version can speak", response_model=list[Readiness])
    async def readyz() -> Response:
        found = [
            Readiness(
                version=version.name,
                digest=version.digest,
                engine=version.engine,
                state=version.supervisor.state,
                waiting=version.turns.waiting,
                restarts=version.supervisor.restarts,
                emotions=list(can.emotions) if (can := version.supervisor.capabilities) else [],
                trouble=None if version.supervisor.trouble is None else version.supervisor.trouble.message,
            )
            for version in served
        ]
        ready = any(version.state == WorkerState.READY for version in found)
        headers = {} if ready else {"Retry-After": "5"}
        return JSONResponse([version.model_dump() for version in found], 200 if ready else 503, headers)

    @router.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
    async def numbers() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router
