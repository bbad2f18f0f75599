"""Erasing for good beside processes that had begun to read."""

from fleetlore.kmu import erasure
from fleetlore.kmu.report import Report
from fleetlore.kmu.wish import Wish
from fleetlore.storage.reconciliation import take_in
from fleetlore.storage.resident import ResidentSpaces
from fleetlore.storage.search import Filter
from fleetlore.storage.searching import Searches

TASK = "rotate the signing keys"


async def learnt(unit, insight):
    answer = await unit.learn(Report(task=TASK, agent="ana", outcome="success", insight=insight))
    return answer.learned[0].id


async def erased(unit, item):
    begun = await erasure.begin(unit.ledger, erasure.Target(items=(item,)), agent="ana", reason="")
    assert await erasure.finish(unit.ledger, unit.spaces, begun.plan, agent="ana", progress=print)


async def test_a_search_under_way_turns_to_the_tables_that_are_left(opened, monkeypatch):
    monkeypatch.setitem(ResidentSpaces.__init__.__kwdefaults__, "most_bytes", 0)  # or memory would answer
    async with opened() as reading, opened() as erasing:
        kept = await learnt(reading, "Keep the old key for a day")
        doomed = await learnt(reading, "Restart the gateway first")
        search = reading.spaces.search

        async def overtaken(*space, **what):
            monkeypatch.undo()
            await erased(erasing, doomed)
            assert reading.spaces.generation < erasing.spaces.generation
            return await search(*space, **what)

        monkeypatch.setattr(reading.spaces, "search", overtaken)
        async with Searches(reading.ledger, reading.spaces).running() as searches:
            found = await searches.search({"general": Filter()}, task=TASK, terms="keys")
        assert set(found.legs["general"].vector) == {kept}
        assert reading.spaces.generation == erasing.spaces.generation


async def test_a_plan_is_carried_out_by_a_process_whose_tables_are_gone(opened):
    async with opened() as pruning, opened() as erasing:
        kept = await learnt(pruning, "Keep the old key for a day")
        plan = (await pruning.plan(Wish(agent="ana", ids=(kept,), reason="gone"))).plan.id
        await erased(erasing, await learnt(pruning, "Restart the gateway first"))
        await pruning.apply_plan(plan, agent="ana")
        await take_in(pruning.ledger, pruning.spaces)
        assert await erasing.spaces.ids("general") == []
