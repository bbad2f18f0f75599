"""Wear: what came to a table since it was compacted, and whether it is time to compact it again. Pure."""

from dataclasses import dataclass

# 30 single-row commits already double the vector leg; compacting costs by the number of versions.
COMMITS = 50
ROWS = 500
# What is left when the load ends waits that long; what was left on disk for readers goes once they are done.
IDLE_SECONDS = 10.0
CLEAN_SECONDS = 40.0


@dataclass(slots=True)
class Wear:
    """One table as this process saw it, in versions, rows and seconds of one clock.

    Versions and rows are those right after compacting; `changed` is when the version was last seen to move.
    """

    version: int = 0
    rows: int = 0
    seen: int = 0
    changed: float = 0.0
    compacted: float | None = None
    cleaned: bool = False

    def commits(self, version: int) -> int:
        """How many commits came since."""
        return version - self.version

    def due(self, version: int, rows: int, now: float) -> bool:
        """Whether enough came, or something did and nobody writes any more, or old versions can go by now."""
        if version != self.seen:
            self.seen, self.changed = version, now
        another = self.compacted is None or version < self.version  # a table that this process has not compacted
        if another or self.commits(version) >= COMMITS or abs(rows - self.rows) >= ROWS:
            return True
        if self.commits(version) > 0:
            return now - self.changed >= IDLE_SECONDS
        return not self.cleaned and self.compacted is not None and now - self.compacted >= CLEAN_SECONDS

    def was_compacted(self, version: int, rows: int, now: float) -> None:
        """Notes that it was, and what came of it."""
        self.cleaned = self.compacted is not None and self.commits(self.seen) == 0
        self.version = self.seen = version
        self.rows, self.compacted = rows, now
