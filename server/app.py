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
from fleetlore.kmu.learning import learn
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.report import Acknowledgement, Report
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
from fleetlore.storage.errors import DataError, FleetloreError, Forbidden, StorageFault, known_fault
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

_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class SharedMemory:
    """One process's memory: the ledger at once, the unit behind it.

    Importing LanceDB takes a second: a client's handshake is answered meanwhile, its first report is taken, and only
    who wants to search waits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._ready = anyio.Event()
        self._unit: KnowledgeManagementUnit | None = None
        self._fault: FleetloreError | None = None
        self._ledger: Ledger | None = None
        self._jwt: JwtVerifier | None = None
        self._project = settings.project
        self._placed = anyio.Event()
        self._policy = Policy(
            promote_after=settings.promote_after,
            learning=settings.learning,
            explore=settings.explore,
            hold_out=settings.hold_out,
            retention=settings.retention,
        )

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
            tasks.start_soon(self._find_place)
            tasks.start_soon(self._keep_unit, self._ledger)
            yield

    def _forget(self) -> None:
        self._jwt = None
        self._ledger = self._unit = self._fault = None
        self._ready = anyio.Event()

    async def _find_place(self) -> None:
        if self.settings.workplace is not None and not self._project:
            self._project = await anyio.to_thread.run_sync(project_of, self.settings.workplace, abandon_on_cancel=True)
        self._placed.set()

    async def _keep_unit(self, ledger: Ledger) -> None:
        """Keeps the unit open: what breaks it is told to whoever calls meanwhile, and it is opened again."""
        module = await anyio.to_thread.run_sync(importlib.import_module, "fleetlore.kmu.unit", abandon_on_cancel=True)
        pause = _PAUSE_SECONDS
        while True:
            began = anyio.current_time()
            try:
                await ledger.refresh()
                async with module.KnowledgeManagementUnit.open(ledger, self.settings.data, policy=self._policy) as unit:
                    if self._fault is not None:
                        await unit.prove()
                    self._unit, self._fault = unit, None
                    self._ready.set()
                    await unit.upkeep.run()
            except Exception as error:  # the edge of a background task: whoever calls is told, none waits for ever
                fault = known_fault(error) or StorageFault("knowledge space", str(error))
                if str(fault) != str(self._fault):
                    logger.exception("the knowledge spaces cannot be used; they will be opened again")
                self._fault = fault
            self._unit = None
            if self._fault is None:
                self._ready = anyio.Event()
            else:
                self._ready.set()
            # What held for a while gets a new chance at once; what does not hold is not tried all the time.
            pause = _PAUSE_SECONDS if anyio.current_time() - began > _LONGEST_PAUSE_SECONDS else pause * 2
            pause = min(pause, _LONGEST_PAUSE_SECONDS)
            generation = ledger.info.generation
            with anyio.move_on_after(pause):
                while not await _rebuilt(ledger, generation):  # noqa: ASYNC110  another process tells no event
                    await anyio.sleep(_PAUSE_SECONDS)

    async def unit(self) -> KnowledgeManagementUnit:
        """The knowledge management unit, once it is open; raises why it cannot be."""
        while self._unit is None:
            await self._ready.wait()
            if self._fault is not None:
                raise self._fault.with_traceback(None)
        return self._unit

    async def learn(self, report: Report) -> Acknowledgement:
        """Takes a report, whether or not the unit is open; see `learning.learn`."""
        assert self._ledger is not None
        return await learn(self._ledger, report, policy=self._policy)

    async def status(self) -> dict[str, Any]:
        """What this server says of itself."""
        assert self._ledger is not None
        degraded = dict(self._unit.upkeep.degraded) if self._unit else {}
        if self._unit and self._unit.spaces.lacking:
            degraded["spaces"] = self._unit.spaces.lacking
        if self.settings.network_disk:
            degraded["disk"] = (
                f"a network disk ({self.settings.network_disk}), which no other machine may use meanwhile"
            )
        degraded |= {fault.part: str(fault) for fault in self._faults()} | self._without_keys()
        try:
            await self._ledger.refresh()
            described = await describe(self._ledger, self.settings.data, degraded=degraded)
        except DataError as fault:
            described = {"status": "degraded", "version": VERSION, "degraded": degraded | {fault.part: str(fault)}}
        consolidated = self._unit.upkeep.consolidated_at if self._unit else None
        return described | {"last_consolidation": consolidated.isoformat() if consolidated else None}

    def _faults(self) -> list[DataError]:
        """What keeps the memory from working whole."""
        known = [self._fault]
        known += [self._unit.spaces.damage] if self._unit else []
        known += [self._ledger.trouble] if self._ledger else []
        return [fault for fault in known if isinstance(fault, DataError)]

    def _without_keys(self) -> dict[str, str]:
        trouble = self._jwt.trouble() if self._jwt else ""
        return {"oauth": trouble} if trouble else {}

    def alive(self) -> dict[str, Any]:
        """What anybody may know: that the server lives, and which of its parts do not, in words that name no place."""
        degraded = {fault.part: fault.brief for fault in self._faults()}
        if self._without_keys():
            degraded["oauth"] = "the keys of the identity provider cannot be had"
        return {"status": "degraded", "degraded": degraded} if degraded else ALIVE

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

    async def project(self) -> str:
        """What a caller works on who does not say."""
        await self._placed.wait()
        return self._project


async def _rebuilt(ledger: Ledger, generation: int) -> bool:
    """Whether there are other tables by now than those that could not be used."""
    try:
        return (await ledger.refresh()).generation != generation
    except DataError:  # which whoever opens the unit is told
        return False


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
    memory = Memory(
        unit=shared.unit,
        learn=shared.learn,
        status=shared.status,
        principal=shared.principal,
        project=shared.project,
    )

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
