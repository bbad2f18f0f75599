"""The spaces in memory: whatever any process does, they answer exactly, over what the ledger says lives."""

import math
import random
import tempfile
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetlore.kmu import editing
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.question import Question
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
from fleetlore.storage.records import SPACES
from fleetlore.storage.resident import ResidentSpaces
from fleetlore.storage.resident_space import ResidentSpace
from fleetlore.storage.search import Filter
from fleetlore.storage.spaces import KnowledgeSpaces
from fleetlore.storage.table_rows import HeldRows, names_in, searchable, vectors_of
from fleetlore.storage.words import words_of

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
        st.sampled_from(["tell", "tell", "tell own", "tell own", "prune", "undo", "edit", "sleep", "rebuild", "trim"]),
        st.sampled_from(INSIGHTS),
        st.sampled_from(TASKS),
        st.integers(0, 5),
    ),
    min_size=6,
    max_size=12,
)
LABELS = (("", ()), ("repair", ("urgent",)), ("repair", ("urgent", "it's")))
EVERYTHING = Filter()
FILTERS = (
    EVERYTHING,
    Filter(task_type="repair"),
    Filter(tags=("it's", "urgent")),
    Filter(owner=AGENT),
    Filter(owner="x"),
)


@asynccontextmanager
async def _process(data):
    async with (
        Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger,
        KnowledgeManagementUnit.open(ledger, data, policy=Policy()) as unit,
    ):
        yield unit


async def _from_memory(unit, space="general", where=EVERYTHING):
    """What memory answers by words and by vector; waits until it is loaded."""
    [vector] = unit.spaces.embedder.embed([QUESTION])
    resident = unit.spaces.resident
    with anyio.fail_after(10):
        while True:
            await follow_generation(unit.ledger, unit.spaces)
            await resident.follow(unit.ledger, await resident.news(unit.ledger.read))
            if resident.answers():
                [near] = await resident.nearest(space, vector[np.newaxis], limit=100, where=where)
                return await resident.matching(space, QUESTION, limit=100, where=where), near
            await anyio.sleep(0.001)


async def _exact(unit, space, where):
    """What lives by the ledger's word, as BM25 and cosines have it."""
    living = await unit.ledger.read.living_among(space, await unit.ledger.read.living_ids(space))
    texts = {item.id: Counter(words_of(searchable(item))) for item in living}
    average = sum(map(Counter.total, texts.values())) / max(len(texts), 1)
    scores, cosines = {}, {}
    [vector] = unit.spaces.embedder.embed([QUESTION])
    for item, own in zip(living, vectors_of(living, unit.spaces.embedder), strict=True):
        if (
            where.owner in ("", item.owner)
            and where.task_type in ("", item.task_type)
            and set(where.tags) <= set(item.tags)
        ):
            cosines[item.id] = float(own @ vector)
            for word in words_of(QUESTION):
                having = sum(word in text for text in texts.values())
                weight = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
                times = texts[item.id][word]
                norm = 1.2 * (0.25 + 0.75 * texts[item.id].total() / average)
                scores[item.id] = scores.get(item.id, 0) + weight * 2.2 * times / (times + norm)
    return {item: score for item, score in scores.items() if score}, cosines


async def _do(unit, data, step, insight, task, which):
    """One step of a process; what there is nothing to do for does nothing."""
    items = sorted(await unit.ledger.read.living_ids("general") | await unit.ledger.read.living_ids("prompt"))
    task_type, tags = LABELS[which % len(LABELS)]
    told = Report(agent=AGENT, task=task, outcome="success", insight=insight, task_type=task_type, tags=tags)
    plans = sorted(row["id"] for row in await unit.ledger.read._connection.rows("plans_after", after="", limit=100))
    if step == "tell":
        await unit.learn(told)
    elif step == "tell own":
        await unit.learn(replace(told, space="prompt"))
    elif step == "prune" and items:
        wish = Wish(agent=AGENT, ids=(items[which % len(items)],), reason="old")
        await unit.apply_plan((await unit.plan(wish)).plan.id, agent=AGENT)
    elif step == "undo" and plans:
        await unit.undo_plan(plans[which % len(plans)], agent=AGENT)
    elif step == "edit" and items:
        item = items[which % len(items)]
        read = (await unit.ledger.read.item(item, agent=AGENT)).wording
        await editing.edit(unit.ledger, item, read=read, wish=replace(read, insight=insight), agent=AGENT)
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
                for which, *step in taken:
                    try:
                        await _do((one, other)[which], data, *step)
                    except Refusal:
                        continue
                    for space, where in product(SPACES, FILTERS):
                        exact = await _exact(one, space, where)
                        for unit in (one, other):
                            found = await _from_memory(unit, space, where)
                            assert found == tuple(pytest.approx(scores, abs=1e-6) for scores in exact), step

    anyio.run(compare)


