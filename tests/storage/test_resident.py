"""Vectors in memory: whatever any process does, they answer as an exact search over what the ledger says lives."""

import random
import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetlore.kmu.policy import Policy
from fleetlore.kmu.rebuilding import rebuild_spaces
from fleetlore.kmu.report import Report
from fleetlore.kmu.unit import KnowledgeManagementUnit
from fleetlore.kmu.wish import Wish
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.embedding import unit as scaled
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, new_item_id
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.reconciliation import follow_generation, take_in
from fleetlore.storage.resident import ResidentVectors
from fleetlore.storage.search import Filter
from fleetlore.storage.spaces import KnowledgeSpaces
from fleetlore.storage.vector_matrix import VectorMatrix

AGENT = "teacher"
QUESTION = "the daemon of the gateway does not restart"
# The first three are one lesson in other words: what is told second is merged into what is told first.
INSIGHTS = (
    "Restart the daemon first",
    "Please restart the daemon first",
    "First restart the daemon",
    "The retry limit is 3",
    "Zebras need hay",
    "Ask the operations team",
)
TASKS = ("restart the daemon of the gateway", "feed the zebras")

steps = st.lists(
    st.tuples(
        st.integers(0, 1),  # which process
        st.sampled_from(["tell", "tell", "tell own", "prune", "undo", "edit", "sleep", "rebuild", "trim"]),
        st.sampled_from(INSIGHTS),
        st.sampled_from(TASKS),
        st.integers(0, 5),
    ),
    min_size=6,
    max_size=12,
)


@asynccontextmanager
async def _process(data):
    async with (
        Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger,
        KnowledgeManagementUnit.open(ledger, data, policy=Policy()) as unit,
    ):
        yield unit


async def _from_memory(unit, vector, limit=100):
    """What memory answers; waits until it is loaded."""
    with anyio.fail_after(10):
        while True:
            await follow_generation(unit.ledger, unit.spaces)
            await unit.spaces.resident.follow(unit.ledger, "general")
            found = await unit.spaces.resident.nearest("general", vector[np.newaxis], limit=limit, where=Filter())
            if found is not None:
                return found[0]
            await anyio.sleep(0.001)


async def _do(unit, data, step, insight, task, which):
    """One step of a process; what there is nothing to do for does nothing."""
    items = sorted(await unit.ledger.read.living_ids("general"))
    plans = sorted(row["id"] for row in await unit.ledger.read._connection.rows("plans_after", after="", limit=100))
    if step == "tell":
        await unit.learn(Report(agent=AGENT, task=task, outcome="success", insight=insight))
    elif step == "tell own":
        await unit.learn(Report(agent=AGENT, task=task, outcome="success", insight=insight, space="prompt"))
    elif step == "prune" and items:
        wish = Wish(agent=AGENT, ids=(items[which % len(items)],), reason="old")
        await unit.apply_plan((await unit.plan(wish)).plan.id, agent=AGENT)
    elif step == "undo" and plans:
        await unit.undo_plan(plans[which % len(plans)], agent=AGENT)
    elif step == "edit" and items:
        item = items[which % len(items)]
        read = (await unit.ledger.read.item(item, agent=AGENT)).wording
        await unit.edit(item, read=read, wish=replace(read, insight=insight), agent=AGENT)
    elif step == "sleep":
        await unit.consolidate(rest=0)
    elif step == "rebuild":
        await rebuild_spaces(unit.ledger, data, embedder=DEFAULT_EMBEDDER, progress=lambda _: None)
    elif step == "trim":
        await unit.ledger.write(lambda transaction: transaction.forget_row_changes(kept=1))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_memory_answers_as_an_exact_search_over_what_lives_whatever_two_processes_do(taken):
    async def compare():
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder)
            async with _process(data) as one, _process(data) as other:
                ledger = one.ledger
                async with KnowledgeSpaces.open(data, embedder=one.spaces.embedder, generation=1) as plain:
                    [vector] = plain.embedder.embed([QUESTION])
                    for which, *step in taken:
                        try:
                            await _do((one, other)[which], data, *step)
                        except Refusal:
                            continue
                        await follow_generation(ledger, plain)
                        await take_in(ledger, plain)
                        legs = await plain.search("general", text="", vector=vector, where=Filter())
                        living = await ledger.read.living_ids("general")
                        exact = {item: cosine for item, cosine in legs.vector.items() if item in living}
                        for unit in (one, other):
                            assert await _from_memory(unit, vector) == pytest.approx(exact, abs=1e-6), step
                            assert exact.keys() == living

    anyio.run(compare)


