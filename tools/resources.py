"""Resources: the spaces, single items with their history, and the server's state, as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from fleetlore.kmu.ranking import trust_of
from fleetlore.storage.errors import FleetloreError
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Experience, Item
from fleetlore.tools.memory import Memory

if TYPE_CHECKING:
    from fleetlore.kmu.gaps import Gap

_NEWEST = 100
_JSON = "application/json"


def register_resources(server: MCPServer[None], memory: Memory) -> None:
    """Adds the resources to a server."""

    @server.resource("fleetlore://general", mime_type=_JSON, description="The newest 100 items of the general space")
    async def general() -> str:
        unit = await memory.unit()
        items = await unit.ledger.read.newest_items("general", agent="", limit=_NEWEST)
        experience = await unit.ledger.read.experience()
        return _json({"items": [described(item, experience) for item in items]})

    @server.resource(
        "fleetlore://prompt/{agent}", mime_type=_JSON, description="The newest 100 items of your own space"
    )
    async def prompt(agent: str, ctx: Context[Any, Any]) -> str:
        try:
            caller = memory.agent(agent, ctx)
        except FleetloreError as error:
            raise ResourceError(str(error)) from error
        unit = await memory.unit()
        items = await unit.ledger.read.newest_items("prompt", agent=caller, limit=_NEWEST)
        experience = await unit.ledger.read.experience()
        return _json({"agent": caller, "items": [described(item, experience) for item in items]})

    @server.resource(
        "fleetlore://item/{id}", mime_type=_JSON, description="One item with its evidence, provenance and history"
    )
    async def item(id: str, ctx: Context[Any, Any]) -> str:
        unit = await memory.unit()
        view = unit.ledger.read
        found = await view.item(ItemId(id), agent=memory.agent("", ctx), pruned=True)
        if found is None:
            raise ResourceNotFoundError(f"There is no item {id}.")
        return _json({**described(found, await view.experience()), **await _provenance(view, found)})

    @server.resource(
        "fleetlore://gaps", mime_type=_JSON, description="Where the fleet fails and knows nothing reliable"
    )
    async def gaps() -> str:
        unit = await memory.unit()
        return _json({"gaps": [outlined(gap) for gap in (await unit.exploration.find())[:_NEWEST]]})

    @server.resource("fleetlore://status", mime_type=_JSON, description="Counts, disk, versions and health")
    async def status() -> str:
        return _json(await memory.status())


def described(item: Item, experience: Experience) -> dict[str, Any]:
    """An item with its evidence, whole."""
    return {
        "id": item.id,
        "space": item.space,
        "kind": item.kind,
        "insight": item.insight,
        "applies_when": item.applies_when,
        "status": item.status,
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
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }


def outlined(gap: Gap) -> dict[str, Any]:
    """A gap, with nothing in it of any one task."""
    return {
        "id": gap.id,
        "name": gap.name,
        "tasks": gap.tasks,
        "failures": gap.failures,
        "expected_gain": gap.expected_gain,
    }


async def _provenance(view: LedgerView, item: Item) -> dict[str, Any]:
    origin = await view.feedback(item.feedback)
    verdicts = await view.verdicts(item.id)
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
            "assessment": origin.assessment if origin else (),
        },
        "verdicts": [
            {
                "feedback": verdict.feedback,
                "agent": verdict.agent,
                "at": verdict.at,
                "says": "helpful" if verdict.sign > 0 else "harmful",
                "named": verdict.direct,
                **({"implicit": True} if verdict.implicit else {}),
            }
            for verdict in verdicts
        ],
        "history": await view.history(item.id),
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
