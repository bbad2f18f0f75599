"""An item as `fleetlore show` tells it: what it says, how far it is trusted and why, who said what, what happened."""

from collections.abc import Iterable, Iterator
from typing import Any

from fleetlore.kmu.harmless import harmless
from fleetlore.server.people.lines import (
    ERASED,
    OWN,
    coloured,
    counted,
    flagged,
    heading,
    hint,
    moment,
    one_line,
    quoted,
    seen_by,
    state_of,
)
from fleetlore.storage.identifiers import ItemId, PlanId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName, Item
from fleetlore.tools.provenance import described, provenance

_SHOWN = 20  # of what was said of an item, the latest
_EVENTS = {
    "new": "told it: {feedback}",
    "superseding": "told it in another's place: {feedback}",
    "conflict": "told it against another: {feedback}",
    "corroborated": "said the same: {feedback}",
    "returned": "said it again after plan {plan} had pruned it",
    "promoted": "it became active, borne out by {backers} other agents",
    "demoted": "it became provisional again, as many speak against it as for it",
    "superseded": "{successor} took its place",
    "contested": "it was found to contradict {other}: plan {plan}",
    "linked": "it was found to be similar to {other}: plan {plan}",
    "pruned": "it was pruned: plan {plan}",
    "imported": "brought it by an import: plan {plan}",
    "edited": "worded it anew: plan {plan}",
    "held": "held it until a person has looked at it",
    "screened": "took a secret out of it that an earlier version had not seen",
    "accepted": "looked at it and let it go: plan {plan}",
    "acceptance undone": "took back that it was let go: plan {plan}",
    "edit undone": "took back the edit of plan {plan}",
    "restored": "took back plan {plan} ({act})",
    "erased": "erased what it said: plan {plan}",
    "withdrawn": "took out what {of} had said of it: plan {plan}",
    "withdrawal undone": "let what {of} had said of it count again: took back plan {plan}",
}


async def item_account(view: LedgerView, item: Item, agent: AgentName) -> dict[str, Any]:
    """Everything about an item, with what the items that it is linked with say."""
    others = (*item.similar_to, *item.conflicts_with, item.superseded_by, item.merged_into)
    near = await view.items((other for other in others if other is not None), agent=agent, pruned=True)
    found = described(item, await view.experience()) | await provenance(view, item)
    plan = await view.plan(item.pruned_by, agent=agent) if item.pruned_by else None
    lines = plan.items if plan else ()
    return {
        **found,
        "status": state_of(item),
        "because": _because(item, next((line.because for line in lines if line.item == item.id), "")),
        "owner": item.owner,
        "insights": {other: near[other].insight for other in near},
    }


def item_text(found: dict[str, Any]) -> str:
    """The same for people."""
    return "\n".join(_lines(found))


def _because(item: Item, pruned: str) -> str:
    if item.pruned_by is not None:
        return _taken(item, item.pruned_by, pruned)
    match item.status:
        case "superseded":
            return f"{item.superseded_by} took its place"
        case "contested":
            return f"it contradicts {', '.join(item.conflicts_with)}, and neither has won"
        case "active":
            return "its owner's own" if item.space == "prompt" else "outcomes of other agents bear it out"
        case "provisional" if item.flags:
            return "it is held until a person has looked at it, whatever outcomes say"
        case "provisional":
            return "outcomes of other agents have not borne it out yet"


def _taken(item: Item, plan: PlanId, pruned: str) -> str:
    if item.erased:
        return f"plan {plan} erased what it said; its evidence is left"
    if item.merged_into is not None:
        return f"the same lesson as {item.merged_into} in other words; it lives on there"
    return f"plan {plan}{f': {pruned}' if pruned else ''}"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{heading(found['id'])}  {coloured(found['status'])}  confidence {found['confidence']:.2f}  {found['kind']}"
    yield harmless(found["insight"]) or ERASED
    if found["applies_when"]:
        yield f"{hint('applies when')} {harmless(found['applies_when'])}"
    filed = {"project": found["project"], "tags": ", ".join(found["tags"]), "task type": found["task_type"]}
    place = f"{found['owner']}'s own space" if found["owner"] else "general space"
    yield f"{place}{''.join(f', {name} {value}' for name, value in filed.items() if value)}"
    yield f"told by {found['author']} at {moment(found['created_at'])}, last changed at {moment(found['updated_at'])}"
    yield f"{found['status']}: {one_line(found['because'])}"
    if found["flags"]:
        yield flagged(found["flags"])
    yield ""
    yield heading("evidence")
    yield (
        f"  {counted(found['support'], 'report')} for it and {found['contradiction']} against, "
        f"backed by {counted(found['agents'], 'agent')} in {counted(found['projects'], 'project')}"
    )
    if (more := len(found["verdicts"]) - _SHOWN) > 0:
        yield f"  … {more:,} earlier ones (--json has all)"
    for verdict in found["verdicts"][-_SHOWN:]:
        yield f"  {moment(verdict['at'])}  {verdict['agent']}: {_said(verdict)}  {hint(verdict['feedback'])}"
        yield from (f"      {quoted(one_line(sentence))}" for sentence in verdict.get("sentences", ()))
    for title, ids in (("contradicts", found["conflicts_with"]), ("similar to", found["similar_to"])):
        yield from _others(title, ids, found["insights"])
    yield from _others("superseded by", filter(None, [found["superseded_by"]]), found["insights"])
    yield from _others("merged into", filter(None, [found["merged_into"]]), found["insights"])
    if found["wordings"]:
        yield ""
        yield heading("other wordings")
        for wording in found["wordings"]:
            yield f"  {wording['id']} by {wording['author']}: {quoted(one_line(wording['insight']))}"
            yield f"      {hint('to part them: fleetlore undo ' + wording['plan'])}"
    yield ""
    yield heading("history")
    for event in found["history"]:
        yield f"  {moment(event['at'])}  {event['agent']}: {_happened(event)}"
    yield ""
    yield hint(_next(found))


def _said(verdict: dict[str, Any]) -> str:
    sign = verdict["says"] if verdict["named"] else f"{verdict['says']}, not by name"
    seen = ", seen from outside" if "implicit" in verdict else ""
    return f"{sign} ({verdict['outcome']}{seen})" if "outcome" in verdict else sign


def _others(title: str, ids: Iterable[ItemId], insights: dict[ItemId, str]) -> Iterator[str]:
    for place, other in enumerate(ids):
        if place == 0:
            yield ""
            yield heading(title)
        yield f"  {other}: {quoted(one_line(insights[other])) if other in insights else OWN}"


def _happened(event: dict[str, Any]) -> str:
    if event["kind"] == "merged":
        into = f"it was merged into {event['into']}: plan {event['plan']}" if "into" in event else ""
        return into or f"said the same in other words: {event['feedback']}"
    return _EVENTS[event["kind"]].format(**event) if event["kind"] in _EVENTS else event["kind"]


def _next(found: dict[str, Any]) -> str:
    own = seen_by(found["owner"])
    if found["status"] == "erased":
        return f"next: who erased it, and when: fleetlore audit show --item {found['id']}"
    if found["merged_into"]:
        return f"next: fleetlore show {found['merged_into']}{own}; to part them: fleetlore undo {found['pruned_by']}"
    if found["pruned_by"]:
        return f"next: to bring it back: fleetlore undo {found['pruned_by']}"
    accept = f"fleetlore edit {found['id']}{own} --accept, or reword it: " if found["flags"] else ""
    return f"next: {accept}fleetlore edit {found['id']}{own}, or fleetlore prune {found['id']}{own} --reason …"
