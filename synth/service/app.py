"""The service put together: what speaks, what is kept, the routes over them, and the edge around it all."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from indextts_hub.db import open_database
from indextts_hub.shipped import shipped
from synth.service.archive import Archive
from synth.service.auth import Gate, Keys
from synth.service.edge import Edge
from synth.service.metrics import Metrics
from synth.service.problems import OPENAI_PROBLEMS, PROBLEMS, install_problems
from synth.service.routes import health, openai, page, session, synthesize, tasks
from synth.service.settings import ServiceSettings
from synth.service.synthesis import Synthesis
from synth.service.underway import UnderWay
from synth.service.versions import Served
from synth.text.segments import to_segments

__all__ = ["create_app"]


def create_app(settings: ServiceSettings, served: Served, lent: Sequence[APIRouter] = ()) -> FastAPI:
    """Make the service. Its workers are started with it and end with it.

    Args:
        served: versions whose supervisors are not started yet.
        lent: the routes by which other machines pull from this one; their addresses may be those of nothing else here.

    Raises:
        HubError: the database can't be opened.
    """
    metrics = Metrics(served)
    archive = Archive(open_database(settings.database_url), settings.audio, metrics.ended)
    synthesis = Synthesis(served, archive, settings.longest_text)
    under_way = UnderWay(synthesis)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        await archive.settle()
        served.start()
        # The tables for reading text aloud take a second to load; the first asker should not wait for them.
        warming = asyncio.create_task(asyncio.to_thread(to_segments, "你好", 60))
        try:
            yield
        finally:
            await asyncio.gather(warming, return_exceptions=True)
            await under_way.stop()
            await served.stop()
            archive.database.close()

    app = FastAPI(title="indextts-hub", docs_url=None, redoc_url=None, lifespan=running)
    install_problems(app)
    app.include_router(synthesize.routes(synthesis), responses=PROBLEMS)
    app.include_router(openai.routes(under_way, served), responses=OPENAI_PROBLEMS)
    app.include_router(tasks.routes(archive, under_way), responses=PROBLEMS)
    app.include_router(health.routes(served, metrics), responses=PROBLEMS)
    web = shipped("web")
    app.include_router(page.routes(web))
    app.mount("/assets", page.Assets(directory=web / "assets", check_dir=False))
    for routes in lent:
        app.include_router(routes, responses=PROBLEMS)
    if settings.asks_for_keys:
        keys = Keys(archive.database)
        app.include_router(session.routes(keys), responses=PROBLEMS)
        app.add_middleware(Gate, keys=keys)
    if settings.hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.hosts, www_redirect=False)
    app.add_middleware(Edge, largest_body=settings.largest_body, body_seconds=settings.body_seconds, answered=metrics.answered)
    return app
