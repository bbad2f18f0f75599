"""What the tools need of the server that they run in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context

if TYPE_CHECKING:
    from fleetlore.kmu.unit import KnowledgeManagementUnit
    from fleetlore.storage.records import AgentName


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Access to the knowledge management unit, and who is asking.

    `unit` waits until the unit is open; `identify` settles an agent's name from its `agent` argument and the client's
    name, and refuses one that differs from what is settled; `project` is what a caller works on who does not say.
    """

    unit: Callable[[], Awaitable[KnowledgeManagementUnit]]
    status: Callable[[], Awaitable[dict[str, Any]]]
    identify: Callable[[str, str], AgentName]
    project: Callable[[], str]

    def agent(self, argument: str, context: Context[Any, Any]) -> AgentName:
        """Who calls."""
        client = context.request_context.session.client_params
        return self.identify(argument, client.client_info.name if client is not None else "")
