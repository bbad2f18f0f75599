"""A wish to forget, and what comes of it."""

from dataclasses import dataclass
from typing import Literal

from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import AgentName, Item, Plan, Space


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a caller wants forgotten: these items, or, without any, what the policy finds."""

    agent: AgentName
    ids: tuple[ItemId, ...] = ()
    space: Space | Literal["all"] = "all"
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruning:
    """A plan with its items as they are, and how many living items it does not touch."""

    plan: Plan
    items: dict[ItemId, Item]
    kept: int
