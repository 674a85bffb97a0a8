"""`/hub/mirrors`, `/hub/downloads` and `/hub/audit`: how mirrors did, what was given, what was done here.

GET /hub/mirrors    [{"name", "kind", "latency_seconds", "bytes_per_second", "successes", "failures", "lies", "closed_until",
                      "pulls": [{"at", "version", "bytes", "bytes_per_second", "errors"}]}]
POST /hub/mirrors/NAME/test     {"ok", "latency_seconds", "bytes_per_second", "ranges", "code", "error"}
GET /hub/downloads  {"downloads": [{"day", "version", "client", "files", "bytes"}]}, the latest day first
GET /hub/report/VERSION     what is known of a version, as `audit report --json` has it
GET /hub/audit      {"events": [{"seq", "at", "actor", "act", "subject", "outcome", "details"}]}, the latest first
"""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, JsonValue
from starlette.responses import JSONResponse

from indextts_hub.audit import AuditLog
from indextts_hub.audit.search import EventQuery, Place, copy_events, find_events
from indextts_hub.db import Database, MirrorRecord, read_mirror_records
from indextts_hub.db.downloads import find_downloads
from indextts_hub.db.history import MirrorUse, mirror_uses
from indextts_hub.errors import Busy, NotFound
from indextts_hub.hub import Hub
from indextts_hub.mirrors import try_mirrors
from indextts_hub.moment import Day, Moment
from indextts_hub.reporting import report_on

__all__ = ["routes"]

# A screenful; an auditor takes the log itself: `audit log --json`.
MOST_EVENTS = 1000
# What fits into a small chart.
LATEST_PULLS = 20
# A second on most links: enough to tell a slow one from a fast one.
TRIAL_BYTES = 4 << 20


class MirrorPullBody(BaseModel):
    """What a mirror gave to one pull; the rate is over the time that all of the pull took, from all mirrors."""

    at: datetime
    version: str
    bytes: int
    bytes_per_second: float
    errors: list[str]


class TrialBody(BaseModel):
    """Whether a mirror gives some bytes now, how soon and how fast; what is null could not be told."""

    ok: bool
    latency_seconds: float | None
    bytes_per_second: float | None
    ranges: bool | None
    code: str | None
    error: str | None


class MirrorBody(BaseModel):
    """A mirror of the catalogue, and how it did; what is null was never measured."""

    name: str
    kind: str
    latency_seconds: float | None = None
    bytes_per_second: float | None = None
    successes: int = 0
    failures: int = 0
    lies: int = 0
    closed_until: datetime | None = None
    pulls: list[MirrorPullBody] = []


class DownloadBody(BaseModel):
    """What one client was given of one version on one day (UTC); `files` were begun with their first byte."""

    day: date
    version: str
    client: str
    files: int
    bytes: int


class DownloadList(BaseModel):
    """What was given, the latest day first."""

    downloads: list[DownloadBody]


class DownloadFilter(BaseModel):
    """Which days, both included; what is left out does not count."""

    since: Day | None = None
    until: Day | None = None
    limit: Annotated[int, Query(ge=1, le=MOST_EVENTS)] = 100


class EventBody(BaseModel):
    """Something that was done here, or refused."""

    seq: int
    at: datetime
    actor: str
    act: str
    subject: str
    outcome: str
    details: dict[str, JsonValue]


class EventList(BaseModel):
    """Events, the latest first."""

    events: list[EventBody]


class EventFilter(BaseModel):
    """Which events; what is left out does not count."""

    act: str | None = None
    subject: str | None = None
    actor: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Query(ge=1, le=MOST_EVENTS)] = 100


def routes(hub: Hub, database: Database) -> APIRouter:
    """The routes, over what a hub has written down."""
    router = APIRouter(prefix="/hub", tags=["hub"])
    copying, trying = asyncio.Lock(), asyncio.Lock()
    copied: Place | None = None

    @router.get("/mirrors", summary="The mirrors of the catalogue, and how they did")
    async def mirrors() -> list[MirrorBody]:
        known = {record.mirror: record for record in await asyncio.to_thread(read_mirror_records, database)}
        uses = await asyncio.to_thread(mirror_uses, database, LATEST_PULLS)
        return [_mirror(name, mirror.kind, known.get(name), uses.get(name, ())) for name, mirror in hub.catalog.mirrors.items()]

    @router.post("/mirrors/{name}/test", summary="Fetch a little from a mirror, now")
    async def test(name: str) -> TrialBody:
        if name not in hub.catalog.mirrors:
            raise NotFound(f"the catalogue has no mirror {name[:80]!a}", remedy="see /hub/mirrors", code="E_NO_MIRROR")
        if trying.locked():
            raise Busy("another mirror is being tried", remedy="try again in a moment")
        async with trying:
            ((_, trial),) = await asyncio.to_thread(lambda: list(try_mirrors(hub.catalog, [name], TRIAL_BYTES)))
        code, error = (trial.error.code, trial.error.message) if trial.error else (None, None)
        return TrialBody(
            ok=trial.ok,
            latency_seconds=trial.latency,
            bytes_per_second=trial.rate,
            ranges=trial.ranges,
            code=code,
            error=error,
        )

    @router.get("/downloads", summary="What others were given, by day, version and client")
    async def downloads(query: Annotated[DownloadFilter, Query()]) -> DownloadList:
        found = await asyncio.to_thread(find_downloads, database, query.since, query.until, query.limit)
        return DownloadList(downloads=[DownloadBody.model_validate(record, from_attributes=True) for record in found])

    @router.get("/audit", summary="What was done here, the latest first")
    async def audit(query: Annotated[EventFilter, Query()]) -> EventList:
        nonlocal copied
        async with copying:
            _, copied = await asyncio.to_thread(copy_events, AuditLog(hub.store.audit), database, copied)
        # A moment without a zone is meant in the server's own time.
        since, until = (None if moment is None else moment.astimezone() for moment in (query.since, query.until))
        wanted = EventQuery(query.act, query.subject, query.actor, since, until, query.limit)
        found = await asyncio.to_thread(find_events, database, wanted)
        return EventList(events=[EventBody.model_validate(event, from_attributes=True) for event in found])

    @router.get(
        "/report/{reference}",
        summary="What is known of a version: its bytes, where from, let in by whom, what it spoke",
        response_model=dict[str, JsonValue],
    )
    async def report(reference: str) -> JSONResponse:
        return JSONResponse((await asyncio.to_thread(report_on, hub, reference)).document())

    return router


def _mirror(name: str, kind: str, record: MirrorRecord | None, uses: Sequence[MirrorUse]) -> MirrorBody:
    pulls = [
        MirrorPullBody(
            at=use.at,
            version=use.version,
            bytes=use.bytes,
            bytes_per_second=use.bytes / max(use.seconds, 0.001),
            errors=[*use.errors],
        )
        for use in uses
    ]
    if record is None:
        return MirrorBody(name=name, kind=kind, pulls=pulls)
    return MirrorBody(
        name=name,
        kind=kind,
        latency_seconds=record.latency_seconds,
        bytes_per_second=record.bytes_per_second,
        successes=record.successes,
        failures=record.failures,
        lies=record.lies,
        closed_until=record.closed_until,
        pulls=pulls,
    )
