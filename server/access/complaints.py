"""Complaints: who was turned away, and why, in the log; never so many that they hide what else it says."""

import logging
from collections.abc import Callable
from time import monotonic

from fleetlore.server.access.buckets import Buckets

logger = logging.getLogger(__name__)

_LINES_PER_MINUTE = 60
_LINES_PER_ADDRESS = 6


class Complaints:
    """Writes lines while there are few, and how many were left out with the next one."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._all = Buckets(_LINES_PER_MINUTE, clock=clock)
        self._each = Buckets(_LINES_PER_ADDRESS, clock=clock)
        self._left_out = 0

    def note(self, address: str, path: str, reason: str) -> None:
        """One request was turned away. Nothing of it but its path may be in the reason: it could be a token."""
        if self._each.take(address) or self._all.take(""):
            self._left_out += 1
            return
        more = f" ({self._left_out:,} more before it)" if self._left_out else ""
        self._left_out = 0
        logger.warning("turned away %s at %.80r: %s%s", address, path, reason, more)
