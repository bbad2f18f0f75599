"""Complaints: who was turned away, and why, in the log; never so many that they hide what else it says."""

import logging
import re
from collections.abc import Callable
from time import monotonic

from fleetlore.server.access.buckets import Buckets

logger = logging.getLogger(__name__)

_TOKEN = re.compile(r"(?:flt_|eyJ)[A-Za-z0-9_.-]+")
_LINES_PER_MINUTE = 60
_LINES_PER_ADDRESS = 6


class Complaints:
    """Writes lines while there are few, and how many were left out with the next one."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._all = Buckets(_LINES_PER_MINUTE, clock=clock)
        self._each = Buckets(_LINES_PER_ADDRESS, clock=clock)
        self._left_out = 0

    def note(self, address: str, path: str, reason: str) -> None:
        """One request was turned away, for a reason that may quote it: what looks like a token is left out."""
        if self._each.take(address) or self._all.take(""):
            self._left_out += 1
            return
        more = f" ({self._left_out:,} more before it)" if self._left_out else ""
        self._left_out = 0
        told = _TOKEN.sub("…", f"{path[:80]!r}: {reason}")
        logger.warning("turned away %s at %s%s", address, told, more)
