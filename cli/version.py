"""`indextts-hub version`."""

import platform
from importlib.metadata import version as installed

from cli.options import ToJson

__all__ = ["version"]


def version(to_json: ToJson = False) -> None:
    """Which program this is, and on what it runs."""
    found = {"version": installed("indextts-hub"), "python": platform.python_version(), "platform": platform.platform()}
    if to_json:
        import json

        print(json.dumps(found))  # noqa: T201
    else:
        print(f"indextts-hub {found['version']} (Python {found['python']}, {found['platform']})")  # noqa: T201
