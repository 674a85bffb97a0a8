"""`indextts-hub version`."""

import sys

from cli.options import ToJson
from indextts_hub import __version__

__all__ = ["version"]


def version(to_json: ToJson = False) -> None:
    """Which program this is, and on what it runs."""
    python = sys.version.partition(" ")[0]
    if to_json:
        import json

        print(json.dumps({"version": __version__, "python": python, "platform": sys.platform}))  # noqa: T201
    else:
        print(f"indextts-hub {__version__} (Python {python}, {sys.platform})")  # noqa: T201
