"""What people ask of the ledger: items by words, reports by id, what there is lately."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import FeedbackId, ItemId, PlanId
from fleetlore.storage.records import AgentName, Outcome, Space
from fleetlore.storage.rows import content_of

MOST_WORDS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """An item, which of the words asked for stand in it (as bits), and how many items have just these."""

    item: ItemId
    words: int
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who has a digest: an item, the plan that took it away if one did, and the item that it was merged into."""

    item: ItemId
    pruned_by: PlanId | None = None
    merged_into: ItemId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a report said in words: its outcome and the sentences of its assessment."""

    outcome: Outcome
    sentences: tuple[str, ...]


class PeopleView:
    """Questions that people ask the ledger."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def matching(
        self,
        words: Sequence[str],
        *,
        agent: AgentName,
        space: str = "",
        project: str = "",
        tags: Sequence[str] = (),
        status: str = "",
        flagged: bool = False,
        most: int,
    ) -> list[Match]:
        """Living items that `agent` may see with any of at most 8 words; without words, every item counts.

        A word is any piece of text, in lower case; what counts is that it stands in an item, be it inside a word.
        Of items with the same words at most `most`, the most trusted. `flagged`: only what is held until a person has
        looked at it.
        """
        needles = {f"word{place}": "" for place in range(MOST_WORDS)}
        needles |= {f"word{place}": as_stored(word) for place, word in enumerate(words[:MOST_WORDS])}
        rows = await self._connection.rows(
            "matching",
            agent=agent,
            space=space,
            project=project,
            tags=json.dumps(list(tags)),
            status=status,
            flagged=flagged,
            all=not words,
            most=most,
            **needles,
        )
        return [Match(item=ItemId(row["id"]), words=row["words"], count=row["count"]) for row in rows]

    async def said_in_words(self, ids: Iterable[FeedbackId], *, owner: str) -> dict[FeedbackId, Words]:
        """What those reports said of an item of that owner; "" for the general space."""
        rows = await self._connection.rows("reports_among", ids=json.dumps(list(ids)), agent=owner)
        return {
            FeedbackId(row["id"]): Words(outcome=row["outcome"], sentences=tuple(content_of(row).get("assessment", ())))
            for row in rows
        }

    async def answer_of_report(self, feedback: FeedbackId) -> str:
        """What a report that exists was answered, as `Acknowledgement.dumped` made it; "" if it was imported."""
        row = await self._connection.row("answer_of_report", id=feedback)
        assert row is not None
        return str(row["answer"])

    async def lately(self, kind: str, *, agent: AgentName, limit: int) -> list[str]:
        """The newest ids of one kind, told by their prefix: k, r, p or f."""
        return [row["id"] for row in await self._connection.rows("lately", kind=kind, agent=agent, limit=limit)]

    async def holder_of_digest(self, space: Space, owner: str, digest: str) -> Holder | None:
        """The item of that digest, living or not."""
        row = await self._connection.row("holder_of_digest", space=space, owner=owner, digest=digest)
        if row is None:
            return None
        return Holder(
            item=ItemId(row["id"]),
            pruned_by=PlanId(row["pruned_by"]) if row["pruned_by"] else None,
            merged_into=ItemId(row["merged_into"]) if row["merged_into"] else None,
        )


def as_stored(word: str) -> str:
    """A word as it stands in the ledger's JSON, where letters beyond ASCII are escaped."""
    return json.dumps(word)[1:-1]
