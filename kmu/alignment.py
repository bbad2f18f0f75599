"""Alignment: what a new insight is to what is known already. A decision is data; nothing is destroyed.

The judgement is as sure as it is simple. Under the same condition the same words in the same order, but for case,
spacing and punctuation, are the same lesson, and so are words of the same gist; everything else is a lesson of its own.
"""

from collections.abc import Collection
from dataclasses import dataclass

from fleetlore.kmu.lexicon import normal_form
from fleetlore.storage.identifiers import ItemId, PlanId
from fleetlore.storage.records import Item, Space


@dataclass(frozen=True, kw_only=True, slots=True)
class New:
    """Nothing like it is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corroborated:
    """The same lesson is known: the report backs it."""

    item: ItemId


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """The same lesson is known in other words: the report backs it, and its wording is kept with it."""

    item: ItemId


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """The same lesson was known and pruned: it comes back, provisionally."""

    item: ItemId
    plan: PlanId


@dataclass(frozen=True, kw_only=True, slots=True)
class Superseding:
    """It corrects items that the report names."""

    replaced: tuple[ItemId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conflict:
    """It says something else under the same condition as items that the report calls harmful."""

    others: tuple[ItemId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """It says nothing that could be stored."""

    because: str


Alignment = New | Corroborated | Merged | Returned | Superseding | Conflict | Rejected


def sameness(space: Space, insight: str, applies_when: str, task_type: str) -> tuple[str, ...]:
    """The parts that are equal for two lessons exactly if they are the same lesson.

    In the prompt-specific space the sort of task belongs to the condition.
    """
    return (normal_form(insight), normal_form(applies_when), task_type if space == "prompt" else "")


def align(
    *,
    insight: str,
    condition: str,
    same: tuple[ItemId, PlanId | None] | None,
    of_gist: ItemId | None,
    replaces: Collection[ItemId],
    harmful: Collection[Item],
) -> Alignment:
    """What the insight is to what is known.

    `same` is the item of equal `sameness` and the plan that pruned it, if any; `of_gist` a living item of equal gist;
    `condition` the digest of the new lesson's condition; `harmful` the items that the same report calls harmful.
    """
    if not normal_form(insight):
        return Rejected(because="the insight has no words")
    if same is not None:
        item, plan = same
        return Corroborated(item=item) if plan is None else Returned(item=item, plan=plan)
    # Who corrects an item, or calls it harmful, means something else than it says.
    if of_gist is not None and of_gist not in replaces and of_gist not in {item.id for item in harmful}:
        return Merged(item=of_gist)
    if replaces:
        return Superseding(replaced=tuple(replaces))
    others = tuple(item.id for item in harmful if item.condition == condition and item.status != "superseded")
    return Conflict(others=others) if others else New()
