"""Roles of scripts, kept by name: how 小明 speaks wherever he does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from indextts_hub.db import Database
from indextts_hub.db.tasks import RoleSettings
from indextts_hub.db.voices import forget_role, keep_role, list_roles
from synth.service.acts import Acts

__all__ = ["Roles"]


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of one service."""

    database: Database
    acts: Acts

    async def list(self) -> tuple[RoleSettings, ...]:
        """All roles, by name."""
        return await asyncio.to_thread(list_roles, self.database)

    async def keep(self, role: RoleSettings, asker: str) -> None:
        """Keep how a role speaks, in place of what was kept under its name.

        Raises:
            Busy, StorageError: it is as it was.
        """

        def kept() -> None:
            keep_role(self.database, role)
            self.acts("role set", role.name, actor=asker)

        await asyncio.to_thread(kept)

    async def forget(self, name: str, asker: str) -> None:
        """Forget a role. Raises NotFound, E_NO_ROLE."""

        def forgotten() -> None:
            forget_role(self.database, name)
            self.acts("role rm", name, actor=asker)

        await asyncio.to_thread(forgotten)

    async def of(self, text: str, given: Mapping[str, RoleSettings]) -> tuple[RoleSettings, ...]:
        """The roles that a text may name: those that came with it, before those that are kept."""
        if ":" not in text and "：" not in text:
            return ()
        known = {role.name: role for role in await self.list()} | dict(given)
        return tuple(role for role in known.values() if role.name in text)
