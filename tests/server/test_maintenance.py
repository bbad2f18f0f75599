"""Upkeep by one process of several, its take-over, and what `status` tells of it."""

import gc
import json
import urllib.request
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from command import told

from fleet import http_server, unit_over
from fleetlore.kmu.question import Question
from fleetlore.kmu.report import Report
from fleetlore.server.settings import utc_now
from fleetlore.server.status import shares_well
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.identifiers import new_plan_id
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.maintainer import Rota, maintainer
from fleetlore.storage.reconciliation import take_in
from fleetlore.storage.records import Plan
from fleetlore.storage.resident import ResidentSpaces

pytestmark = pytest.mark.anyio


async def named(data, wanted):
    """Who maintains, once it is one of the wanted processes."""
    with anyio.fail_after(20):
        while (found := maintainer(data)) is None or found.process not in wanted:  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.02)
    return found


def health(url):
    with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
        return json.load(answer)


async def test_of_two_processes_one_maintains_and_when_it_is_killed_the_other_does(tmp_path):
    data = tmp_path / "data"
    with http_server(data) as (first_url, first), http_server(data) as (second_url, second):
        urls = {first.pid: first_url, second.pid: second_url}
        processes = {first.pid: first, second.pid: second}
        holder = await named(data, urls)
        [other] = urls.keys() - {holder.process}
        told_by_the_other = await anyio.to_thread.run_sync(health, urls[other])
        assert told_by_the_other["maintainer"] == holder.told() | {"doing": told_by_the_other["maintainer"]["doing"]}

        processes[holder.process].kill()
        processes[holder.process].wait(10)
        heir = await named(data, {other})
        assert heir.since > holder.since
        assert (await told("status", "--data", data))["maintainer"]["process"] == other
    assert maintainer(data) is None  # who ends in good order makes room at once


def test_whoever_has_not_been_seen_for_a_while_is_followed_and_steps_back(tmp_path):
    now = [1_000_000.0]
    stopped, other = (Rota(tmp_path, now=lambda: now[0]) for _ in range(2))
    stopped.sign("waiting")
    assert (stopped.mine(), other.mine()) == (True, False)
    now[0] += 4.9
    assert not other.mine()
    now[0] += 0.1
    assert other.mine()
    assert maintainer(tmp_path, now=lambda: now[0]) is None
    other.sign("waiting")
    assert not stopped.mine()
    stopped.leave()
    assert not stopped.mine()
    other.leave()
    assert stopped.mine()


async def test_the_log_is_emptied_when_it_is_long_and_when_nobody_writes_any_more(tmp_path):
    log = tmp_path / "ledger.sqlite-wal"
    async with Ledger.open(tmp_path, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:

        async def write(megabytes):
            plan = Plan(id=new_plan_id(utc_now()), at=utc_now(), agent="ana", reason="x" * (megabytes << 20), items=())
            await ledger.write(lambda transaction: transaction.add_plan(plan))

        await write(1)
        for _ in range(10):
            await ledger.checkpoint()
            assert log.stat().st_size > 1 << 20
        await ledger.checkpoint()
        assert log.stat().st_size == 0
        await write(5)
        await ledger.checkpoint()
        assert log.stat().st_size == 0


async def test_caches_let_go_of_the_files_of_indexes_that_compacting_has_replaced(tmp_path):
    def task(number):
        return f"restart word{number}x3 service {number}"

    def removed_but_open():
        links = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
        return sum(link.startswith(str(tmp_path)) and link.endswith(".lance (deleted)") for link in links)

    async with unit_over(tmp_path) as unit:
        unit.spaces.resident = ResidentSpaces(unit.spaces)  # which nobody loads

        async def teach(number):
            # Of words that many items share, the index is read from its file when somebody asks.
            insight = " ".join(f"word{number}x{place}" for place in range(40))
            await unit.learn(Report(task=task(number), agent="ana", outcome="success", insight=insight))

        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(teach, number)
        for number in range(40, 44):
            await teach(number)
            await take_in(unit.ledger, unit.spaces)
            await unit.spaces._tables["general"].optimize(cleanup_older_than=timedelta(milliseconds=1))
            await unit.retrieve(Question(task=task(number), agent="ana"), fits=lambda _: True)
        assert removed_but_open() > 0
        await unit.spaces.renew()
        gc.collect()
        with anyio.fail_after(5):
            while removed_but_open():  # noqa: ASYNC110  no event tells
                await anyio.sleep(0.02)
        found = await unit.retrieve(Question(task=task(3), agent="ana"), fits=lambda _: True)
        assert found.items[0].item.insight.startswith("word3x0 word3x1 ")


async def test_status_tells_versions_and_disk_by_part(tmp_path, fleet):
    await fleet.teach("Rotate the logs weekly")
    await fleet.retrieve("rotate the logs")
    found = await fleet.resource("fleetlore://status")
    assert found["lancedb"].count(".") == 2
    assert found["disk_bytes"] == sum(found["disk"].values())
    assert {part for part, size in found["disk"].items() if size} >= {"ledger", "general", "prompt"}


@pytest.mark.parametrize(
    ("version", "sound"),
    [("3.40.1", False), ("3.44.6", True), ("3.50.6", False), ("3.50.7", True), ("3.51.2", False), ("3.52.0", True)],
)
def test_a_sqlite_with_the_fault_of_shared_logs_is_known(version, sound):
    assert shares_well(version) is sound
