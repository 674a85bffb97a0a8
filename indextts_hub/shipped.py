"""Where the files that people see at the top level of the repository are found, from a checkout and from an installed wheel."""

from importlib.resources import files
from pathlib import Path

__all__ = ["shipped"]

_CHECKOUT = {"alembic": "alembic", "mirrors.yaml": "mirrors.yaml", "web": "web/dist"}


def shipped(name: str) -> Path:
    """Return the path of `alembic`, `mirrors.yaml` or `web`, as they came with this installation.

    A wheel carries them in `indextts_hub/_shipped`; a checkout has them beside the packages.
    """
    package = Path(str(files("indextts_hub")))
    inside = package / "_shipped" / name
    return inside if inside.exists() else package.parent / _CHECKOUT[name]
