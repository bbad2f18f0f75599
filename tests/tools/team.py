"""A team of agents at one task, for tests of the tools."""

from dataclasses import dataclass
from typing import Any

from fleet import Fleet

TASK = "rotate the signing keys of the payment gateway"


@dataclass(frozen=True)
class Team:
    """Agents that all work on the same task, over one memory."""

    fleet: Fleet
    task: str = TASK

    async def learnt(self, insight: str, agent: str = "ana", **arguments: Any) -> dict[str, Any]:
        """What became of an agent's insight."""
        arguments = {"task": self.task, "outcome": "success"} | arguments
        [learned] = (await self.fleet.submit(**arguments, insight=insight, agent=agent))["learned"]
        return learned

    async def teach(self, insight: str, agent: str = "ana", **arguments: Any) -> str:
        """The id of the item that an agent's insight became."""
        return (await self.learnt(insight, agent, **arguments))["id"]

    async def ask(self, agent: str, **arguments: Any) -> dict[str, Any]:
        """What an agent is answered who wants to see everything."""
        arguments = {"task": self.task, "limit": 50, "max_tokens": 20_000} | arguments
        return await self.fleet.retrieve(**arguments, agent=agent)

    async def shown(self, agent: str, **arguments: Any) -> dict[str, dict[str, Any]]:
        """The items that an agent is shown, by id, best first."""
        return {item["id"]: item for item in (await self.ask(agent, **arguments))["items"]}

    async def statuses(self, agent: str = "zoe") -> dict[str, str]:
        """The status of each item that an agent is shown; where none is told it is active."""
        return {item: shown.get("status", "active") for item, shown in (await self.shown(agent)).items()}

    async def receipt(self, agent: str, **arguments: Any) -> str:
        """The receipt of what an agent is shown."""
        return (await self.ask(agent, **arguments))["receipt"]

    async def report(self, agent: str, **arguments: Any) -> dict[str, Any]:
        """An agent asks, then reports on what it was shown."""
        return await self.answer(agent, await self.receipt(agent), **arguments)

    async def answer(self, agent: str, receipt: str, **arguments: Any) -> dict[str, Any]:
        """An agent answers a receipt."""
        arguments = {"task": self.task, "outcome": "success"} | arguments
        return await self.fleet.submit(**arguments, agent=agent, receipt=receipt)

    async def item(self, item: str) -> dict[str, Any]:
        """An item of the general space, whole."""
        return await self.fleet.resource(f"fleetlore://item/{item}")


async def counts(fleet: Fleet) -> dict[str, Any]:
    """What a memory counts: equal before and after a call that stores nothing."""
    status = await fleet.resource("fleetlore://status")
    return {name: status[name] for name in ("items", "pruned", "agents", "feedback", "receipts")}


async def refusal(fleet: Fleet, tool: str, **arguments: Any) -> str:
    """Makes a call that must be refused, and gives its sentence: one of our own, with nothing stored."""
    before = await counts(fleet)
    sentence = await fleet.refusal(tool, **arguments)
    assert await counts(fleet) == before
    assert sentence.endswith("."), sentence
    for foreign in ("pydantic", "validation error", "Traceback", "Input should", "Error executing", "Invalid input"):
        assert foreign not in sentence
    return sentence


def unscored(items):
    """Items by id as they are shown, but for their scores: those change a little when a table is compacted."""
    return {item["id"]: {name: value for name, value in item.items() if name != "score"} for item in items}