async def test_what_memory_has_read_is_right_where_the_table_is_behind(opened):
    async with opened() as unit:
        told = [
            (await unit.learn(Report(agent=AGENT, task=task, outcome="success", insight=insight))).learned[0].id
            for task, insight in zip(TASKS, INSIGHTS[3:], strict=False)
        ]
        async with unit.spaces.writing():
            await unit.spaces.remove("general", told[:1])
    async with opened() as unit:
        [vector] = unit.spaces.embedder.embed([QUESTION])
        assert (await _from_memory(unit, vector)).keys() == set(told)


async def test_a_ledger_that_was_put_back_is_read_anew(opened, tmp_path):
    async with opened() as unit, opened() as other:
        [vector] = unit.spaces.embedder.embed([QUESTION])
        for insight in INSIGHTS[3:]:
            await unit.learn(Report(agent=AGENT, task=TASKS[0], outcome="success", insight=insight))
        before = await _from_memory(unit, vector)
        # The same number of changes, but another story.
        await other.ledger._database.write(lambda connection: connection.run("forget_row_changes", kept=1))
        await other.ledger._database.write(
            lambda connection: connection.script("UPDATE row_changes SET item = 'k_other'")
        )
        assert await _from_memory(unit, vector) == before


async def test_more_rows_than_memory_is_meant_for_are_left_to_the_table(opened):
    async with opened() as unit:
        unit.spaces.resident = ResidentVectors(unit.spaces, most_bytes=2 * 4 * unit.spaces.embedder.dimension)
        [vector] = unit.spaces.embedder.embed([QUESTION])
        async with unit.spaces.resident.kept(unit.ledger):
            for number, insight in enumerate(INSIGHTS[3:], 1):
                await unit.learn(Report(agent=AGENT, task=TASKS[0], outcome="success", insight=insight))
                if number <= 2:
                    assert len(await _from_memory(unit, vector)) == number
            await unit.spaces.resident.follow(unit.ledger, "general")
            assert await unit.spaces.resident.nearest("general", vector[np.newaxis], limit=9, where=Filter()) is None


def test_a_matrix_answers_as_one_product_over_what_is_in_it():
    chance, random_numbers = random.Random(5), np.random.default_rng(5)
    matrix, held = VectorMatrix(8), {}
    seen = []
    for _ in range(60):
        added = [new_item_id(utc_now()) for _ in range(chance.choice([1, 3, 700]))]
        added += chance.sample(sorted(held), min(len(held), 2))
        vectors = scaled(random_numbers.standard_normal((len(added), 8)).astype(np.float32))
        matrix.put(added, vectors)
        held |= dict(zip(added, vectors, strict=True))
        gone = chance.sample(sorted(held), chance.choice([0, 1, len(held) // 3]))
        matrix.discard([*gone, ItemId("k_unknown")])
        for item in gone:
            del held[item]
        questions = scaled(random_numbers.standard_normal((chance.choice([1, 5, 40]), 8)).astype(np.float32))
        seen.append((matrix.view(), questions, _product(held, questions)))
        assert len(matrix) == len(held)
        assert matrix.ids() == held.keys()
    for view, questions, expected in seen:  # a view stays what it was, whatever came after it
        found = view.nearest(questions, 10)
        assert [list(answer.values()) == sorted(answer.values(), reverse=True) for answer in found] == [True] * len(
            found
        )
        for answer, wanted in zip(found, expected, strict=True):
            assert answer == pytest.approx(wanted, abs=1e-5)


def _product(held, questions):
    items, rows = list(held), np.array(list(held.values())).reshape(-1, 8)
    best = [sorted(zip((rows @ question).tolist(), items, strict=True), reverse=True)[:10] for question in questions]
    return [{item: cosine for cosine, item in answer} for answer in best]
