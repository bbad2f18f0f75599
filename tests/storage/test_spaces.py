"""The knowledge spaces: what is found does not depend on which indexes a table has by now."""

import random

import anyio
import numpy as np
import pytest

from fleetlore.server.settings import utc_now
from fleetlore.storage.embedding import load_embedder
from fleetlore.storage.identifiers import new_item_id
from fleetlore.storage.ledger_view import IndexedItem
from fleetlore.storage.search import Filter
from fleetlore.storage.space_tables import OWNER_INDEX_FROM, VECTOR_INDEX_FROM
from fleetlore.storage.spaces import KnowledgeSpaces

WORDS = """
    billing server deploy timeout database cache token build release docker kernel memory disk network cluster queue
    socket thread parser schema index shard broker session cookie proxy header cursor signal branch commit
"""
QUESTION = "deploy billing timeout cache"


def _opened(folder):
    return KnowledgeSpaces.open(folder, embedder=load_embedder("wordllama-64"), generation=1)


@pytest.fixture
async def spaces(tmp_path):
    async with _opened(tmp_path) as opened:
        yield opened


def _items(count, owners=1):
    chance = random.Random(3)
    return [
        IndexedItem(
            seq=0,
            id=new_item_id(utc_now()),
            owner=f"agent-{number % owners}",
            task_type="review",
            tags=("even",) if number % 2 == 0 else (),
            insight=" ".join(chance.sample(WORDS.split(), 6)),
            applies_when=" ".join(chance.sample(WORDS.split(), 6)),
        )
        for number in range(count)
    ]


async def _found(spaces, space, where):
    [vector] = spaces.embedder.embed([QUESTION])
    return await spaces.search(space, text=QUESTION, vector=vector, where=where)


@pytest.mark.parametrize(
    ("space", "count", "where"),
    [
        ("prompt", OWNER_INDEX_FROM, Filter(owner="agent-2", task_type="review", tags=("even",))),
        ("general", VECTOR_INDEX_FROM, Filter()),
    ],
)
async def test_an_index_changes_what_a_search_costs_and_not_what_it_finds(spaces, space, count, where):
    async with spaces.writing():
        await spaces.add(space, _items(count, owners=10))
    before = await _found(spaces, space, where)
    await spaces.index(space)
    await spaces.optimize(space)
    after = await _found(spaces, space, where)
    assert (len(before.text), len(before.vector)) == (100, 100)
    assert len(after.vector.keys() & before.vector.keys()) >= 95
    assert len(after.text) == 100


async def test_a_filter_holds_for_both_legs_and_no_value_can_break_out_of_it(spaces):
    items = _items(40, owners=4)
    async with spaces.writing():
        await spaces.add("prompt", items)
    legs = await _found(spaces, "prompt", Filter(owner="agent-2", tags=("even",)))
    mine = {item.id for item in items if item.owner == "agent-2" and item.tags == ("even",)}
    assert legs.vector.keys() == mine
    assert legs.text.keys() <= mine
    for hostile in ("agent-2' OR '1'='1", "'; DROP TABLE prompt_1; --", "%", "\\"):
        nothing = await _found(spaces, "prompt", Filter(owner=hostile, task_type=hostile, tags=(hostile,)))
        assert (nothing.text, nothing.vector) == ({}, {})


@pytest.mark.parametrize("many", [1, 7])
async def test_one_search_for_many_finds_what_a_search_for_each_finds(spaces, many):
    items = _items(60, owners=2)
    async with spaces.writing():
        await spaces.add("prompt", items)
    where = Filter(owner="agent-1")
    mine = [item for item in items if item.owner == "agent-1"]
    found = await spaces.nearest_to_many("prompt", mine[:many], limit=5, where=where)
    assert list(found) == [item.id for item in mine[:many]]
    for item in mine[:many]:
        [alone] = (await spaces.nearest_to_many("prompt", [item], limit=5, where=where)).values()
        assert found[item.id] == pytest.approx(alone)
        assert len(alone.keys() - {item.id}) == 5 == len(alone)
        assert alone.keys() <= {other.id for other in mine}
    assert await spaces.nearest_to_many("prompt", [], limit=5, where=where) == {}


async def test_a_search_that_is_broken_off_while_an_index_is_loaded_leaves_the_next_one_its_answer(tmp_path):
    [item] = _items(1)
    async with _opened(tmp_path) as spaces, spaces.writing():
        await spaces.add("general", [item])
        await spaces.optimize("general")
    unfit = np.ones(3, dtype=np.float32)  # which ends the other leg at once
    for _ in range(12):
        async with _opened(tmp_path) as spaces:
            with pytest.raises(ExceptionGroup):
                await spaces.search("general", text=item.insight, vector=unfit, where=Filter())
            with anyio.fail_after(10):
                legs = await spaces.search("general", text=item.insight, vector=unfit * 0, where=Filter())
            assert list(legs.text) == [item.id]
