"""A store of any size in minutes: lessons taken in past the server, as an import takes in what another store exported.

Every item has the report that told it, its events and its row in the space, so that whatever looks at the store finds
it whole.
"""

from __future__ import annotations

import library_environment  # noqa: F401  before the libraries that read it

# isort: split
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from lessons import Lesson, TooMany, lessons
from rich.progress import Progress

from fleetlore.kmu.adopting import adopt, import_plan, line_of
from fleetlore.kmu.alignment import sameness
from fleetlore.kmu.digests import digests_of
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.unit import KnowledgeManagementUnit
from fleetlore.storage.dossiers import Dossier, Statement
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.identifiers import ItemId, new_feedback_id, new_item_id, new_plan_id
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.reconciliation import take_in
from fleetlore.storage.records import SPACES, AgentName, Evidence, Item, Verdict

BULK = 1_000
AGENT = AgentName("filler")
_OF_ONE_SEED = 100_000  # the words in lessons.toml make no million at once

Changed = Callable[[Item], Item]


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[KnowledgeManagementUnit]:
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=now))
        yield await stack.enter_async_context(KnowledgeManagementUnit.open(ledger, data, policy=Policy()))


def many_lessons(count: int, seed: int) -> Iterator[Lesson]:
    """Distinct lessons, also more than one seed makes; of a larger count the first are those of a smaller."""
    told: set[tuple[str, str]] = set()
    while len(told) < count:
        try:
            made = lessons(min(count, _OF_ONE_SEED), seed)
        except TooMany:
            made = lessons(count - len(told), seed)
        for lesson in made:
            words = (lesson.insight, lesson.applies_when)
            if words not in told and len(told) < count:
                told.add(words)
                yield lesson
        seed += 1_000


async def fill(
    unit: KnowledgeManagementUnit,
    made: Sequence[Lesson],
    progress: Progress,
    name: str = "filling",
    changed: Changed = lambda item: item,
) -> list[ItemId]:
    """Store lessons, as they would stand after as many reports. `changed` may set what a report does not say."""
    known: list[ItemId] = []
    for start in progress.track(range(0, len(made), BULK), description=name):
        items = [changed(item_of(unit.ledger, lesson)) for lesson in made[start : start + BULK]]
        plan = import_plan(new_plan_id(now()), unit.ledger, AGENT, "filled")
        lines = {item.id: line_of(item, "filled") for item in items}
        await adopt(unit.ledger, [dossier_of(item) for item in items], lines, plan)
        await take_in(unit.ledger, unit.spaces)
        known += [item.id for item in items]
    return known


async def settle(unit: KnowledgeManagementUnit) -> None:
    """Leaves nothing for the background to do: all counts as consolidated, tables are filled, indexed, compacted."""
    _, latest = await unit.ledger.read.waiting()
    await unit.ledger.write(lambda transaction: transaction.set_consolidated(latest))
    await unit.ledger.write(lambda transaction: transaction.end_consolidation())
    await upkeep(unit)


async def upkeep(unit: KnowledgeManagementUnit) -> None:
    await take_in(unit.ledger, unit.spaces)
    for space in SPACES:
        await unit.spaces.index(space)
        await unit.spaces.optimize(space)


def item_of(ledger: Ledger, lesson: Lesson) -> Item:
    """A lesson as the item that a report of it would have become."""
    insight, condition, task_type = sameness("general", lesson.insight, lesson.applies_when, "")
    return Item(
        id=new_item_id(now()),
        space="general",
        owner="",
        kind="do",
        insight=lesson.insight,
        applies_when=lesson.applies_when,
        task_type="",
        project="",
        tags=(),
        author=AGENT,
        feedback=new_feedback_id(now()),
        stage="provisional",
        evidence=Evidence(trust=0.8),
        created_at=now(),
        updated_at=now(),
        **digests_of(ledger.info, insight, condition, task_type, lesson.insight),
    )


def dossier_of(item: Item) -> Dossier:
    """An item that its author has told, and nobody else has spoken of."""
    told = Statement(
        id=item.feedback, agent=item.author, at=item.created_at, outcome="success", implicit="", reasoning=""
    )
    backed = Verdict(
        item=item.id,
        source=f"agent:{item.author}",
        agent=item.author,
        project="",
        feedback=item.feedback,
        at=item.created_at,
        sign=1,
        direct=True,
        delta=0.0,
    )
    return Dossier(item=item, verdicts=(backed,), statements=(told,))
