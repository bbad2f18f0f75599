"""Exporting: living items with their evidence, one a line, in an order that only what is known decides."""

from collections.abc import AsyncGenerator, Collection, Iterable

from fleetlore.server.exchange.record import written
from fleetlore.storage.dossiers import Dossier, Statement
from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName, Item, Verdict

_SLICE = 1_000


async def exported(
    view: LedgerView, *, agent: AgentName, space: str = "all", project: str = "", tags: tuple[str, ...] = ()
) -> AsyncGenerator[str]:
    """The lines of an export as of one moment: the general space, and the agent's own items; nobody else's.

    "" for `project` and () for `tags` leave nothing out. An item that is superseded comes only beside its successor.
    """
    async with view.snapshot():
        chosen = await view.exportable(agent=agent, space=space, project=project, tags=tags)
        among = frozenset(chosen)
        for start in range(0, len(chosen), _SLICE):
            for dossier in await _dossiers(view, chosen[start : start + _SLICE], agent, among):
                yield written(dossier)


async def _dossiers(
    view: LedgerView, ids: Collection[ItemId], agent: AgentName, among: Collection[ItemId]
) -> Iterable[Dossier]:
    items = await view.items(ids, agent=agent)
    verdicts, blames = await view.verdicts_of(ids), await view.blames_of(ids)
    marks, borne_from = await view.marks_of(ids), await view.borne_from(ids)
    reports = {item.id: {item.feedback, *blames.get(item.id, ())} for item in items.values()}
    for item, said in verdicts.items():
        reports[item] |= {verdict.feedback for verdict in said}
    told = await view.statements({report for named in reports.values() for report in named})
    statements = {
        item: told | _remembered(items[item], verdicts.get(item, ()), missing)
        if (missing := reports[item] - told.keys())
        else told
        for item in items
    }
    return [
        Dossier(
            item=items[item],
            verdicts=tuple(verdicts.get(item, ())),
            statements=tuple(
                statements[item][report] for report in sorted(reports[item]) if report in statements[item]
            ),
            conflicts=tuple(other for other in marks.get(item, ()) if other in among),
            blames=tuple(blame for blame in blames.get(item, ()) if blame in statements[item]),
            borne_from=borne_from.get(item),
        )
        for item in ids
    ]


def _remembered(item: Item, said: Iterable[Verdict], missing: Collection[FeedbackId]) -> dict[FeedbackId, Statement]:
    """What is still known of reports that were erased: whose they were, and when.

    How a task went that is forgotten is told of none: one report may speak for an item and against another.
    """
    made = [(item.feedback, item.author, item.created_at), *((one.feedback, one.agent, one.at) for one in said)]
    return {
        report: Statement(id=report, agent=agent, at=at, outcome="observation", implicit="", reasoning="")
        for report, agent, at in made
        if report in missing
    }
