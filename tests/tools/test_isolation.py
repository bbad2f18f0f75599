"""Isolation: whatever anybody does, nobody is told what is another agent's own."""

import os
from random import Random

import pytest
from command import finished
from mcp import Client
from strangers import AGENTS, MARK, Login, Strangers

from fleet import Fleet
from fleetlore.server.app import serve_memory
from fleetlore.server.settings import Settings
from fleetlore.storage.errors import FleetloreError

OPERATIONS = int(os.environ.get("FLEETLORE_TEST_OPERATIONS", "1500"))
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
    "hook stop",
}


@pytest.fixture
async def world(tmp_path):
    """Strangers at an empty memory."""
    memory = Login(Settings(data=tmp_path / "data"))
    async with Client(serve_memory(memory)) as client:
        yield Strangers(Random(SEED), Fleet(client), memory)


async def test_nobody_is_told_what_is_anothers_own_whatever_is_done(world, caplog):
    for _ in range(OPERATIONS):
        await world.act()
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
