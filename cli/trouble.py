"""How an error is put before a user: what is wrong, what to do about it, and an exit code. Never a traceback."""

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from indextts_hub.errors import HubError

__all__ = ["INTERRUPTED", "present"]

INTERRUPTED = 130
DEFECT = 1

_LABELS = {"en": ("error", "try"), "zh": ("错误", "建议")}


def present(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what went wrong on stderr, in two lines, and return the exit code."""
    match error:
        case HubError():
            _say(error.code, error.message, error.remedy)
            return error.exit_code
        case KeyboardInterrupt() | typer.Abort():
            _say("E_INTERRUPTED", "interrupted", "run the same command again: it goes on where it stopped")
            return INTERRUPTED
        case typer.Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else DEFECT
        case typer.TyperException():
            _say("E_USAGE", str(error), f"indextts-hub {_command(arguments)}--help")
            return 2
        case BrokenPipeError():
            # Whoever read our output has enough; nothing more can be said to them.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        case _:
            if arguments.count("-v") + arguments.count("--verbose") or os.environ.get("INDEXTTS_HUB_TRACEBACK"):
                traceback.print_exception(error)
            _say(
                "E_DEFECT",
                f"a defect of this program: {type(error).__name__}: {error}",
                "run it again with -v and report what it prints",
            )
            return DEFECT


def _command(arguments: Sequence[str]) -> str:
    return f"{arguments[0]} " if arguments and not arguments[0].startswith("-") else ""


def _say(code: str, what: str, remedy: str) -> None:
    chinese = os.environ.get("LC_ALL", os.environ.get("LC_MESSAGES", os.environ.get("LANG", ""))).startswith("zh")
    error, advice = _LABELS["zh" if chinese else "en"]
    plain = [" ".join(text.split()) for text in (what, remedy)]
    sys.stderr.write(f"{error}[{code}]: {plain[0]}\n{advice}: {plain[1]}\n")
