"""What `fleetlore why` says: what a receipt showed to whom, and the controller's word that came with it."""

from typing import Any

from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.ledger_view import LedgerView

_INSIGHT = 100


async def why(view: LedgerView, wanted: ReceiptId) -> dict[str, Any]:
    """A receipt with what led to it and what came of it.

    Raises `Refusal` where there is no such receipt.
    """
    receipt = await view.receipt(wanted)
    if receipt is None:
        raise Refusal("receipt", f"there is no receipt {wanted}", "Give the id (r_…) that came with a retrieval")
    items = await view.items([shown.item for shown in receipt.shown], agent=receipt.agent, pruned=True)
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
            {
                "item": shown.item,
                "score": shown.score,
                "relevance": shown.relevance,
                "insight": items[shown.item].insight if shown.item in items else "",
                "confidence_now": round(items[shown.item].evidence.trust, 2) if shown.item in items else None,
                "status_now": _status(items[shown.item].pruned_by, items[shown.item].status)
                if shown.item in items
                else "unknown",
            }
            for shown in receipt.shown
        ],
        "near": len(receipt.near),
        "reports": await view.reports(receipt.id),
    }


def why_text(found: dict[str, Any]) -> str:
    """The same for people."""
    of = ", ".join(f"{name} {found[name]}" for name in ("project", "task_type") if found[name])
    lines = [
        f"{found['receipt']}, to {found['agent']} at {found['at']}{f' ({of})' if of else ''}",
        f"task: {' '.join(found['task'].split())}",
        f"mode: {found['mode']}{', knowledge held back' if found['held_out'] else ''}",
        *(f"  because {reason}" for reason in found.get("because", ())),
    ]
    if states := found.get("states"):
        lines.append("states: " + ", ".join(f"{name} {value}" for name, value in states.items()))
        lines.append(f"expected success: {found['expected']}; weight of evidence: {round(found['weight'], 3)}")
    lines.append(f"shown: {len(found['shown'])} items, of {found['near']} near")
    for place, shown in enumerate(found["shown"], 1):
        lines.append(
            f"  {place}. {shown['item']} score {shown['score']}, relevance {shown['relevance']}; "
            f"now {shown['status_now']}, confidence {shown['confidence_now']}: {_clipped(shown['insight'])}"
        )
    lines += [_reported(report) for report in found["reports"]]
    answered = any("implicit" not in report for report in found["reports"])
    return "\n".join(lines if answered else [*lines, "report: none yet"])


def _status(pruned_by: str | None, status: str) -> str:
    return "pruned" if pruned_by else status


def _reported(report: dict[str, str]) -> str:
    seen = f" (implicit: {report['implicit'].replace('-', ' ')})" if "implicit" in report else ""
    return f"{'seen' if seen else 'report'}: {report['feedback']} at {report['at']}: {report['outcome']}{seen}"


def _clipped(insight: str) -> str:
    line = " ".join(insight.split())
    return line if len(line) <= _INSIGHT else f"{line[: _INSIGHT - 1]}…"
