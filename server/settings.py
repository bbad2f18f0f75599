"""Settings: what an operator chooses. The command line fills them; nothing else reads the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleetlore.kmu.promotion import DEFAULT_BACKERS
from fleetlore.kmu.retention_policy import RetentionPolicy
from fleetlore.server.access.settings import Access
from fleetlore.server.identity import speaking
from fleetlore.server.oauth.settings import OAuth
from fleetlore.storage.errors import Refusal


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One server's settings.

    `agent` settles the name of everybody who connects, `project` what they work on; without one it is taken from the
    `workplace`, the folder that a stdio server was started in. `embedder` "" means the one that the data was made
    with. Without `learning` outcomes change nothing, without `explore` no questions are asked; `hold_out` is the share
    of retrievals for which knowledge is held back. `access` is who may come in by the network, `oauth` whose
    tokens count there too. A server that is not `alone` is one of several workers: another may get a client's next
    request. `network_disk` is the type of the one that the data lie on, where that is allowed. `keep_days` and
    `most_items` bound what is kept, 0 for no bound. `clock` and `pragmas` (of the ledger's SQLite) are for tests and
    limits.
    """

    data: Path
    agent: str = ""
    project: str = ""
    workplace: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8717
    access: Access = field(default_factory=Access)
    oauth: OAuth | None = None
    embedder: str = ""
    promote_after: int = DEFAULT_BACKERS
    learning: bool = True
    explore: bool = True
    hold_out: float = 0.0
    network_disk: str = ""
    alone: bool = True
    keep_days: int = 0
    most_items: int = 0
    clock: Callable[[], datetime] = utc_now
    pragmas: Mapping[str, int] = field(default_factory=dict)

    @property
    def retention(self) -> RetentionPolicy:
        """What goes by age and by size."""
        return RetentionPolicy(
            keep=timedelta(days=self.keep_days) if self.keep_days else None, most_items=self.most_items or None
        )

    def __post_init__(self) -> None:
        if self.agent:
            speaking(self.agent)
        if not 0 <= self.hold_out <= 1:
            raise Refusal("hold_out", f"{self.hold_out} is no share", "Choose a number from 0 (never) to 1 (always)")