async def test_what_memory_has_read_is_right_where_the_table_is_behind(opened):
    async with opened() as unit:
        told = [
            (await unit.learn(Report(agent=AGENT, task=task, outcome="success", insight=insight))).learned[0].id
            for task, insight in zip(TASKS, INSIGHTS[3:], strict=False)
        ]
        await take_in(unit.ledger, unit.spaces)
        async with unit.spaces.writing():
            await unit.spaces.remove("general", told[:1])
    async with opened() as unit:
        assert (await _from_memory(unit))[1].keys() == set(told)


async def test_memory_that_comes_in_the_midst_of_a_retrieval_hides_nothing(opened, monkeypatch):
    load, search = ResidentSpaces._load, KnowledgeSpaces.search
    read, may_come = anyio.Event(), anyio.Event()

    async def held_up(resident, ledger):
        loaded = await load(resident, ledger)
        read.set()
        await may_come.wait()
        return loaded

    async def overtaken(spaces, *where, **what):
        may_come.set()
        while spaces.resident.loaded is None:  # noqa: ASYNC110
            await anyio.sleep(0.001)
        return await search(spaces, *where, **what)

    monkeypatch.setattr(ResidentSpaces, "_load", held_up)
    monkeypatch.setattr(KnowledgeSpaces, "search", overtaken)
    async with opened() as unit:
        with anyio.fail_after(20):
            await unit.spaces.resident.follow(unit.ledger, await unit.spaces.resident.news(unit.ledger.read))
            await read.wait()
            await unit.learn(Report(agent=AGENT, task=TASKS[0], outcome="success", insight=INSIGHTS[0]))
            found = await unit.retrieve(Question(task=TASKS[0], agent=AGENT), fits=lambda _: True)
        assert [entry.item.insight for entry in found.items] == [INSIGHTS[0]]


async def test_a_ledger_that_was_put_back_is_read_anew(opened, tmp_path):
    async with opened() as unit, opened() as other:
        for insight in INSIGHTS[3:]:
            await unit.learn(Report(agent=AGENT, task=TASKS[0], outcome="success", insight=insight))
        before = await _from_memory(unit)
        # The same number of changes, but another story.
        await other.ledger._database.write(lambda connection: connection.run("forget_row_changes", kept=1))
        await other.ledger._database.write(
            lambda connection: connection.script("UPDATE row_changes SET item = 'k_other'")
        )
        await take_in(unit.ledger, unit.spaces)
        assert await _from_memory(unit) == tuple(pytest.approx(scores) for scores in before)


@pytest.mark.parametrize("space", SPACES)
async def test_more_rows_than_memory_is_meant_for_are_left_to_the_tables(opened, space):
    async with opened() as unit:
        resident = ResidentSpaces(unit.spaces, most_bytes=10 * unit.spaces.embedder.dimension)
        unit.spaces.resident = resident
        [vector] = unit.spaces.embedder.embed([QUESTION])
        async with resident.kept(unit.ledger):
            for number, insight in enumerate(INSIGHTS[3:], 1):
                told = Report(agent=AGENT, task=TASKS[0], outcome="success", insight=insight, space=space)
                await unit.learn(told)
                if number <= 2:
                    assert len((await _from_memory(unit, space))[1]) == number
            await resident.follow(unit.ledger, await resident.news(unit.ledger.read))
            assert not resident.answers()
            for other in SPACES:
                assert await resident.nearest(other, vector[np.newaxis], limit=9, where=Filter()) is None
                assert await resident.matching(other, QUESTION, limit=9, where=Filter()) is None


