"""A plan as `fleetlore show`, `prune` and `undo` tell it: each act with its reason, and how to take it back."""

from collections.abc import Iterator
from typing import Any

from fleetlore.kmu.access import Principal, reach
from fleetlore.server.people.lines import ERASED, OWN, heading, hint, moment, one_line, quoted, seen_by
from fleetlore.storage.identifiers import PlanId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import AgentName, Edit, Plan, Wording

_SHOWN = 100


async def plan_account(view: LedgerView, wanted: PlanId, principal: Principal) -> dict[str, Any] | None:
    """A plan; None where there is none that this caller may be told of.

    What it does to other agents' own items is told nobody in words.
    """
    plan = await view.plan(wanted, agent=reach(principal))
    return None if plan is None else await account_of(view, plan, principal.agent)


async def account_of(view: LedgerView, plan: Plan, agent: AgentName) -> dict[str, Any]:
    """A known plan."""
    items = await view.items([entry.item for entry in plan.items], agent=agent, pruned=True)
    told = all(entry.item in items for entry in plan.items)
    return {
        "plan": plan.id,
        "kind": plan.kind,
        "at": plan.at.isoformat(),
        "agent": plan.agent,
        "reason": plan.reason if told else "",
        "state": "undone" if plan.undone_at else "applied" if plan.applied_at else "not applied",
        "applied_at": plan.applied_at.isoformat() if plan.applied_at else None,
        "undone_at": plan.undone_at.isoformat() if plan.undone_at else None,
        "acts": [
            {
                "act": entry.act,
                "item": entry.item,
                "other": entry.other,
                "owner": items[entry.item].owner if entry.item in items else "",
                "insight": items[entry.item].insight if entry.item in items else "",
                "because": entry.because if told else "",  # the reason for one is the reason for all
                "feedback": entry.feedback,
                **({"erased": True} if entry.item in items and items[entry.item].erased else {}),
            }
            for entry in plan.items
        ],
        **({"edit": _changes(plan.edit)} if plan.edit and told else {}),
    }


def plan_text(found: dict[str, Any]) -> str:
    """The same for people."""
    return "\n".join(_lines(found))


def _changes(edit: Edit) -> dict[str, dict[str, Any]]:
    """What an edit changed, by name."""
    return {
        name: {"before": getattr(edit.before, name), "after": getattr(edit.after, name)}
        for name in Wording.__slots__
        if getattr(edit.before, name) != getattr(edit.after, name)
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    reason = f": {one_line(found['reason'])}" if found["reason"] else ""
    by = f"by {found['agent']} at {moment(found['at'])}"
    yield f"{heading(found['plan'])}  {found['kind']}, {found['state']}, {by}{reason}"
    for act in found["acts"][:_SHOWN]:
        other = f" → {act['other']}" if act["other"] else ""
        says = quoted(one_line(act["insight"])) if act["insight"] else ERASED if "erased" in act else OWN
        yield f"  {act['act']} {act['item']}{other}: {says}"
        if act["because"]:
            yield f"      {hint('because')} {one_line(act['because'])}"
        if act["feedback"]:
            yield f"      {hint('reports')} {', '.join(act['feedback'])}"
    if (more := len(found["acts"]) - _SHOWN) > 0:
        yield f"  … and {more:,} more (--json has all)"
    for name, change in found.get("edit", {}).items():
        yield f"  {name.replace('_', ' ')}: {_told(change['before'])} → {_told(change['after'])}"
    if found["kind"] == "forget":
        yield hint("it erased for good: nothing takes it back")
    elif found["state"] == "applied":
        yield hint(f"to take it back: fleetlore undo {found['plan']}")
    elif found["state"] == "not applied" and found["acts"]:
        own = seen_by(next((act["owner"] for act in found["acts"] if act["owner"]), ""))
        yield hint(f"to carry it out: fleetlore prune --plan {found['plan']} --apply{own}")


def _told(value: Any) -> str:  # noqa: ANN401  a field of a wording
    return quoted(one_line(value if isinstance(value, str) else ", ".join(value)))
