"""Assembly: constructors called in order, opened by the lifespan, closed by its exit stack."""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token

from fleetlore.kmu.access import Principal, authorise
from fleetlore.kmu.standing import refuse_withdrawn
from fleetlore.server.access.ledger_tokens import LedgerTokens
from fleetlore.server.access.verifying import Verifier
from fleetlore.server.hooks.answers import answer
from fleetlore.server.hooks.requests import request_of
from fleetlore.server.identity import identify, verified
from fleetlore.server.settings import Settings
from fleetlore.server.status import ALIVE, VERSION, describe
from fleetlore.server.workplace import project_of
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import FleetloreError, Forbidden, StorageFault
from fleetlore.storage.ledger import Ledger
from fleetlore.tools.instructions import INSTRUCTIONS
from fleetlore.tools.memory import Memory
from fleetlore.tools.prompts import PromptingServer, register_prompts
from fleetlore.tools.prune import prune
from fleetlore.tools.resources import register_resources
from fleetlore.tools.retrieve_knowledge import retrieve_knowledge
from fleetlore.tools.submit_feedback import submit_feedback

if TYPE_CHECKING:
    from fleetlore.kmu.unit import KnowledgeManagementUnit
    from fleetlore.server.oauth.settings import OAuth
    from fleetlore.server.oauth.verifying import JwtVerifier

logger = logging.getLogger(__name__)


class SharedMemory:
    """One process's memory: the ledger at once, the unit behind it.

    Importing LanceDB takes two seconds: a client's handshake is answered meanwhile, and its first call waits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._ready = anyio.Event()
        self._unit: KnowledgeManagementUnit | None = None
        self._fault: FleetloreError | None = None
        self._ledger: Ledger | None = None
        self._jwt: JwtVerifier | None = None
        self._project = settings.project

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Opens the memory for the first user and closes it after that one; whoever comes meanwhile shares it."""
        if self._ledger is not None:
            yield
            return
        settings = self.settings
        async with AsyncExitStack() as stack:
            self._ledger = await stack.enter_async_context(
                Ledger.open(
                    settings.data,
                    embedder=settings.embedder,
                    fallback=DEFAULT_EMBEDDER,
                    clock=settings.clock,
                    pragmas=settings.pragmas,
                )
            )
            stack.callback(self._forget)
            if settings.oauth is not None:
                self._jwt = await stack.enter_async_context(_jwts(settings.oauth, self._ledger))
            tasks = await stack.enter_async_context(anyio.create_task_group())
            stack.callback(tasks.cancel_scope.cancel)
            tasks.start_soon(self._open_unit, self._ledger)
            yield

    def _forget(self) -> None:
        self._jwt = None
        self._ledger = self._unit = self._fault = None
        self._ready = anyio.Event()

    async def _open_unit(self, ledger: Ledger) -> None:
        if self.settings.workplace is not None and not self._project:
            self._project = await anyio.to_thread.run_sync(project_of, self.settings.workplace, abandon_on_cancel=True)
        module = await anyio.to_thread.run_sync(importlib.import_module, "fleetlore.kmu.unit", abandon_on_cancel=True)
        policy = module.Policy(
            promote_after=self.settings.promote_after,
            learning=self.settings.learning,
            explore=self.settings.explore,
            hold_out=self.settings.hold_out,
        )
        try:
            async with module.KnowledgeManagementUnit.open(ledger, self.settings.data, policy=policy) as unit:
                self._unit = unit
                self._ready.set()
                await unit.upkeep.run()
        except Exception as fault:  # the edge of a background task: whoever calls is told, none waits for ever
            logger.exception("the knowledge spaces cannot be opened")
            self._fault = fault if isinstance(fault, FleetloreError) else StorageFault("knowledge space", str(fault))
            self._ready.set()

    async def unit(self) -> KnowledgeManagementUnit:
        """The knowledge management unit, once it is open; raises why it cannot be."""
        await self._ready.wait()
        if self._fault is not None:
            raise self._fault
        assert self._unit is not None
        return self._unit

    async def status(self) -> dict[str, Any]:
        """What this server says of itself."""
        assert self._ledger is not None
        degraded = (
            {"spaces": str(self._fault)} if self._fault else dict(self._unit.upkeep.degraded if self._unit else {})
        )
        consolidated = self._unit.upkeep.consolidated_at if self._unit else None
        return {
            **await describe(self._ledger, self.settings.data, degraded=degraded | self._without_keys()),
            "last_consolidation": consolidated.isoformat() if consolidated else None,
        }

    def _without_keys(self) -> dict[str, str]:
        trouble = self._jwt.trouble() if self._jwt else ""
        return {"oauth": trouble} if trouble else {}

    def alive(self) -> dict[str, Any]:
        """What anybody may know: that the server lives, and whether good tokens may be refused."""
        if not self._without_keys():
            return ALIVE
        return {"status": "degraded", "degraded": {"oauth": "the keys of the identity provider cannot be had"}}

    async def health(self) -> dict[str, Any]:
        """The status for whoever may read it; that the server lives for others."""
        try:
            authorise(self.principal("", ""), "/healthz")
        except Forbidden:
            return self.alive()
        return await self.status()

    async def hook(self, body: object) -> dict[str, Any]:
        """What an assistant's hook is answered; see `hooks.answers`. Raises `Refusal` and `Forbidden`."""
        assert self._ledger is not None
        caller = self.principal("", "") if get_access_token() else None
        return await answer(self._ledger, request_of(body), principal=caller, learning=self.settings.learning)

    def verifiers(self) -> Sequence[Verifier]:
        """Who tells whose a token is, while the memory is open."""
        assert self._ledger is not None
        own = LedgerTokens(self._ledger.tokens, self._ledger.clock)
        return [self._jwt, own] if self._jwt else [own]

    def principal(self, argument: str, client: str) -> Principal:
        """Who calls: whose token came with the request, else as `identity.identify` says. Raises `Refusal`."""
        token = get_access_token()
        if token is None:
            return Principal(agent=identify(settled=self.settings.agent, argument=argument, client=client))
        return verified(token.client_id, token.scopes, argument=argument)

    def project(self) -> str:
        """What a caller works on who does not say."""
        return self._project


@asynccontextmanager
async def _jwts(oauth: OAuth, ledger: Ledger) -> AsyncIterator[JwtVerifier]:
    from fleetlore.server.oauth.verifying import JwtVerifier  # noqa: PLC0415  its cryptography, for those who need it

    verifier = JwtVerifier(
        oauth,
        clock=ledger.clock,
        has_tokens=ledger.tokens.is_of_tokens,
        refuse_withdrawn=partial(refuse_withdrawn, ledger.read),
    )
    async with verifier.opened():
        yield verifier


def create_server(settings: Settings) -> MCPServer[None]:
    """The MCP server over a data directory; its lifespan opens and closes the memory."""
    return serve_memory(SharedMemory(settings))


def serve_memory(shared: SharedMemory) -> MCPServer[None]:
    """The MCP server over a memory."""
    memory = Memory(unit=shared.unit, status=shared.status, principal=shared.principal, project=shared.project)

    @asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        async with shared.opened():
            yield

    server = PromptingServer(
        "fleetlore",
        title="fleetlore",
        version=VERSION,
        description="The shared memory of a fleet of agents, learning from outcomes.",
        instructions=INSTRUCTIONS,
        tools=[retrieve_knowledge(memory), submit_feedback(memory), prune(memory)],
        lifespan=lifespan,
        log_level="WARNING",
    )
    register_resources(server, memory)
    register_prompts(server, memory)
    return server
