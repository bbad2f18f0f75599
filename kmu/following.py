"""Following merges: what a report says of an item that was merged away, it says of the one in which that lives on."""

from collections.abc import Mapping
from dataclasses import replace

from fleetlore.kmu.submission import Charge, Submission
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger import LedgerTransaction


async def follow(transaction: LedgerTransaction, submission: Submission) -> Submission:
    """The submission, speaking of living items only; inside the transaction, as a merge may have come between."""
    report = submission.report
    named = {*report.helpful, *report.harmful, *report.replaces, *submission.near}
    survivors = await transaction.survivors(named | {charge.item for charge in submission.charges})
    if not survivors:
        return submission
    helpful, harmful = _followed(report.helpful, survivors), _followed(report.harmful, survivors)
    if both := [item for item in report.harmful if survivors.get(item, item) in helpful]:
        raise Refusal(
            "harmful",
            f"{both[0]} and an item in helpful were found to be one lesson, {survivors.get(both[0], both[0])}",
            "Name it in one of the two lists",
        )
    near: dict[ItemId, float] = {}
    for item, relevance in submission.near.items():
        lives_on = survivors.get(item, item)
        near[lives_on] = max(relevance, near.get(lives_on, 0.0))
    return replace(
        submission,
        report=replace(report, helpful=helpful, harmful=harmful, replaces=_followed(report.replaces, survivors)),
        charges=_once(submission.charges, survivors),
        near=near,
    )


def _followed(ids: tuple[ItemId, ...], survivors: Mapping[ItemId, ItemId]) -> tuple[ItemId, ...]:
    return tuple(dict.fromkeys(survivors.get(item, item) for item in ids))


def _once(charges: tuple[Charge, ...], survivors: Mapping[ItemId, ItemId]) -> tuple[Charge, ...]:
    """One charge for each item and source; of several, the most relevant."""
    kept: dict[tuple[ItemId, str], Charge] = {}
    for charge in sorted(charges, key=lambda charge: charge.relevance):
        followed = replace(charge, item=survivors.get(charge.item, charge.item))
        kept[followed.item, followed.source] = followed
    return tuple(kept.values())
