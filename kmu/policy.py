"""What an operator may set."""

from dataclasses import dataclass, field

from fleetlore.kmu.promotion import DEFAULT_BACKERS
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.kmu.retention_policy import RetentionPolicy
from fleetlore.storage.errors import PolicyImpossible


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How many other agents bear an item out, what is pruned unasked or kept, and whether outcomes teach anything.

    Without `learning` everything is stored and ranked by relevance alone: the baseline that learning is measured by.
    Without `explore` no questions are asked. `hold_out` is the share of retrievals for which knowledge is held back.

    Raises `PolicyImpossible`.
    """

    promote_after: int = DEFAULT_BACKERS
    prune: PrunePolicy = field(default_factory=PrunePolicy)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    learning: bool = True
    explore: bool = True
    hold_out: float = 0.0

    def __post_init__(self) -> None:
        if self.promote_after < 1:
            raise PolicyImpossible("promote_after", self.promote_after, "at least 1")
        if not 0 <= self.hold_out <= 1:
            raise PolicyImpossible("hold_out", self.hold_out, "a share from 0 to 1")
