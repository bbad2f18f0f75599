"""The all-knowing curator of the arm `oracle`: it prunes what is wrong now, and brings back what is right again.

It uses the tool `prune` as a person would: a plan first, then that plan applied, and undone if the world comes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from connection import Connection
from task import Claim

MOST_IDS = 50
REASON = "it is not right any more"


@dataclass(frozen=True, kw_only=True, slots=True)
class Curator:
    """A plan takes only items that say the same, so that undoing it never brings back something else that is wrong."""

    connection: Connection
    agent: str = "curator"
    _living: dict[Claim, set[str]] = field(default_factory=lambda: defaultdict(set))
    _plans: dict[Claim, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, item: str, claim: Claim) -> None:
        """Hear of an item that was taught, or taught again after it was pruned."""
        self._living[claim].add(item)

    async def keep(self, right: Callable[[Claim], bool]) -> None:
        """Leave in the memory exactly what is right."""
        for claim in [claim for claim in self._plans if right(claim)]:
            for plan in self._plans.pop(claim):
                undone = await self.connection.call("prune", {"undo": plan, "agent": self.agent})
                self._living[claim].update(item["id"] for item in undone["items"])
        for claim in [claim for claim in self._living if not right(claim)]:
            waiting = iter(sorted(self._living.pop(claim)))
            while ids := list(islice(waiting, MOST_IDS)):
                self._plans[claim].append(await self._prune(ids))

    async def _prune(self, ids: list[str]) -> str:
        """Return the plan, applied."""
        planned = await self.connection.call("prune", {"ids": ids, "reason": REASON, "agent": self.agent})
        plan: str = planned["plan"]
        await self.connection.call("prune", {"plan": plan, "apply": True, "agent": self.agent})
        return plan
