"""The ledger: durable, shared, and clear about what it cannot do."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import anyio
import pytest

from fleet import in_process
from fleetlore.server.settings import utc_now
from fleetlore.storage.errors import DataDirectoryLost, DataDirectoryUnusable, DataNewer, StorageBusy, StorageFull
from fleetlore.storage.identifiers import age, new_item_id
from fleetlore.storage.ledger import LEDGER_FILE, Ledger
from fleetlore.storage.queries import SCHEMA


def _opened(data):
    return Ledger.open(data, embedder="", fallback="wordllama-256", clock=utc_now)


async def test_a_ledger_of_a_newer_version_is_read_and_left_alone(tmp_path):
    async with _opened(tmp_path):
        pass
    file = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    before = file.read_bytes()
    async with _opened(tmp_path) as ledger:
        assert await ledger.read.agents() == 0
        with pytest.raises(DataNewer, match=f"schema {SCHEMA + 1}, this one knows {SCHEMA}"):
            await ledger.write(lambda transaction: transaction.saw("ana"))
    assert file.read_bytes() == before


def _threads():
    """Every thread but those that anyio keeps for a while to do its next work in."""
    return {thread for thread in threading.enumerate() if not type(thread).__module__.startswith("anyio")}


async def test_a_ledger_that_cannot_be_opened_is_refused_and_leaves_no_thread_behind(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    before = _threads()
    with pytest.raises(DataDirectoryUnusable, match="the ledger cannot be opened"):
        async with _opened(tmp_path):
            pass
    assert _threads() <= before  # one that an earlier test has ended may go meanwhile


async def test_many_that_open_a_new_directory_at_once_share_one_store(tmp_path):
    for attempt in range(12):  # the race shows once in a while
        stores = []

        async def open_one(data, found):
            async with _opened(data) as ledger:
                found.append(ledger.info)

        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(open_one, tmp_path / str(attempt), stores)
        assert (len(stores), len(set(stores))) == (8, 1)


async def test_a_job_that_fails_takes_back_what_it_wrote_and_no_other_job(tmp_path):
    async with _opened(tmp_path) as ledger:

        async def good(transaction):
            await transaction.saw("good")

        async def bad(transaction):
            await transaction.saw("bad")
            raise ValueError("changed my mind")

        async def refused():
            with pytest.raises(ValueError, match="changed my mind"):
                await ledger.write(bad)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.write, good)
            tasks.start_soon(refused)
            tasks.start_soon(ledger.write, good)
        assert await ledger.read.agents() == 1


async def test_digests_are_equal_for_equal_parts_of_one_store_only(tmp_path):
    async with _opened(tmp_path / "one") as one, _opened(tmp_path / "other") as other:
        assert one.digest("a", "b") == one.digest("a", "b")
        assert len({one.digest("a", "b"), one.digest("ab"), one.digest("b", "a"), other.digest("a", "b")}) == 4


def test_identifiers_sort_by_time_and_know_their_age():
    now = utc_now()
    made = [new_item_id(now + timedelta(milliseconds=step)) for step in range(100)]
    assert made == sorted(made)
    assert len(set(made)) == 100
    assert abs(age(made[0], now)) < timedelta(milliseconds=2)


async def test_while_another_process_holds_the_ledger_a_report_is_refused_whole_and_can_be_sent_again(tmp_path):
    async with in_process(tmp_path, pragmas={"busy_timeout": 20}) as fleet:
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await fleet.refusal("submit_feedback", task="deploy", outcome="success") == str(StorageBusy())
            other.execute("ROLLBACK")
        await fleet.submit("deploy", outcome="success")
        assert (await fleet.resource("fleetlore://status"))["feedback"] == 1


async def test_on_a_full_disk_a_report_is_refused_whole_and_reading_goes_on(tmp_path):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        await fleet.teach("the lesson that was there before", task="deploy")
    pages = sum(1 for _ in range(0, (data / "ledger.sqlite").stat().st_size, 4096))
    async with in_process(data, pragmas={"max_page_count": pages}) as fleet:
        before = (await fleet.resource("fleetlore://status"))["feedback"]
        error = await fleet.refusal("submit_feedback", task="deploy", outcome="success", reasoning="x" * 9_000)
        assert error == str(StorageFull())
        answer = await fleet.retrieve("deploy " * 2_000)
        assert [item["insight"] for item in answer["items"]] == ["the lesson that was there before"]
        assert answer["receipt"] == ""
        assert (await fleet.resource("fleetlore://status"))["feedback"] == before
    async with in_process(data) as fleet:
        await fleet.submit("deploy", outcome="success", reasoning="x" * 9_000)


async def test_a_snapshot_shows_one_state_whatever_is_committed_meanwhile(tmp_path):
    loop = asyncio.get_running_loop()
    async with _opened(tmp_path) as ledger, _opened(tmp_path) as other:

        async def counted_twice(view):
            before = await view.agents()
            write = other.write(lambda transaction: transaction.saw("ana"))
            asyncio.run_coroutine_threadsafe(write, loop).result(timeout=10)
            return before, await view.agents()

        assert await ledger.snapshot(counted_twice) == (0, 0)
        assert await ledger.read.agents() == 1


async def test_who_asks_a_closed_ledger_is_told(tmp_path):
    async with _opened(tmp_path) as ledger:
        pass
    with pytest.raises(DataDirectoryLost):
        await ledger.read.agents()


async def test_a_job_that_awaits_something_else_is_taken_back_and_told(tmp_path):
    async with _opened(tmp_path) as ledger:

        class Elsewhere:
            def __await__(self):
                yield self

        async def wandering(transaction):
            await transaction.saw("ana")
            await Elsewhere()

        with pytest.raises(RuntimeError, match="awaited something else than the ledger"):
            await ledger.write(wandering)
        await ledger.write(lambda transaction: transaction.saw("ben"))
        assert await ledger.read.agents() == 1


async def test_who_gives_up_before_its_turn_leaves_at_once_and_its_turn_never_comes(tmp_path):
    async with _opened(tmp_path) as ledger:
        begun, go_on, turns = threading.Event(), threading.Event(), []

        async def slow(view):
            begun.set()
            go_on.wait(10)

        async def queued(view):
            turns.append(await view.agents())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.snapshot, slow)
            await anyio.to_thread.run_sync(begun.wait)
            async with anyio.create_task_group() as giving_up:
                giving_up.start_soon(ledger.snapshot, queued)
                await anyio.wait_all_tasks_blocked()
                giving_up.cancel_scope.cancel()
            assert not go_on.is_set()
            go_on.set()
        assert await ledger.read.agents() == 0
        assert turns == []


async def test_a_writer_that_gives_up_leaves_no_transaction_open_and_the_group_unharmed(tmp_path):
    async with _opened(tmp_path) as ledger, _opened(tmp_path) as other:
        begun, go_on = threading.Event(), threading.Event()

        async def slow(transaction):
            await transaction.saw("ana")
            begun.set()
            go_on.wait(10)

        async with anyio.create_task_group() as tasks:
            async with anyio.create_task_group() as giving_up:
                giving_up.start_soon(ledger.write, slow)
                await anyio.to_thread.run_sync(begun.wait)
                giving_up.cancel_scope.cancel()
            tasks.start_soon(ledger.write, lambda transaction: transaction.saw("ben"))
            go_on.set()
        await other.write(lambda transaction: transaction.saw("eve"))
        assert await ledger.read.agents() == 3


async def test_whoever_reads_while_another_file_takes_the_ledgers_place_goes_on(tmp_path):
    async with _opened(tmp_path) as ledger:
        await ledger.write(lambda transaction: transaction.saw("ana"))
    file, coming = tmp_path / LEDGER_FILE, tmp_path / "coming"
    content, seen = file.read_bytes(), []

    async def read(ledger):
        while True:
            seen.append(await ledger.snapshot(lambda view: view.agents()))

    async with _opened(tmp_path) as ledger, anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(read, ledger)
        for _ in range(20):
            coming.write_bytes(content)
            coming.rename(file)
            await ledger.refresh()
            await ledger.write(lambda transaction: transaction.saw("ben"))
            assert await ledger.read.agents() == 2
        tasks.cancel_scope.cancel()
    assert set(seen) <= {1, 2}
