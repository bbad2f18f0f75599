"""How long something lasts, as people write it on the command line: 90d, 12h, 30m, or never."""

import re
from datetime import timedelta

import click

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=3650)


class Lifetime(click.ParamType[timedelta | None]):
    """A time of at most ten years; with `endless` also `never`, which is None."""

    name = "time"

    def __init__(self, *, endless: bool = False) -> None:
        self._endless = endless

    def convert(
        self, value: str | timedelta | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta | None:
        """The time that the text says."""
        if not isinstance(value, str):
            return value
        if self._endless and value == "never":
            return None
        found = re.fullmatch(r"([0-9]{1,6})([mhdw])", value)
        time = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
        if time is None or time > _LONGEST:
            never = ", or never" if self._endless else ""
            self.fail(f"{value!r} is no time of at most ten years such as 90d, 12h or 30m{never}.", param, ctx)
        return time
