"""What the edge hands down to all sources: secrets by name, time-outs, and which private addresses may be asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from indextts_hub.errors import UsageError

__all__ = ["Context", "Secret"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that does not print."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Context:
    """What the edge hands down.

    Attributes:
        environment: the variables that `*_env` keys name.
        idle_seconds: a connection that is silent for longer is given up.
        private_hosts: names and addresses that may be private ones though no mirror in the catalogue names them.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    idle_seconds: float = 20.0
    private_hosts: frozenset[str] = frozenset()

    def secret(self, variable: str, mirror: str) -> Secret:
        """The value of an environment variable that a mirror names.

        Raises:
            UsageError: E_SECRET, naming the variable.
        """
        if not (value := self.environment.get(variable)):
            raise UsageError(
                f"the mirror {mirror} wants the environment variable {variable}, and it is not set",
                remedy=f"set {variable}, or leave the mirror out with --source",
                code="E_SECRET",
            )
        return Secret(value)
