"""Briefing: the lessons that an agent should know of a project before it has asked anything.

From the ledger alone, as nothing is searched for. What other agents' outcomes bear out comes before what is
provisional, the project's own before what holds anywhere, then the more trusted. Nothing is said that is contested,
held until a person has looked at it, or more likely wrong than right.
"""

from collections.abc import Callable, Collection, Sequence

from fleetlore.kmu.evidence import CREDIBLE
from fleetlore.kmu.ranking import trust_of
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Experience, Item

_LOOKED_AT = 100  # of the project's, of no project's and of those borne out in several


async def briefing(view: LedgerView, *, project: str, fits: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """The best lessons for work on a project ("": on none that is known), best first, as many as `fits` takes.

    Agents' own items are left out. One that does not fit makes way for the next that does.
    """
    experience = await view.experience()
    chosen: list[Item] = []
    for item in ordered(await view.best_items(project, limit=_LOOKED_AT), experience, project=project):
        if fits([*chosen, item]):
            chosen.append(item)
    return chosen


def ordered(items: Collection[Item], experience: Experience, *, project: str) -> list[Item]:
    """Those worth saying, best first; of equal lessons, and of those linked as similar, only the best."""
    trusts = {item.id: trust_of(item, experience) for item in items}
    worthy = [
        item
        for item in items
        if item.status in ("active", "provisional") and trusts[item.id] >= CREDIBLE and not item.flags
    ]
    worthy.sort(key=lambda item: (item.stage != "active", item.project != project, -trusts[item.id], item.id))
    said: list[Item] = []
    for item in worthy:
        if not any(item.lesson == better.lesson or better.id in item.similar_to for better in said):
            said.append(item)
    return said
