"""The service's log: lines for people, or one JSON object a line for programs. No text that was spoken is in it."""

import json
import logging
import sys
from datetime import UTC, datetime

from synth.service.edge import ANSWERS

__all__ = ["JsonLines", "set_up_log"]


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, where from, what, and what an answer's record says besides."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its line feed."""
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
            **getattr(record, "said", {}),
        }
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in said.items() if value is not None}, ensure_ascii=False)


def set_up_log(form: str, *, verbose: bool) -> None:
    """Write the log to standard error.

    Args:
        form: `text`, or `json` for one object a line; with `json` each answer has one, too.
        verbose: whether everything is said that engines and the service say.
    """
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonLines() if form == "json" else logging.Formatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, handlers=[out], force=True)
    if form == "json":
        logging.getLogger(ANSWERS).setLevel(logging.INFO)
