"""Isolation: whatever anybody does, nobody is told what is another agent's own."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import httpx2
import pytest
from command import finished
from doings import live
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from strangers import AGENTS, MARK, Login, Strangers

from fleet import Fleet, http_server
from fleetlore.kmu.access import SCOPES
from fleetlore.server.access import issuing
from fleetlore.server.app import serve_memory
from fleetlore.server.settings import Settings
from fleetlore.storage.errors import FleetloreError

TOKENED = 120
OPERATIONS = int(os.environ.get("FLEETLORE_TEST_OPERATIONS", "1000"))
SEED = os.environ.get("FLEETLORE_TEST_SEED", "1")
# By these ways an agent is told of its own things: what is searched for does come through them.
OWN_WAYS = {
    "retrieve_knowledge",
    "start_task",
    "prune",
    "fleetlore://prompt/{agent}",
    "fleetlore://item/{id}",
    "fleetlore search",
    "fleetlore show",
    "fleetlore why",
    "fleetlore export",
    "/hooks stop",
}


@pytest.fixture
async def world(tmp_path):
    """Strangers at an empty memory."""
    memory = Login(Settings(data=tmp_path / "data"))
    async with Client(serve_memory(memory)) as client:
        yield Strangers(Random(SEED), Fleet(client), memory)


async def test_nobody_is_told_what_is_anothers_own_whatever_is_done(world, caplog):
    assert await live(world, OPERATIONS) == ""
    assert world.ways_of_own() >= OWN_WAYS
    assert set(world.own.values()) == set(AGENTS)
    assert [record for record in caplog.messages if MARK.search(record)] == []
    await commands_tell_nothing(world)


async def commands_tell_nothing(world):
    """The real command line, of each of the agents."""
    data = world.memory.settings.data
    others = {agent: [item for item, owner in world.own.items() if owner != agent][-1] for agent in AGENTS}
    for agent in AGENTS[:3]:
        lines = [
            ["search", "zq", "customer", "--agent", agent],
            ["show", others[agent], "--agent", agent],
            ["prune", others[agent], "--reason", "old", "--agent", agent],
            ["edit", others[agent], "--insight", "mine", "--agent", agent],
            ["export", "--agent", agent],
            ["report"],
            ["status"],
            *(["why", receipt, "--agent", agent] for receipt in list(world.receipts)[-3:]),
            *(["show", plan, "--agent", agent] for plan in list(world.plans)[-3:]),
            *(["show", report, "--agent", agent] for report in list(world.reports)[-3:]),
        ]
        for line in lines:
            try:
                said = (await finished(*line, "--data", data)).output
            except FleetloreError as error:
                said = str(error)
            told = {AGENTS[int(mark[1])] for mark in MARK.finditer(said) if mark[2] == "x"}
            assert told <= {agent}, (line, said)


class _Bearer(httpx2.Auth):
    """Sends the token that an agent has by now."""

    def __init__(self, tokens: dict[str, str], agent: str) -> None:
        self.tokens, self.agent = tokens, agent

    def auth_flow(self, request):
        request.headers["Authorization"] = f"Bearer {self.tokens[self.agent]}"
        yield request


@dataclass
class Visitors(Strangers):
    """Strangers who come by the network, each with its token; commands are carried out beside, on the same data."""

    address: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    fleets: dict[str, Fleet] = field(default_factory=dict)

    def fleet_of(self, agent):
        return self.fleets[agent]

    async def allow(self, agent, scopes):
        """Gives the agent another token, and ends the one that it had."""
        scopes, before = scopes or {"read"}, self.tokens.get(agent)
        hour = timedelta(hours=1)
        _, self.tokens[agent] = await issuing.issue(self.ledger, agent, scopes, hour, by="boss", lookalike=True)
        if before is not None:
            await issuing.revoke(self.ledger, [before], "", by="boss")
        self.scopes[agent] = set(scopes)

    async def hooked(self, principal, body):
        async with httpx2.AsyncClient(auth=_Bearer(self.tokens, principal.agent)) as client:
            answer = (await client.post(f"{self.address}/hooks", json=body)).json()
        if "error" in answer:
            raise FleetloreError(answer["error"])
        return answer

    async def connect(self, stack):
        for agent in AGENTS:
            await self.allow(agent, set(SCOPES))
            client = await stack.enter_async_context(httpx2.AsyncClient(auth=_Bearer(self.tokens, agent), timeout=30))
            transport = streamable_http_client(f"{self.address}/mcp", http_client=client)
            self.fleets[agent] = Fleet(await stack.enter_async_context(Client(transport)))


async def test_nobody_is_told_what_is_anothers_own_who_comes_with_a_token(tmp_path):
    memory = Login(Settings(data=tmp_path / "data"))
    with http_server(tmp_path / "data") as (address, _):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(memory.opened())
            world = Visitors(Random(SEED), None, memory, address=address)
            await world.connect(stack)
            leak = await live(world, max(TOKENED, OPERATIONS // 10))
    assert leak == ""
    assert world.ways_of_own() >= {"retrieve_knowledge", "fleetlore://item/{id}"}
