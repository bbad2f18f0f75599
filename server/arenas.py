"""Memory that LanceDB's threads share.

The C library of most Linux systems gives each of up to eight arenas per core to threads that allocate at the same time,
and an arena seldom gives back what it once held: under steady work a server grows by tens of megabytes a thousand
calls. Two arenas cost no measurable time and bound that. Where there is no such library nothing is done.
"""

import ctypes
import sys
from contextlib import suppress

_M_ARENA_MAX = -8
_ARENAS = 2


def share_arenas() -> None:
    """To be called before threads are started."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
