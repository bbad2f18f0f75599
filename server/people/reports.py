"""A report as `fleetlore show` tells it, whole: what was done, how it ended, what was learnt, what gained and lost."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from fleetlore.kmu.access import Principal, permitted
from fleetlore.kmu.harmless import harmless
from fleetlore.kmu.report import Acknowledgement
from fleetlore.server.people.lines import heading, hint, moment
from fleetlore.storage.identifiers import FeedbackId
from fleetlore.storage.ledger_view import LedgerView

_TEXTS = ("task", "insight", "applies_when", "reasoning", "output", "expected")


async def report_account(view: LedgerView, wanted: FeedbackId, principal: Principal) -> dict[str, Any] | None:
    """A report; None where there is none that this caller may be told of."""
    others = permitted(principal, "receipts and reports of others")
    report = await view.feedback(wanted, agent=principal.agent, others=others)
    if report is None:
        return None
    answered = await view.answer_of_report(wanted)
    answer = Acknowledgement.loaded(answered) if answered else None  # what came with an import was answered elsewhere
    return {
        "feedback": report.id,
        "at": report.at.isoformat(),
        "agent": report.agent,
        "receipt": report.receipt,
        "outcome": report.outcome,
        **({"implicit": report.implicit} if report.implicit else {}),
        **{name: getattr(report, name) for name in _TEXTS},
        "assessment": report.assessment,
        "learned": [asdict(one) for one in answer.learned] if answer else [],
        "credited": answer.credited if answer else (),
        "blamed": answer.blamed if answer else (),
    }


def report_text(found: dict[str, Any]) -> str:
    """The same for people."""
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    seen = f" (seen from outside: {found['implicit'].replace('-', ' ')})" if "implicit" in found else ""
    yield f"{heading(found['feedback'])}  {found['outcome']}{seen}, by {found['agent']} at {moment(found['at'])}"
    for name in _TEXTS:
        if found[name]:
            yield f"{hint(name.replace('_', ' '))} {harmless(found[name])}"
    if found["assessment"]:
        yield heading("assessment")
        yield from (f"  {harmless(sentence)}" for sentence in found["assessment"])
    for learned in found["learned"]:
        yield f"{heading('learned')} {learned['id'] or 'nothing'}: {learned['decision']}. {learned['because']}"
    for name in ("credited", "blamed"):
        if found[name]:
            yield f"{heading(name)} {', '.join(found[name])}"
    if found["receipt"]:
        yield hint(f"next: what it had been shown: fleetlore why {found['receipt']}")
