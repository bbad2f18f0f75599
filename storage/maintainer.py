"""Who maintains: a file beside the lock that names the process that did the last round of upkeep.

The lock alone decides who may; this file only keeps the others polite, so that one process does all rounds, and tells
people which. Whoever is dead, or has not been seen for five seconds (stopped, too busy), is followed by another.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from fleetlore.storage.errors import StorageFault
from fleetlore.storage.locks import MAINTAIN_LOCK

_FILE = "maintain.json"
_ABSENT_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Maintainer:
    """A process, the host it runs on, since when it maintains, and what it was doing when it was last seen."""

    process: int
    host: str
    since: datetime
    doing: str

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "process": self.process,
            "host": self.host,
            "since": self.since.isoformat(timespec="seconds"),
            "doing": self.doing,
        }


@dataclass(slots=True)
class Rota:
    """One process's view of whose turn it is. `now` gives seconds since 1970, as the file system has them."""

    data: Path
    now: Callable[[], float] = time.time
    _me: str = field(default_factory=lambda: uuid4().hex)
    _since: datetime | None = None

    def mine(self) -> bool:
        """Whether this process may do the next round: it did the last one, or whoever did is gone."""
        found = _read(self.data)
        return found is None or found["me"] == self._me or not self._seen_lately(found)

    def sign(self, doing: str) -> None:
        """Notes that this process maintains, and what it does. Needs the maintenance lock."""
        now = self.now()
        found = _read(self.data)
        if self._since is None or found is None or found["me"] != self._me:
            self._since = datetime.fromtimestamp(now, UTC)
        told = {
            "me": self._me,
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": self._since.isoformat(timespec="seconds"),
            "doing": doing,
            "seen": now,
        }
        written = self.data / f"{_FILE}.new"
        try:
            written.write_text(json.dumps(told), "utf-8")
            written.replace(self.data / _FILE)
        except OSError as error:
            raise StorageFault("data directory", error.strerror or str(error)) from error

    def leave(self) -> None:
        """Makes room for another at once."""
        found = _read(self.data)
        if found is not None and found["me"] == self._me:
            with suppress(OSError):  # then it takes the others five seconds
                (self.data / _FILE).unlink(missing_ok=True)

    def _seen_lately(self, found: dict[str, Any]) -> bool:
        return abs(self.now() - found["seen"]) < _ABSENT_SECONDS and _alive(found)


def maintainer(data: Path, *, now: Callable[[], float] = time.time) -> Maintainer | None:
    """Who maintains this data; None where nobody does. Whoever holds the lock for long is not absent."""
    found = _read(data)
    if found is None or not _alive(found):
        return None
    if abs(now() - found["seen"]) >= _ABSENT_SECONDS and not _held(data / MAINTAIN_LOCK):
        return None
    return Maintainer(
        process=found["process"],
        host=found["host"],
        since=datetime.fromisoformat(found["since"]),
        doing=found["doing"],
    )


def _read(data: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((data / _FILE).read_text("utf-8"))
    except (OSError, ValueError):  # nobody yet, or a file that a loss of power has emptied
        return None
    return found


def _alive(found: dict[str, Any]) -> bool:
    """Whether the process lives; one of another host may. On Windows one cannot ask without ending it."""
    if found["host"] != socket.gethostname() or sys.platform == "win32":
        return True
    try:
        os.kill(found["process"], 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process lives
        return True
    return True


def _held(lock: Path) -> bool:
    probe = FileLock(lock)
    try:
        with probe.acquire(timeout=0):
            return False
    except Timeout:
        return True
