"""What a scripted agent of the demo does: asks, chooses, tries, reports. Pure; `fleet.py` carries it to the server."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetlore.server.demo.world import Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What an agent tries, in that order, of which the first `told` are what the memory is sure enough of.

    `sources` are the shown items by the remedy that they state, `borne_out` the active ones among all shown.
    """

    order: tuple[str, ...]
    told: int
    sources: Mapping[str, tuple[str, ...]]
    borne_out: frozenset[str]

    @property
    def first(self) -> str:
        """The remedy that is tried first."""
        return self.order[0]

    @property
    def followed(self) -> tuple[str, ...]:
        """The items for which the first remedy is tried; none where the agent goes by its own guess."""
        return self.sources[self.first] if self.told else ()

    def tries(self, task: Task) -> int:
        """How many remedies are tried until one works."""
        return self.order.index(task.right) + 1


def choose(task: Task, items: Sequence[Mapping[str, Any]]) -> Choice:
    """Weighs what the memory shows, then adds the agent's own guesses.

    An item speaks for a remedy that its insight states. One that is less sure than a blind guess is not followed.
    """
    votes: dict[str, float] = defaultdict(float)
    sources: dict[str, tuple[str, ...]] = {}
    sure: set[str] = set()
    for item in items:
        remedy = next((remedy for remedy in task.guesses if remedy in item["insight"]), None)
        if remedy is None or "superseded_by" in item:
            continue
        votes[remedy] += item["score"]
        sources[remedy] = (*sources.get(remedy, ()), item["id"])
        if item["confidence"] > 1 / len(task.guesses):
            sure.add(remedy)
    told = sorted((guess for guess in task.guesses if guess in sure), key=votes.__getitem__, reverse=True)
    return Choice(
        order=(*told, *(guess for guess in task.guesses if guess not in sure)),
        told=len(told),
        sources=sources,
        borne_out=frozenset(item["id"] for item in items if item.get("status", "active") == "active"),
    )


def report(task: Task, choice: Choice, *, shown: bool, careless: bool) -> dict[str, Any]:
    """The arguments of the feedback that an agent gives.

    It names what helped and what misled, and states a lesson where the memory had none that works. A lesson that was
    borne out and fails now is replaced, one that was not is called harmful. Whoever is careless takes the first
    remedy for right.
    """
    works = choice.first if careless else task.right
    helpful = choice.sources.get(works, ())
    misleading = () if choice.first == works else choice.followed
    arguments: dict[str, Any] = {
        "task": task.text,
        "outcome": "success" if choice.first == works else "failure",
        "reasoning": f"{choice.first}: {'done' if choice.first == works else 'did not help'}.",
        "project": task.trouble.repository,
        "helpful": list(helpful),
        "harmful": [item for item in misleading if helpful or item not in choice.borne_out],
    }
    if not helpful:
        arguments |= {
            "insight": task.wording.format(remedy=works, repository=task.trouble.repository),
            "kind": "do",
            "applies_when": task.trouble.title,
            "replaces": [item for item in misleading if item in choice.borne_out],
        }
        if shown and not misleading:
            arguments["helpful"] = ["none"]
    return arguments
