"""Holding: what is suspicious stays provisional until a person has looked at it, also what was stored before."""

from collections.abc import Sequence

import anyio

from fleetlore.kmu.suspicion import JUDGEMENT, flags_of
from fleetlore.storage.judgement import Unjudged
from fleetlore.storage.ledger import Ledger, LedgerTransaction
from fleetlore.storage.records import ITSELF, Flag, Item, Wording

_PAGE = 100


async def judge_waiting(ledger: Ledger) -> int:
    """Judges what was stored before there was this judgement; returns how many items are held by it."""
    held = 0
    while page := await ledger.read.unjudged(JUDGEMENT, _PAGE):
        judged = await anyio.to_thread.run_sync(_judged, page)

        async def commit(
            transaction: LedgerTransaction, judged: Sequence[tuple[Unjudged, tuple[Flag, ...]]] = judged
        ) -> int:
            count = 0
            for item, flags in judged:
                # An edit that came between has been judged.
                if await transaction.judge(item.id, flags, JUDGEMENT) and flags:
                    await transaction.record("held", agent=ITSELF, subject=item.id, flags=flags)
                    count += 1
            return count

        held += await ledger.write(commit)
    return held


async def judge_again(transaction: LedgerTransaction, item: Item, wording: Wording) -> None:
    """Judges an item by the words that it has now. An agent's own, once it is no longer held, is active."""
    flags = flags_of(wording.insight, wording.applies_when, wording.task_type, wording.project, *wording.tags)
    await transaction.hold(item.id, flags, JUDGEMENT)
    if item.flags and not flags and item.space == "prompt":
        await transaction.set_stage(item.id, "active")


def _judged(page: Sequence[Unjudged]) -> list[tuple[Unjudged, tuple[Flag, ...]]]:
    return [(item, flags_of(*item.texts, beside=item.beside)) for item in page]
