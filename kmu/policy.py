"""What an operator may set."""

from dataclasses import dataclass, field

from fleetlore.kmu.promotion import DEFAULT_BACKERS
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.storage.errors import PolicyImpossible


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """How many other agents bear an item out, what is pruned unasked, and whether anything is learnt from outcomes.

    Without `learning` everything is stored and ranked by relevance alone: the baseline that learning is measured by.

    Raises `PolicyImpossible`.
    """

    promote_after: int = DEFAULT_BACKERS
    prune: PrunePolicy = field(default_factory=PrunePolicy)
    learning: bool = True

    def __post_init__(self) -> None:
        if self.promote_after < 1:
            raise PolicyImpossible("promote_after", self.promote_after, "at least 1")
