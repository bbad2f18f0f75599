"""What a memory answers its hooks: the same on this machine and behind a server's route.

The answers to a session that starts or stops are what Claude Code reads; `{}` has nothing to say.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, assert_never

from fleetlore.kmu.access import Principal, authorise
from fleetlore.kmu.briefing import briefing
from fleetlore.kmu.harmless import harmless
from fleetlore.kmu.implicit import imply
from fleetlore.server.hooks.requests import Request, Seen, SessionStart, Stop, ToolUse, way_of
from fleetlore.server.hooks.wording import greeting, reminder
from fleetlore.storage.identifiers import ReceiptId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName, Item

Answer = dict[str, Any]

_CHARACTERS_OF_A_TOKEN = 4


async def answer(ledger: Ledger, request: Request, *, principal: Principal | None, learning: bool = True) -> Answer:
    """`principal` is who has logged in: only its own receipts count. Where nobody must, who knows a receipt has it.

    Raises `Refusal` for a report on a receipt that was never given, and `Forbidden`.
    """
    if principal is not None:
        authorise(principal, way_of(request))
    agent = principal.agent if principal is not None else None
    match request:
        case SessionStart():
            return await _greeted(ledger, request)
        case Stop(receipts=receipts):
            return await _reminded(ledger, receipts, agent)
        case ToolUse():
            return await _told(ledger, request, agent, learning=learning)
        case Seen(receipt=receipt, implicit=implicit):
            return asdict(await imply(ledger, receipt, implicit, agent=agent, learning=learning))
        case _:
            assert_never(request)


async def _greeted(ledger: Ledger, request: SessionStart) -> Answer:
    experience = await ledger.read.experience()

    def text(items: Sequence[Item]) -> str:
        return harmless(greeting(items, experience, project=request.project))

    items = await briefing(
        ledger.read,
        project=request.project,
        fits=lambda items: len(text(items)) <= request.max_tokens * _CHARACTERS_OF_A_TOKEN,
    )
    if not items:
        return {}
    return {"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": text(items)}}


async def _reminded(ledger: Ledger, receipts: Sequence[ReceiptId], agent: AgentName | None) -> Answer:
    """Asks for what is missing: noted before it is said, so that nobody is asked twice."""
    missing = await ledger.read.unanswered(receipts, agent=agent)
    if not missing:
        return {}
    noted = set(await ledger.write(lambda transaction: transaction.remind(missing)))
    missing = {receipt: task for receipt, task in missing.items() if receipt in noted}
    return {"decision": "block", "reason": harmless(reminder(missing))} if missing else {}


async def _told(ledger: Ledger, request: ToolUse, agent: AgentName | None, *, learning: bool) -> Answer:
    """Keeps what was seen for the receipt that was given last: what is done now is done on its task.

    Once its agent has answered that one, the task is over, and what comes is of none that is known.
    """
    latest = await ledger.read.latest_receipt(request.receipts, agent=agent)
    receipt = await ledger.read.receipt(latest, agent=agent) if latest else None
    if receipt is not None and not receipt.answered:
        await imply(ledger, receipt.id, request.implicit, agent=agent, learning=learning)
    return {}
