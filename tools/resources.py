"""Resources: the spaces, single items with their history, and the server's state, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp_types import INVALID_PARAMS

from fleetlore.kmu.harmless import all_harmless
from fleetlore.storage.errors import FleetloreError
from fleetlore.storage.identifiers import ItemId
from fleetlore.tools.memory import Memory
from fleetlore.tools.provenance import described, provenance

if TYPE_CHECKING:
    from fleetlore.kmu.access import Way
    from fleetlore.kmu.gaps import Gap
    from fleetlore.storage.records import AgentName

_NEWEST = 100
_JSON = "application/json"


def register_resources(server: MCPServer[None], memory: Memory) -> None:
    """Adds the resources to a server."""

    def admit(way: Way, agent: str = "", context: Context[Any, Any] | None = None) -> AgentName:
        try:
            return memory.admit(way, agent, context)
        except FleetloreError as error:
            raise MCPError(INVALID_PARAMS, str(error)) from error  # what the caller asked, and no fault of ours

    @server.resource("fleetlore://general", mime_type=_JSON, description="The newest 100 items of the general space")
    async def general() -> str:
        admit("fleetlore://general")
        unit = await memory.unit()
        items = await unit.ledger.read.newest_items("general", agent="", limit=_NEWEST)
        experience = await unit.ledger.read.experience()
        return _json({"items": [described(item, experience) for item in items]})

    @server.resource(
        "fleetlore://prompt/{agent}", mime_type=_JSON, description="The newest 100 items of your own space"
    )
    async def prompt(agent: str, ctx: Context[Any, Any]) -> str:
        caller = admit("fleetlore://prompt/{agent}", agent, ctx)
        unit = await memory.unit()
        items = await unit.ledger.read.newest_items("prompt", agent=caller, limit=_NEWEST)
        experience = await unit.ledger.read.experience()
        return _json({"agent": caller, "items": [described(item, experience) for item in items]})

    @server.resource(
        "fleetlore://item/{id}", mime_type=_JSON, description="One item with its evidence, provenance and history"
    )
    async def item(id: str, ctx: Context[Any, Any]) -> str:
        caller = admit("fleetlore://item/{id}", "", ctx)
        unit = await memory.unit()
        view = unit.ledger.read
        found = await view.item(ItemId(id), agent=caller, pruned=True)
        if found is None:
            raise ResourceNotFoundError(f"There is no item {id}.")
        return _json({**described(found, await view.experience()), **await provenance(view, found)})

    @server.resource(
        "fleetlore://gaps", mime_type=_JSON, description="Where the fleet fails and knows nothing reliable"
    )
    async def gaps() -> str:
        caller = admit("fleetlore://gaps")
        unit = await memory.unit()
        return _json({"gaps": [outlined(gap) for gap in (await unit.exploration.told(caller))[:_NEWEST]]})

    @server.resource("fleetlore://status", mime_type=_JSON, description="Counts, disk, versions and health")
    async def status() -> str:
        admit("fleetlore://status")
        return _json(await memory.status())


def outlined(gap: Gap) -> dict[str, Any]:
    """A gap, with nothing in it of any one task."""
    return {
        "id": gap.id,
        "name": gap.name,
        "tasks": gap.tasks,
        "failures": gap.failures,
        "expected_gain": gap.expected_gain,
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(all_harmless(value), ensure_ascii=False)
