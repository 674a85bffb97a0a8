"""Options that many commands share, and the hub they open."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from indextts_hub import Hub
    from indextts_hub.settings import Settings

__all__ = [
    "CacheDir",
    "CatalogPlace",
    "Quiet",
    "ToJson",
    "Verbose",
    "Wait",
    "opened",
    "read_settings",
    "to_bytes",
    "to_days",
    "to_time",
]

CacheDir = Annotated[Path | None, typer.Option("--cache-dir", help="Folder of the store.", show_default=False)]
CatalogPlace = Annotated[str | None, typer.Option("--catalog", help="mirrors.yaml: a file or an address.", show_default=False)]
ToJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say why a mirror was left.")]
Wait = Annotated[float, typer.Option("--wait", help="Seconds to wait for somebody else's lock.")]


def opened(cache_dir: Path | None, catalog: str | None, *, wait: float = 600.0) -> "Hub":
    """The hub of these options, the environment and the settings files."""
    from indextts_hub import Hub

    return Hub(cache_dir, catalog, wait=wait)


def to_days(text: str) -> int:
    """Read a time as people write it: `90d`.

    Raises:
        UsageError: E_USAGE.
    """
    from indextts_hub.errors import UsageError

    if not re.fullmatch(r"[1-9][0-9]{0,4}d", text):
        raise UsageError(f"{text[:20]!r} is no time", remedy="write it in days: 90d")
    return int(text[:-1])


def to_time(text: str) -> int:
    """Read a time as people write it, `90s`, `30m`, `1h` or `7d`, as seconds.

    Raises:
        UsageError: E_USAGE.
    """
    from indextts_hub.errors import UsageError

    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if match is None:
        raise UsageError(f"{text[:20]!r} is no time", remedy="write it as 30m, 1h or 7d")
    return int(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]


def to_bytes(text: str) -> int:
    """Read a size as people write it: `700M`, `4G`; K, M and G are powers of 1024.

    Raises:
        UsageError: E_USAGE.
    """
    from indextts_hub.errors import UsageError

    match = re.fullmatch(r"([1-9][0-9]{0,9})([KMG]?)", text.upper())
    if match is None:
        raise UsageError(f"{text[:20]!r} is no size", remedy="write it as 700M or 4G")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def read_settings(**flags: str | int | None) -> "Settings":
    """All settings: these flags, then the environment, then files.

    Raises:
        UsageError: E_SETTING, naming the one that can't be meant.
    """
    from pydantic import ValidationError

    from indextts_hub.errors import UsageError
    from indextts_hub.settings import Settings

    try:
        return Settings.model_validate({name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        wrong = error.errors()[0]
        name = ".".join(map(str, wrong["loc"]))
        raise UsageError(f"the setting {name} can't be meant: {wrong['msg']}", remedy="see `--help`", code="E_SETTING") from None
