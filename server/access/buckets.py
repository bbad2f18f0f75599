"""Buckets: how much each caller has taken of what it may take in a minute."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

_MOST_CALLERS = 10_000


class Buckets:
    """A bucket a caller, which holds a minute's worth and fills steadily. Of many callers the latest are remembered.

    One may take more than is left, and then has to wait until that is made up for.
    """

    def __init__(
        self, per_minute: float, *, clock: Callable[[], float] = time.monotonic, most: int = _MOST_CALLERS
    ) -> None:
        self._full = per_minute
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, caller: Hashable, amount: float = 1) -> float:
        """Takes `amount`; if nothing is left, takes nothing and returns the seconds until there is. 0 a minute: any."""
        if not self._full:
            return 0.0
        now = self._clock()
        level, at = self._levels.pop(caller, (self._full, now))
        level = min(self._full, level + (now - at) * self._full / 60)
        granted = level > 0
        self._levels[caller] = (level - amount if granted else level, now)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return 0.0 if granted else 60 * (1 - level) / self._full
