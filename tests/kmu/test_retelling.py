"""Retelling what a ledger holds, and revoking: whatever agents do, what must always hold."""

import sqlite3
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetlore.kmu.gist import gist
from fleetlore.kmu.implicit import imply
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.question import Question
from fleetlore.kmu.report import Report
from fleetlore.kmu.revocation import Revoking
from fleetlore.kmu.unit import KnowledgeManagementUnit
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import Refusal
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.reconciliation import take_in
from fleetlore.storage.records import AgentName

AGENTS = [AgentName(name) for name in ("ana", "bob", "cy", "mallory")]
MALLORY = AgentName("mallory")
WORDS = (
    "The retry limit is 3",
    "Retry limit is 3",
    "The retry limit is 5",
    "Restart the daemon first",
    "Please restart the daemon first",
    "Tell the ops team",
    "",
)
TASKS = ("set the retry limit of the gateway", "restart the daemon of the gateway")
TABLES = ("items", "verdicts", "conflicts", "links", "blames", "agents", "experience")
POLICY = Policy()

steps = st.fixed_dictionaries(
    {
        "agent": st.sampled_from(AGENTS),
        "task": st.sampled_from(TASKS),
        "insight": st.sampled_from(WORDS),
        "outcome": st.sampled_from(["success", "failure", "observation"]),
        "names": st.sampled_from(["", "helpful", "harmful", "replaces"]),
        "which": st.integers(0, 3),
        "saw": st.sampled_from(["", "", "tests-passed", "tests-failed"]),
        "again": st.booleans(),
        "unasked": st.booleans(),
    }
)
few = settings(max_examples=8, suppress_health_check=list(HealthCheck))


@asynccontextmanager
async def memory():
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with (
            Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger,
            KnowledgeManagementUnit.open(ledger, data, policy=POLICY) as unit,
        ):
            yield unit, data


async def play(unit, story):
    """What agents did; what is refused has not happened."""
    for step in story:
        agent, task = step["agent"], step["task"]
        asked = await unit.retrieve(Question(task=task, agent=agent), fits=lambda _: True)
        if step["saw"] and asked.items:
            await imply(unit.ledger, asked.receipt, step["saw"])
        # Nobody speaks against what the same report says.
        others = [ranked.item for ranked in asked.items if gist(ranked.item.insight) != gist(step["insight"])]
        ids = [item.id for item in others]
        named = {step["names"]: (ids[step["which"] % len(ids)],)} if ids and step["names"] else {}
        report = Report(
            task=task,
            agent=agent,
            outcome=step["outcome"],
            insight=step["insight"],
            receipt=None if step["unasked"] else asked.receipt,
            **named,
        )
        try:
            await unit.learn(report)
            if step["again"]:
                await unit.learn(Report(task=task, agent=agent, outcome="failure", receipt=report.receipt))
        except Refusal:
            continue


def ledger_rows(data):
    connection = sqlite3.connect(data / "ledger.sqlite")
    found = {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}
    connection.close()
    return found


def revoking(agent):
    return Revoking(AgentName(agent), by=AgentName("ines"), reason="", policy=POLICY)


@settings(few, derandomize=True)
@given(st.lists(steps, max_size=14))
def test_everything_told_once_more_is_what_the_ledger_holds(story):
    async def hold():
        async with memory() as (unit, _):
            await play(unit, story)
            await unit.learn(Report(task=TASKS[0], agent=MALLORY, outcome="success"))
            look = revoking("mallory")
            await look.look(unit.ledger)
            view, told = unit.ledger.read, look.told
            items = await view.bearings(await view.living_ids("general"))
            assert {
                item: (pytest.approx(bearing.trust), bearing.stage, bearing.author) for item, bearing in items.items()
            } == {item: (one.trust, one.stage, one.author) for item, one in told.store.items.items() if one.living}
            assert told.slip_rates.known == pytest.approx(await view.slips(), abs=1e-3)
            experience = await view.experience()
            assert (told.experience.reports, told.experience.blamed, told.experience.revived) == (
                experience.reports,
                experience.blamed,
                experience.revived,
            )

    anyio.run(hold)


@few
@given(st.lists(steps, max_size=14), st.sampled_from(AGENTS))
def test_a_revocation_that_is_taken_back_has_not_been(story, agent):
    async def hold():
        async with memory() as (unit, data):
            await play(unit, story)
            before = ledger_rows(data)
            try:
                look = revoking(agent)
                found = await look.look(unit.ledger)
            except Refusal:
                return  # it never came
            await look.apply(unit.ledger, found.plan.id)
            await unit.undo_plan(found.plan.id, agent=AgentName("ines"))
            assert ledger_rows(data) == before

    anyio.run(hold)


@few
@given(st.lists(steps, max_size=10))
def test_revoking_an_agent_that_never_spoke_changes_nothing(story):
    async def hold():
        async with memory() as (unit, data):
            await play(unit, [step for step in story if step["agent"] != MALLORY])
            await unit.retrieve(Question(task=TASKS[0], agent=MALLORY), fits=lambda _: True)
            before = ledger_rows(data)
            look = revoking("mallory")
            found = await look.look(unit.ledger)
            await look.apply(unit.ledger, found.plan.id)
            after = ledger_rows(data)
            assert [name for name in TABLES if after[name] != before[name]] == ["agents"]
            assert found.plan.items == ()

    anyio.run(hold)


@few
@given(st.lists(steps, max_size=12))
def test_nothing_of_a_revoked_agent_is_left_to_count(story):
    async def hold():
        async with memory() as (unit, data):
            await play(unit, [*story, *({**step, "agent": MALLORY} for step in story[:3])])
            if not story:
                return
            look = revoking("mallory")
            found = await look.look(unit.ledger)
            await look.apply(unit.ledger, found.plan.id)
            rows = ledger_rows(data)
            assert [row for row in rows["verdicts"] if "mallory" in row] == []
            assert [row for row in rows["blames"] if "mallory" in row] == []
            view = unit.ledger.read
            living = await view.items(await view.living_ids("general"), agent="ines")
            assert {item.author for item in living.values()} & {MALLORY} == set()
            await take_in(unit.ledger, unit.spaces)
            assert {row for row in await unit.spaces.ids("general")} == set(living)

    anyio.run(hold)


async def test_what_is_reported_between_the_look_and_the_deed_is_withdrawn_as_well():
    async with memory() as (unit, _):
        await unit.learn(Report(task=TASKS[0], agent=AGENTS[0], insight=WORDS[0], outcome="success"))
        await unit.learn(Report(task=TASKS[0], agent=MALLORY, insight=WORDS[2], outcome="success"))
        look = revoking("mallory")
        found = await look.look(unit.ledger)
        await unit.learn(Report(task=TASKS[1], agent=MALLORY, insight=WORDS[5], outcome="success"))
        done = await look.apply(unit.ledger, found.plan.id)
        assert (len(found.plan.items), len(done.plan.items)) == (1, 2)
        assert await unit.ledger.read.count("general") == 1
