"""Moments and days as people write them, for what pydantic reads. Pure."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator

__all__ = ["Day", "Moment"]


def _written(moment: object) -> object:
    # pydantic would take a number for seconds since 1970, which nobody means.
    if isinstance(moment, str) and re.fullmatch(r"\d{4}-\d\d-\d\d([Tt ].*)?", moment):
        return moment
    raise ValueError("write it as 2026-11-24T12:00:00Z")


Moment = Annotated[datetime, BeforeValidator(_written)]
"""ISO 8601: a day, or a day and a time."""


def _day(day: object) -> object:
    if isinstance(day, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        return day
    raise ValueError("write it as 2026-11-24")


Day = Annotated[date, BeforeValidator(_day)]
"""ISO 8601: a day."""
