"""Erasing for good: which texts concern an agent, an item or a word, and taking them out of the ledger's rows.

Rows stay, with their identifiers, numbers and names of agents, so that evidence and the chain of events go on; what
goes is the text, its seal's key, and every digest of it that a guess could confirm.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import ItemId, PlanId, new_event_id
from fleetlore.storage.records import AgentName
from fleetlore.storage.rows import microseconds, moment
from fleetlore.storage.sealing import Sealing
from fleetlore.storage.texts import holds, strings_of

_SLICE = 1_000


class ErasingView:
    """Questions of whoever erases. Subjects are ids of items, reports, receipts and plans."""

    _connection: Connection

    async def texts_among(self, subjects: Iterable[str]) -> dict[str, list[str]]:
        """Of these subjects those that still have a text, by id, each with everything that stands in it."""
        rows = await self._connection.rows("texts_among", ids=json.dumps(sorted(set(subjects))))
        return {row["id"]: [text for text in strings_of(json.loads(row["body"])) if text] for row in rows}

    async def others_own(self, subjects: Iterable[str], *, agent: AgentName) -> set[str]:
        """Of these subjects those whose words are of another agent's own items."""
        rows = await self._connection.rows("others_own", ids=json.dumps(list(subjects)), agent=agent)
        return {row["id"] for row in rows}

    async def texts_of_agent(self, agent: AgentName) -> list[str]:
        """Everything that the agent said, asked, planned or has as its own."""
        return [row["id"] for row in await self._connection.rows("texts_of_agent", agent=agent)]

    async def texts_of_items(self, items: Iterable[ItemId]) -> list[str]:
        """The items, other wordings of them, the reports that told either, and what these had asked before."""
        return [row["id"] for row in await self._connection.rows("texts_of_items", ids=json.dumps(list(items)))]

    async def texts_holding(self, text: str) -> list[str]:
        """Every subject in whose text the folded text stands."""
        return [row["id"] for row in await self._connection.rows("texts_holding", text=text)]

    async def plans_wording(self, items: Iterable[str]) -> list[str]:
        """Plans that keep words about any of the items: of an edit, or why somebody pruned it."""
        return [row["id"] for row in await self._connection.rows("plans_wording", ids=json.dumps(list(items)))]

    async def labels_holding(self, text: str) -> int:
        """How many rows have the folded text in a project, a task type, a tag or a key."""
        [row] = await self._connection.rows("labels_holding", text=text)
        return int(row["count"])

    async def exported_since(self, since: datetime) -> tuple[int, datetime | None]:
        """How many exports were made since then, and when the latest was."""
        [row] = await self._connection.rows("exported_since", since=microseconds(since))
        return row["count"], moment(row["latest"]) if row["latest"] is not None else None

    async def pending_erasure(self) -> PlanId | None:
        """The erasure that took texts out of the ledger and has not come to its end."""
        row = await self._connection.row("pending_erasure")
        return None if row is None else PlanId(row["value"])


class Erasing(Sealing):
    """The part of a transaction that erases."""

    async def erase(self, subjects: Collection[str], *, label: str, plan: PlanId, agent: AgentName) -> None:
        """Takes the texts of these subjects out, and every label that holds the folded text `label` ("" is in none).

        The erasure is pending until `end_erasure`. Each subject gets an event.
        """
        erased, items = json.dumps(list(subjects)), json.dumps([one for one in subjects if one.startswith("k_")])
        await self._connection.run("set_meta", key="erasing", value=plan)
        await self._connection.run("erase_texts", ids=erased)
        await self._reword_withdrawals(items, label)
        await self._connection.run("erase_blames", ids=items)
        await self._connection.run("part_wordings", ids=items)
        await self._connection.run("erase_items", ids=items, plan=plan)
        await self._connection.run("erase_requests", ids=erased)
        await self._connection.run("erase_receipts", ids=erased)
        await self._connection.run("erase_archived", ids=erased)
        if label:
            for query in ("items", "receipts", "archived", "verdicts"):
                await self._connection.run(f"erase_labels_of_{query}", text=label)
            await self._connection.run("erase_keys", text=label)
        await self._reword_plans(frozenset(subjects), label)
        at, body = microseconds(self.now), json.dumps({"plan": plan})
        common = {"store": self.info.id, "at": at, "kind": "erased", "agent": agent, "body": body}
        await self._connection.run_many(
            "add_event", [{"id": new_event_id(self.now), "subject": one, **common} for one in subjects]
        )

    async def end_erasure(self) -> None:
        """Notes that nothing of what was erased is left anywhere in the data directory."""
        await self._connection.run("end_erasure")

    async def _reword_withdrawals(self, items: str, label: str) -> None:
        """What withdrawing an agent changed keeps projects, and digests of lessons that were called harmful."""
        lessons = {row["lesson"] for row in await self._connection.rows("lessons_of", ids=items)}
        for row in await self._connection.rows("withdrawals"):
            changes: dict[str, Any] = json.loads(row["changes"])
            reworded = changes | {
                **{name: _unlabelled(changes[name], label) for name in ("verdicts_taken", "verdicts_given")},
                **{
                    name: [blame for blame in changes[name] if blame["lesson"] not in lessons]
                    for name in ("blames_taken", "blames_given")
                },
            }
            if reworded != changes:
                await self._connection.run("rewrite_withdrawal", plan=row["plan"], changes=json.dumps(reworded))

    async def _reword_plans(self, erased: Collection[str], label: str) -> None:
        """The lines of plans quote reports and name items: those that do lose the quotation."""
        after = ""
        while rows := await self._connection.rows("plans_after", after=after, limit=_SLICE):
            for row in rows:
                lines: list[dict[str, Any]] = json.loads(row["items"])
                reworded = [_reworded(line, erased, label) for line in lines]
                if reworded != lines:
                    await self._connection.run("rewrite_plan", id=row["id"], items=json.dumps(reworded))
            after = rows[-1]["id"]


def _reworded(line: Mapping[str, Any], erased: Collection[str], label: str) -> dict[str, Any]:
    """A line of a plan without what is erased of it."""
    found = dict(line)
    named = {line["item"], line.get("other"), *line.get("feedback", ())}
    if not named.isdisjoint(erased) or (label and holds(line["because"], label)):
        found["because"] = ""
    found["displaced"] = _unlabelled(line["displaced"], label)
    return found


def _unlabelled(verdicts: Iterable[dict[str, Any]], label: str) -> list[dict[str, Any]]:
    """Verdicts without the projects that hold the folded text."""
    return [
        verdict | {"project": ""} if label and holds(verdict["project"], label) else verdict for verdict in verdicts
    ]