async def test_more_words_than_memory_is_meant_for_are_left_to_the_table_and_the_vectors_stay(opened):
    async with opened() as unit:
        resident = unit.spaces.resident = ResidentSpaces(unit.spaces, most_bytes_of_words=20_000)
        [vector] = unit.spaces.embedder.embed([QUESTION])
        async with resident.kept(unit.ledger):
            await unit.learn(Report(agent=AGENT, task=TASKS[0], outcome="success", insight=INSIGHTS[3]))
            before = await _from_memory(unit)
            many = " ".join(f"word{number}" for number in range(100))
            await unit.learn(Report(agent=AGENT, task=TASKS[1], outcome="success", insight=many))
            await resident.follow(unit.ledger, await resident.news(unit.ledger.read))
            assert not resident.answers()
            assert await resident.matching("general", QUESTION, limit=9, where=Filter()) is None
            assert len((await resident.nearest("general", vector[np.newaxis], limit=9, where=Filter()))[0]) == 2
            await take_in(unit.ledger, unit.spaces)
            legs = await unit.spaces.search("general", text=QUESTION, vector=vector, where=Filter())
            assert legs.text.keys() > before[0].keys()


async def test_large_spaces_answer_in_threads_what_small_ones_answer_at_once(opened, monkeypatch):
    async with opened() as unit:
        for insight in INSIGHTS:
            await unit.learn(Report(agent=AGENT, task=TASKS[0], outcome="success", insight=insight))
        await _from_memory(unit)
        [vector] = unit.spaces.embedder.embed([QUESTION])
        where = {"text": QUESTION, "vector": vector, "where": Filter()}
        at_once = await unit.spaces.search("general", **where)
        monkeypatch.setattr("fleetlore.storage.resident._TOGETHER_FROM", 1)
        monkeypatch.setattr("fleetlore.storage.resident._BESIDE_FROM", 1)
        assert not unit.spaces.resident.at_once("general")
        found = [None] * 8

        async def search(place):
            found[place] = await unit.spaces.search("general", **where)

        async with anyio.create_task_group() as tasks:
            for place in range(len(found)):
                tasks.start_soon(search, place)
        for legs in found:
            assert legs.text == at_once.text
            assert legs.vector == pytest.approx(at_once.vector, abs=1e-6)
        assert len(at_once.vector) > 1


@pytest.mark.parametrize("shared_from", [1, 100], ids=["in two threads", "in one"])
def test_a_space_answers_as_one_product_over_what_is_in_it(monkeypatch, shared_from):
    monkeypatch.setattr("fleetlore.storage.vector_matrix._SHARED_FROM", shared_from)
    chance, random_numbers = random.Random(5), np.random.default_rng(5)
    space, held, seen = ResidentSpace(8), {}, []
    owners = "xy" * 20 + "z"
    for _ in range(60):
        added = [new_item_id(utc_now()) for _ in range(chance.choice([1, 3, 700]))]
        added += chance.sample(sorted(held), min(len(held), 2))
        vectors = scaled(random_numbers.standard_normal((len(added), 8)).astype(np.float32))
        names = [frozenset({("tag", chance.choice("aab"))} | {("owner", chance.choice(owners))}) for _ in added]
        space.put(HeldRows(ids=added, names=names, texts=[""] * len(added), vectors=vectors))
        held |= {item: (vector, own) for item, vector, own in zip(added, vectors, names, strict=True)}
        gone = chance.sample(sorted(held), chance.choice([0, 1, len(held) // 3]))
        space.discard([*gone, ItemId("k_unknown")])
        for item in gone:
            del held[item]
        questions = scaled(random_numbers.standard_normal((chance.choice([1, 5, 40]), 8)).astype(np.float32))
        where = chance.choice([Filter(), Filter(tags=("a",)), Filter(owner="z"), Filter(owner="x", tags=("b",))])
        seen.append((space.view(), questions, where, _product(held, questions, names_in(where))))
        assert len(space) == len(held)
        assert space.ids() == held.keys()
    for view, questions, where, expected in seen:  # a view stays what it was, whatever came after it
        found = view.nearest(questions, 10, view.among(where))
        assert [list(answer.values()) == sorted(answer.values(), reverse=True) for answer in found] == [True] * len(
            found
        )
        for answer, wanted in zip(found, expected, strict=True):
            assert answer == pytest.approx(wanted, abs=1e-5)


def _product(held, questions, wanted):
    chosen = {item: vector for item, (vector, names) in held.items() if wanted <= names}
    items, rows = list(chosen), np.array(list(chosen.values())).reshape(-1, 8)
    best = [sorted(zip((rows @ question).tolist(), items, strict=True), reverse=True)[:10] for question in questions]
    return [{item: cosine for cosine, item in answer} for answer in best]
