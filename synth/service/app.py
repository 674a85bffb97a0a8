"""The service put together: what speaks, what is kept, the routes over them, and the edge around it all."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from indextts_hub.db import open_database
from indextts_hub.db.alone import keep_alone
from indextts_hub.errors import HubError
from indextts_hub.mirror.recording import Recording
from indextts_hub.shipped import shipped
from synth.service.acts import Acts, no_acts, task_acts
from synth.service.archive import Archive
from synth.service.auth import Gate, Keys
from synth.service.batches import Batches
from synth.service.edge import Edge
from synth.service.following import Following
from synth.service.joining import Joining
from synth.service.limits import Limits
from synth.service.metrics import Metrics
from synth.service.problems import OPENAI_PROBLEMS, PROBLEMS, install_problems
from synth.service.roles import Roles
from synth.service.routes import batches as batch_routes
from synth.service.routes import health, openai, page, session, several, synthesize, tasks
from synth.service.routes import roles as role_routes
from synth.service.routes import voices as voice_routes
from synth.service.settings import ServiceSettings
from synth.service.synthesis import Synthesis
from synth.service.underway import UnderWay
from synth.service.versions import Served
from synth.service.voices import Voices
from synth.text.segments import to_segments

__all__ = ["create_app"]

_log = logging.getLogger(__name__)

# What was deleted is swept away a few times a day.
_SWEEP_SECONDS = 6 * 3600.0


def create_app(
    settings: ServiceSettings,
    served: Served,
    lent: Sequence[APIRouter] = (),
    following: Callable[[Served], Following] | None = None,
    acts: Acts = no_acts,
    recording: Recording | None = None,
) -> FastAPI:
    """Make the service. Its workers are started with it and end with it.

    Args:
        served: versions whose supervisors are not started yet.
        lent: the routes by which other machines pull from this one; their addresses may be those of nothing else here.
        following: makes what keeps the served set at what is wanted; None if it never changes.
        acts: writes into the audit log.
        recording: writes down what is lent to whom.

    Raises:
        HubError: the database can't be opened, or another service is over it; or a setting can't be meant.
    """
    metrics = Metrics(served, recording.totals if recording else {})
    database = open_database(settings.database_url)
    release = keep_alone(database)
    archive = Archive(database, settings.audio, metrics.ended, task_acts(acts))
    voices = Voices(database, settings.voices, acts)
    roles = Roles(database, acts)
    limits = Limits(settings.allowance)
    synthesis = Synthesis(served, archive, limits, voices.clip, settings.marks, settings.longest_text)
    under_way = UnderWay(synthesis)
    batches = Batches(database, archive, synthesis, under_way, acts)

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        left = await archive.settle()
        served.start()
        under_way.go_on(left)
        begun = [_warm(), batches.run(), _sweep(archive, settings.keep_deleted), *([recording.run()] if recording else [])]
        works = [asyncio.create_task(work) for work in begun]
        follows = [] if following is None else [asyncio.create_task(following(served).run())]
        try:
            yield
        finally:
            # No new line of a batch; then what is under way, on versions that are leaving as well; then the workers.
            await _cancelled(works)
            await under_way.stop()
            await _cancelled(follows)
            await served.stop()
            release()
            database.close()

    app = FastAPI(title="indextts-hub", docs_url=None, redoc_url=None, lifespan=running)
    install_problems(app)
    for routes in (
        synthesize.routes(synthesis, roles),
        several.routes(archive, Joining(archive, settings.marks)),
        tasks.routes(archive, under_way, roles),
        batch_routes.routes(batches, roles),
        voice_routes.routes(voices),
        role_routes.routes(roles),
        health.routes(served, metrics),
        *lent,
    ):
        app.include_router(routes, responses=PROBLEMS)
    for routes in (openai.routes(under_way, served, roles, settings.marks), voice_routes.openai_routes(voices)):
        app.include_router(routes, responses=OPENAI_PROBLEMS)
    web = shipped("web")
    app.include_router(page.routes(web))
    app.mount("/assets", page.Assets(directory=web / "assets", check_dir=False))
    if settings.asks_for_keys:
        keys = Keys(database)
        app.include_router(session.routes(keys), responses=PROBLEMS)
        app.add_middleware(Gate, keys=keys)
    else:
        app.include_router(session.open_routes(), responses=PROBLEMS)
    if settings.hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.hosts, www_redirect=False)
    app.add_middleware(Edge, bounds=settings.bodies, uploads=settings.uploads, answered=metrics.answered)
    return app


async def _cancelled(works: Sequence[asyncio.Task[None]]) -> None:
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)


async def _warm() -> None:
    """The tables for reading text aloud take a second to load; the first asker should not wait for them."""
    await asyncio.to_thread(to_segments, "你好", 60)


async def _sweep(archive: Archive, days: float | None) -> None:
    while days is not None:
        try:
            await archive.sweep(datetime.now(UTC) - timedelta(days=days))
        except HubError as error:
            _log.warning("what was deleted is not swept away: %s", error.message)
        await asyncio.sleep(_SWEEP_SECONDS)
