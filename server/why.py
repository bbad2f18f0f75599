"""What `fleetlore why` says: what a receipt showed to whom, why in this order, and the controller's word with it."""

from collections.abc import Iterator
from typing import Any

import click

from fleetlore.kmu.access import Principal, reach
from fleetlore.server.people.lines import OWN, coloured, flagged, heading, hint, one_line, quoted, room, state_of
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Item, Receipt, Shown

_NEAR = 5


async def why(view: LedgerView, wanted: ReceiptId, principal: Principal) -> dict[str, Any]:
    """A receipt with what led to it and what came of it. Its agent's own items are told to that agent alone.

    Raises `Refusal` where there is no such receipt that this caller may be told of.
    """
    receipt = await view.receipt(wanted, agent=reach(principal))
    if receipt is None:
        raise Refusal("receipt", f"there is no receipt {wanted}", "Give the id (r_…) that came with a retrieval")
    shown = {line.item for line in receipt.shown}
    beside = [(item, relevance) for item, relevance in receipt.near if item not in shown]
    items = await view.items([*shown, *(item for item, _ in beside)], agent=principal.agent, pruned=True)
    return {
        "receipt": receipt.id,
        "at": receipt.at.isoformat(timespec="seconds"),
        "agent": receipt.agent,
        "project": receipt.project,
        "task_type": receipt.task_type,
        "task": receipt.task,
        "mode": receipt.mode,
        "held_out": receipt.held_out,
        **receipt.control,
        "shown": [
            {"item": line.item, "score": line.score, "relevance": line.relevance}
            | _then(receipt, line)
            | _now(items.get(line.item))
            for line in receipt.shown
        ],
        "near": len(receipt.near),
        "not_shown": [{"item": item, "relevance": relevance} | _now(items.get(item)) for item, relevance in beside],
        "reports": await view.reports(receipt.id),
    }


def why_text(found: dict[str, Any]) -> str:
    """The same for people."""
    return "\n".join(_lines(found))


def _then(receipt: Receipt, line: Shown) -> dict[str, Any]:
    """What counted when the item was shown; nothing where an earlier version gave the receipt."""
    if (counted := line.factors) is None:
        return {}
    return {
        "trust": counted.trust,
        "weight": receipt.control.get("weight", 1.0),
        "agreement": counted.agreement,
        "discount": counted.discount,
        "status_then": counted.status,
        "support_then": counted.support,
        "contradiction_then": counted.contradiction,
    }


def _now(item: Item | None) -> dict[str, Any]:
    if item is None:
        return {"insight": "", "confidence_now": None, "status_now": "unknown", "flags_now": ()}
    return {
        "insight": item.insight,
        "confidence_now": round(item.evidence.trust, 2),
        "status_now": state_of(item),
        "flags_now": item.flags,
    }


def _lines(found: dict[str, Any]) -> Iterator[str]:
    of = ", ".join(f"{name} {found[name]}" for name in ("project", "task_type") if found[name])
    yield f"{heading(found['receipt'])}, to {found['agent']} at {found['at']}{f' ({of})' if of else ''}"
    yield f"task: {one_line(found['task'])}"
    yield f"mode: {found['mode']}{', knowledge held back' if found['held_out'] else ''}"
    yield from (f"  because {reason}" for reason in found.get("because", ()))
    if states := found.get("states"):
        yield "states: " + ", ".join(f"{name} {value}" for name, value in states.items())
        yield f"expected success: {found['expected']}; weight of evidence: {round(found['weight'], 3)}"
    yield f"shown: {len(found['shown'])} items, of {found['near']} near"
    for place, shown in enumerate(found["shown"], 1):
        yield f"  {place}. {shown['item']} score {shown['score']}{_made_of(shown)}"
        if "status_then" in shown:
            reports = f"{shown['support_then']} reports for it, {shown['contradiction_then']} against"
            yield f"     then {shown['status_then']}, {reports}; now {_stands(shown)}"
        else:
            yield f"     now {_stands(shown)}"
        yield f"     {_insight(shown, 5)}"
    if found["not_shown"]:
        yield "near, but not shown:"
    for near in found["not_shown"][:_NEAR]:
        head = f"  {near['item']} relevance {near['relevance']}; now {_stands(near)}: "
        yield head + _insight(near, len(click.unstyle(head)))
    if (more := len(found["not_shown"]) - _NEAR) > 0:
        yield f"  … and {more} more (--json has all)"
    yield from (_reported(report) for report in found["reports"])
    if all("implicit" in report for report in found["reports"]):
        yield "report: none yet"
    if found["shown"]:
        yield hint(f"next: fleetlore show {found['shown'][0]['item']}")


def _made_of(shown: dict[str, Any]) -> str:
    """The score as the product that it is."""
    if "trust" not in shown:
        return f", relevance {shown['relevance']}"
    parts = [f"relevance {shown['relevance']}²", f"trust {shown['trust']}"]
    parts[1] += f"^{shown['weight']:g}" if shown["weight"] != 1 else ""
    parts.append(f"agreement {shown['agreement']:g}")
    if shown["discount"] != 1:
        parts.append(f"discount {shown['discount']:g}")
    return f" = {' × '.join(parts)}"


def _stands(item: dict[str, Any]) -> str:
    if item["confidence_now"] is None:
        return f"{OWN}, or gone"
    held = f", {flagged(item['flags_now'])}" if item["flags_now"] else ""
    return f"{coloured(item['status_now'])}, confidence {item['confidence_now']}{held}"


def _insight(item: dict[str, Any], taken: int) -> str:
    return quoted(one_line(item["insight"], room(taken + 2))) if item["insight"] else ""


def _reported(report: dict[str, str]) -> str:
    seen = f" (implicit: {report['implicit'].replace('-', ' ')})" if "implicit" in report else ""
    return f"{'seen' if seen else 'report'}: {report['feedback']} at {report['at']}: {report['outcome']}{seen}"
