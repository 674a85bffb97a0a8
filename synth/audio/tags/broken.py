"""The one error of files that do not hold what their headers promise."""

from indextts_hub.errors import UsageError

__all__ = ["broken"]


def broken(what: str) -> UsageError:
    """An audio file's headers are wrong in the way that `what` tells."""
    return UsageError(f"the audio file is broken: {what}", remedy="give a whole, undamaged file", code="E_AUDIO")
