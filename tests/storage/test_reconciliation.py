"""The knowledge spaces follow the ledger: after crashes, after prunes, and from nothing."""

import shutil
from dataclasses import replace

import anyio
import pytest

from fleetlore.kmu import editing
from fleetlore.kmu.question import Question
from fleetlore.kmu.rebuilding import rebuild_spaces
from fleetlore.kmu.report import Report
from fleetlore.kmu.wish import Wish
from fleetlore.server.settings import utc_now
from fleetlore.storage.errors import EmbedderMismatch
from fleetlore.storage.identifiers import new_item_id
from fleetlore.storage.ledger_view import IndexedItem
from fleetlore.storage.reconciliation import Repairs, reconcile, take_in
from fleetlore.storage.row_changes import RowChange


async def _teach(unit, insight, **values):
    report = Report(agent="teacher", task="the task", outcome="success", insight=insight, **values)
    return (await unit.learn(report)).learned[0].id


async def _insights(unit, task="the task"):
    found = await unit.retrieve(Question(task=task, agent="teacher", limit=50), fits=lambda _: True)
    return sorted(entry.item.insight for entry in found.items)


async def test_a_row_that_a_crash_lost_is_added_again(opened):
    async with opened() as unit:
        lost = await _teach(unit, "first lesson")
        kept = await _teach(unit, "second lesson")
        await take_in(unit.ledger, unit.spaces)
        async with unit.spaces.writing():
            await unit.spaces.remove("general", [lost])
        assert await unit.spaces.ids("general") == [kept]
        assert await reconcile(unit.ledger, unit.spaces) == Repairs(added=1)
        assert await _insights(unit) == ["first lesson", "second lesson"]


async def test_a_row_that_stands_twice_is_shown_once_and_reduced_to_one(opened):
    async with opened() as unit:
        item = await _teach(unit, "first lesson")
        await take_in(unit.ledger, unit.spaces)
        double = await unit.ledger.read.living_among("general", [item])
        async with unit.spaces.writing():
            await unit.spaces.add("general", double)
        assert await _insights(unit) == ["first lesson"]
        assert await reconcile(unit.ledger, unit.spaces) == Repairs(doubles=1)
        assert await unit.spaces.ids("general") == [item]


async def test_a_row_that_the_ledger_does_not_know_is_never_shown_and_removed(opened):
    async with opened() as unit:
        stray = IndexedItem(
            seq=0,
            id=new_item_id(utc_now()),
            owner="",
            task_type="",
            tags=(),
            insight="a stray lesson",
            applies_when="the task",
        )
        async with unit.spaces.writing():
            await unit.spaces.add("general", [stray])
        assert await _insights(unit) == []
        assert await reconcile(unit.ledger, unit.spaces) == Repairs(orphans=1)
        assert await unit.spaces.ids("general") == []


async def test_nobody_who_writes_is_kept_waiting_while_both_are_compared(opened):
    async with opened() as unit:
        await _teach(unit, "first lesson")
        await take_in(unit.ledger, unit.spaces)
        async with unit.spaces.writing():
            with anyio.fail_after(10):
                assert await reconcile(unit.ledger, unit.spaces) == Repairs()


async def test_what_was_taken_in_and_not_noted_is_taken_in_once(opened):
    async with opened() as unit:
        items = [await _teach(unit, f"lesson {number}") for number in range(3)]
        async with unit.spaces.writing():  # as one does who is killed between the two
            await unit.spaces.add("general", await unit.ledger.read.living_among("general", items[:2]))
        await take_in(unit.ledger, unit.spaces)
        assert sorted(await unit.spaces.ids("general")) == sorted(items)


async def test_tables_that_nobody_can_tell_how_far_they_have_come_are_made_whole(opened):
    async with opened() as unit:
        items = [await _teach(unit, f"lesson {number}") for number in range(3)]
        await unit.ledger.write(lambda transaction: transaction.set_followed(1, RowChange(seq=2, item="k_other")))
        await take_in(unit.ledger, unit.spaces)
        assert sorted(await unit.spaces.ids("general")) == sorted(items)
        followed = await unit.ledger.read.followed(1)
        assert followed == await unit.ledger.read.last_row_change()


