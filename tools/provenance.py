"""Items as people and agents see them whole: with their evidence, where they come from and what happened to them."""

from typing import Any

from fleetlore.kmu.ranking import trust_of
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.people_view import Words
from fleetlore.storage.records import Experience, Item


def described(item: Item, experience: Experience) -> dict[str, Any]:
    """An item with its evidence, whole."""
    return {
        "id": item.id,
        "space": item.space,
        "kind": item.kind,
        "insight": item.insight,
        "applies_when": item.applies_when,
        "status": item.status,
        "flags": item.flags,
        "confidence": round(trust_of(item, experience), 2),
        "support": item.evidence.support,
        "contradiction": item.evidence.contradiction,
        "agents": item.evidence.agents,
        "projects": item.evidence.projects,
        "task_type": item.task_type,
        "project": item.project,
        "tags": item.tags,
        "author": item.author,
        "superseded_by": item.superseded_by,
        "conflicts_with": item.conflicts_with,
        "similar_to": item.similar_to,
        "merged_into": item.merged_into,
        "pruned_by": item.pruned_by,
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }


async def provenance(view: LedgerView, item: Item) -> dict[str, Any]:
    """Where an item comes from: its report, other wordings of it, what was said of it in which words, what happened."""
    verdicts = await view.verdicts(item.id)
    reports = {item.feedback, *(verdict.feedback for verdict in verdicts)}
    words = await view.said_in_words(reports, owner=item.owner)
    origin = words.get(item.feedback)
    wordings = await view.items(await view.wordings(item.id), agent=item.owner, pruned=True)
    return {
        "wordings": [
            {
                "id": wording.id,
                "insight": wording.insight,
                "applies_when": wording.applies_when,
                "author": wording.author,
                "feedback": wording.feedback,
                "plan": wording.pruned_by,
            }
            for wording in sorted(wordings.values(), key=lambda wording: wording.id)
        ],
        "origin": {
            "feedback": item.feedback,
            "outcome": origin.outcome if origin else None,
            "assessment": origin.sentences if origin else (),
        },
        "verdicts": [
            {
                "feedback": verdict.feedback,
                "agent": verdict.agent,
                "at": verdict.at.isoformat(),
                "says": "helpful" if verdict.sign > 0 else "harmful",
                "named": verdict.direct,
                **({"implicit": True} if verdict.implicit else {}),
                **_in_words(words.get(verdict.feedback)),
            }
            for verdict in verdicts
        ],
        "history": [event | {"at": event["at"].isoformat()} for event in await view.history(item.id)],
    }


def _in_words(said: Words | None) -> dict[str, Any]:
    return {} if said is None else {"outcome": said.outcome, "sentences": said.sentences}
