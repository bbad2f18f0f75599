"""Moments as people name them: so long ago, or a date."""

import re
from datetime import UTC, datetime, timedelta

_AGO = re.compile(r"(\d{1,6})\s*([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def moment_named(text: str, now: datetime) -> datetime:
    """The moment that `7d`, `12h`, `2w`, `2026-11-25` or `2026-11-25T08:30` names, in UTC where it names no zone.

    Raises `ValueError`.
    """
    if ago := _AGO.fullmatch(text.strip()):
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        except OverflowError:
            raise ValueError(text) from None
    named = datetime.fromisoformat(text.strip())
    return named if named.tzinfo else named.replace(tzinfo=UTC)
