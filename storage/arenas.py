"""Memory that LanceDB's threads share.

The C library of most Linux systems gives each of up to eight arenas per core to threads that allocate at the same time,
and an arena seldom gives back what it once held: under steady work a server grows by tens of megabytes a thousand
calls. Two arenas cost no measurable time and bound that, and large buffers go back to the system as soon as they are
free: 80 MB and more at 100,000 items. Where there is no such library nothing is done.
"""

import ctypes
import sys
from contextlib import suppress

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # parameters of mallopt
_ARENAS = 2
_LARGE_BLOCK = 1 << 20


def share_arenas() -> None:
    """To be called before threads are started."""
    with suppress(OSError, AttributeError):
        library = _library()
        library.mallopt(_ARENA_MAX, _ARENAS)
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK)


def give_back() -> None:
    """Gives the system what is free in the arenas: after work that needed much of which nothing is left."""
    with suppress(OSError, AttributeError):
        _library().malloc_trim(0)


def _library() -> ctypes.CDLL:
    """The C library; one without arenas lacks their functions. Raises `OSError` where there is none."""
    if sys.platform != "linux":
        raise OSError(sys.platform)
    return ctypes.CDLL(None)