async def test_changes_are_kept_until_the_tables_have_followed_them(opened):
    async with opened() as unit:
        item = await _teach(unit, "first lesson")
        await take_in(unit.ledger, unit.spaces)
        await _teach(unit, "second lesson")
        await unit.ledger.write(lambda transaction: transaction.forget_row_changes(kept=0))
        waiting = await unit.ledger.read.row_changes_after(await unit.ledger.read.followed(1), 10)
        assert [change.item == item for change in waiting] == [False]


async def test_spaces_that_vanished_come_back_from_the_ledger(opened, tmp_path):
    async with opened() as unit:
        await _teach(unit, "first lesson")
        await _teach(unit, "my own way", space="prompt", task_type="review")
    shutil.rmtree(tmp_path / "data" / "spaces")
    async with opened() as unit:
        assert await reconcile(unit.ledger, unit.spaces) == Repairs(added=2)
        assert await _insights(unit) == ["first lesson", "my own way"]


async def test_a_rebuild_keeps_every_item_and_servers_follow_it_while_they_run(opened, tmp_path):
    async with opened() as unit, opened() as rebuilder:
        for number in range(5):
            await _teach(unit, f"lesson {number}")
        before = await _insights(unit)
        steps = []
        copied = await rebuild_spaces(
            rebuilder.ledger, tmp_path / "data", embedder="wordllama-256", progress=steps.append
        )
        assert (copied, steps[-1]) == (5, 5)
        assert await _insights(unit) == before
        await _teach(unit, "lesson after the rebuild")
        assert await _insights(rebuilder) == [*before, "lesson after the rebuild"]
        assert unit.spaces.generation == 2


async def test_servers_follow_a_rebuild_with_another_embedder_unless_they_were_told_which_to_use(opened, tmp_path):
    async with opened() as unit, opened(embedder="wordllama-256") as pinned:
        await _teach(unit, "first lesson")
        assert await _insights(pinned) == ["first lesson"]
        async with opened() as rebuilder:
            await rebuild_spaces(rebuilder.ledger, tmp_path / "data", embedder="wordllama-64", progress=lambda _: None)
        assert await _insights(unit) == ["first lesson"]
        assert unit.spaces.embedder.name == "wordllama-64"
        await _teach(unit, "second lesson")
        assert await _insights(unit) == ["first lesson", "second lesson"]
        with pytest.raises(EmbedderMismatch, match="wordllama-64, but wordllama-256 is configured"):
            await _insights(pinned)


async def test_pruned_rows_leave_the_space_and_come_back_on_undo(opened):
    async with opened() as unit:
        item = await _teach(unit, "first lesson")
        plan = (await unit.plan(Wish(agent="teacher", ids=(item,), reason="old"))).plan.id
        await unit.apply_plan(plan, agent="teacher")
        await take_in(unit.ledger, unit.spaces)
        assert await unit.spaces.ids("general") == []
        await unit.undo_plan(plan, agent="teacher")
        await take_in(unit.ledger, unit.spaces)
        assert await unit.spaces.ids("general") == [item]


async def test_words_that_change_while_a_rebuild_copies_them_are_found_afterwards(opened, tmp_path):
    async with opened() as unit, opened() as rebuilder, anyio.create_task_group() as tasks:
        item = await _teach(unit, "first lesson")
        copied = anyio.Event()
        tasks.start_soon(
            lambda: rebuild_spaces(
                rebuilder.ledger, tmp_path / "data", embedder="wordllama-256", progress=lambda _: copied.set()
            )
        )
        await copied.wait()
        read = (await unit.ledger.read.item(item, agent="teacher")).wording
        wish = replace(read, insight="zebras need hay", applies_when="feeding zebras")
        await editing.edit(unit.ledger, item, read=read, wish=wish, agent="teacher")
    async with opened() as unit:
        assert (await unit.ledger.refresh()).generation == 2
        assert await _insights(unit, task="feeding zebras") == ["zebras need hay"]
