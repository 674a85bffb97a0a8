"""`/api/roles`: how the roles of scripts speak, kept by name."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from indextts_hub.db.tasks import RoleSettings
from synth.emotion import EMOTIONS
from synth.service.roles import Roles
from synth.service.routes.asking import RoleManner
from synth.service.routes.synthesize import asker_of

__all__ = ["routes"]

# What can stand before a colon; see `synth.text.script`.
_Name = Annotated[str, Path(max_length=40, pattern=r"^[^:：\n<>\[\]|/\s]([^:：\n<>\[\]|/]*[^:：\n<>\[\]|/\s])?$")]


class RoleAnswer(BaseModel):
    """How a role speaks."""

    name: str
    emotion_vector: dict[str, float]
    speed: float
    voice: str | None
    pitch: float
    volume: float


class RoleList(BaseModel):
    """All roles, by name."""

    roles: list[RoleAnswer]


def routes(roles: Roles) -> APIRouter:
    """The routes, over the roles that are kept."""
    router = APIRouter(prefix="/api/roles", tags=["voices"])

    @router.get("", summary="The roles of scripts")
    async def listed() -> RoleList:
        return RoleList(roles=[_answer(role) for role in await roles.list()])

    @router.put("/{name}", summary="Keep how a role speaks")
    async def keep(name: _Name, manner: RoleManner, request: Request) -> RoleAnswer:
        role = manner.role(name)
        await roles.keep(role, asker_of(request))
        return _answer(role)

    @router.delete("/{name}", summary="Forget a role", status_code=204)
    async def forget(name: _Name, request: Request) -> None:
        await roles.forget(name, asker_of(request))

    return router


def _answer(role: RoleSettings) -> RoleAnswer:
    weights = {label: weight for label, weight in zip(EMOTIONS, role.emotion, strict=True) if weight}
    return RoleAnswer(
        name=role.name, emotion_vector=weights, speed=role.speed, voice=role.voice, pitch=role.pitch, volume=role.volume
    )
