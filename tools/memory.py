"""What the tools need of the server that they run in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context

from fleetlore.kmu.access import Principal, Way, authorise

if TYPE_CHECKING:
    from fleetlore.kmu.report import Acknowledgement, Report
    from fleetlore.kmu.unit import KnowledgeManagementUnit
    from fleetlore.storage.records import AgentName


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Access to the knowledge management unit, and who is asking.

    `unit` waits until the unit is open, `learn` takes a report before that; `principal` settles who calls from its
    `agent` argument and the client's name, and refuses one that differs from what is settled; `project` is what a
    caller works on who does not say.
    """

    unit: Callable[[], Awaitable[KnowledgeManagementUnit]]
    learn: Callable[[Report], Awaitable[Acknowledgement]]
    status: Callable[[], Awaitable[dict[str, Any]]]
    principal: Callable[[str, str], Principal]
    project: Callable[[], Awaitable[str]]

    def admit(self, way: Way, argument: str, context: Context[Any, Any] | None) -> AgentName:
        """The name of who calls, if that agent may ask in this way; as `caller`."""
        return self.caller(way, argument, context).agent

    def caller(self, way: Way, argument: str, context: Context[Any, Any] | None) -> Principal:
        """Who calls, if that agent may ask in this way; raises `Forbidden` or `Refusal`.

        Where there is no context, as for resources without a parameter, the client's name is not known.
        """
        client = context.request_context.session.client_params if context else None
        principal = self.principal(argument, client.client_info.name if client is not None else "")
        authorise(principal, way)
        return principal
