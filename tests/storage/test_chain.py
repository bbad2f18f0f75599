"""The chain of events: begun over an older ledger, whole after jobs that fail, closed to older writers."""

import json
import sqlite3

import anyio
import pytest

from fleetlore.kmu.auditing import verify
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import StorageFault
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.queries import MIGRATIONS

OLD = "INSERT INTO events (id, store, at, kind, agent, subject, body) VALUES (?, ?, ?, ?, ?, ?, ?)"


def opened(data):
    return Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now)


def older_ledger(data):
    """A ledger of before the chain, with three events and two texts."""
    connection = sqlite3.connect(data / "ledger.sqlite", isolation_level=None)
    for number in range(1, 6):
        connection.executescript(MIGRATIONS[number])
    connection.execute("PRAGMA user_version = 5")
    meta = {"store": "s_1", "salt": "salt", "embedder": DEFAULT_EMBEDDER, "generation": "1"}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    for number in range(3):
        event = (f"e_{number}", "s_1", number, "new", "ana", f"k_{number}", json.dumps({"feedback": f"f_{number}"}))
        connection.execute(OLD, event)
    connection.executemany(
        "INSERT INTO contents (id, body) VALUES (?, ?)", [("k_0", '{"insight": "a"}'), ("f_0", "{}")]
    )
    return connection


async def test_events_of_an_older_ledger_are_linked_in_retrospect_and_its_texts_told_as_unbound(tmp_path):
    older_ledger(tmp_path).close()
    async with opened(tmp_path) as ledger:
        before = await verify(ledger.read)
        await ledger.write(lambda transaction: transaction.record("pruned", agent="ana", subject="k_1", plan="p_1"))
        after = await verify(ledger.read)
    assert (before.whole, before.events, before.earlier, before.since, before.unbound) == (True, 3, 3, None, 2)
    assert (after.whole, after.events, after.earlier) == (True, 4, 3)
    assert after.since is not None


async def test_a_process_from_before_the_chain_is_told_to_restart(tmp_path):
    connection = older_ledger(tmp_path)
    async with opened(tmp_path) as ledger:
        with pytest.raises(sqlite3.IntegrityError, match="restart this process with the fleetlore that upgraded it"):
            connection.execute(OLD, ("e_9", "s_1", 9, "new", "ana", "k_9", "{}"))
        assert (await verify(ledger.read)).whole
    connection.close()


async def test_jobs_that_fail_leave_no_gap_in_the_chain_that_others_of_their_group_write(tmp_path):
    async with opened(tmp_path) as ledger:

        async def job(number):
            async def work(transaction):
                await transaction.record("new", agent="ana", subject=f"k_{number}")
                if number % 3 == 0:
                    raise StorageFault("test", "the job fails")

            try:
                await ledger.write(work)
            except StorageFault:
                failed.append(number)

        failed = []
        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(job, number)
        found = await verify(ledger.read)
    assert (found.whole, found.events, len(failed)) == (True, 40, 20)


async def test_a_text_that_no_event_tells_of_is_a_mistake_of_ours(tmp_path):
    async with opened(tmp_path) as ledger:
        with pytest.raises(AssertionError, match="texts that no event tells of"):
            await ledger.write(lambda transaction: transaction._keep("add_content", "k_1", {"insight": "a"}))
        assert (await verify(ledger.read)).texts == 0
