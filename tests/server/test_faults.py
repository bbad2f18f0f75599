"""Faults under a running server: a full disk, a directory that goes, a newer program, files that break, clocks."""

import resource
import shutil
import sqlite3
import sys
import threading
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import anyio
import httpx2
import pytest
from command import run, told
from damage import damage
from mcp import Client

from fleet import Fleet, http_server, in_process, unit_over
from fleetlore.server.settings import utc_now
from fleetlore.storage.errors import DataDirectoryLost, DataNewer, DataReadOnly, DiskRefuses, LedgerDamaged, StorageFull
from fleetlore.storage.queries import SCHEMA
from fleetlore.storage.reconciliation import waiting_rows
from fleetlore.storage.search import FILLING

LESSON = "the lesson that was there before"


async def _soon(found, *, within=60):
    """What `found` gives once it gives something."""
    with anyio.fail_after(within):
        while not (value := await found()):  # noqa: ASYNC110  a server tells no event
            await anyio.sleep(0.02)
        return value


async def _degraded(fleet):
    return (await fleet.resource("fleetlore://status"))["degraded"]


async def _is_well(fleet):
    return not await _degraded(fleet)


async def _in_tables(data):
    async with unit_over(data) as unit:
        return await unit.ledger.snapshot(lambda view: waiting_rows(view, unit.spaces.generation)) == 0


def _removed(folder):
    """Whatever is just being written in it."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def _insights(answer):
    return [item["insight"] for item in answer["items"]]


async def test_a_full_disk_is_named_while_it_lasts_and_forgotten_once_there_is_room(tmp_path):
    async with in_process(tmp_path) as fleet:
        await fleet.teach(LESSON, task="deploy")
    pages = (tmp_path / "ledger.sqlite").stat().st_size // 4096
    async with in_process(tmp_path, pragmas={"max_page_count": pages}) as fleet:
        error = await fleet.refusal("submit_feedback", task="deploy", outcome="success", reasoning="x" * 9_000)
        assert error == str(StorageFull())
        assert (await _degraded(fleet))["disk"] == str(StorageFull())
        answer = await fleet.retrieve("deploy " * 2_000)
        assert (_insights(answer), answer["receipt"]) == ([LESSON], "")
        assert answer["control"]["advice"].endswith("No receipt could be stored: the disk is full.")


async def test_a_ledger_that_was_removed_takes_no_report_and_its_server_goes_on_once_it_is_back(tmp_path):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        await fleet.teach(LESSON, task="deploy")
        await fleet.rests()  # upkeep in the middle of a write would make its folders anew
        data.rename(tmp_path / "elsewhere")
        lost = str(DataDirectoryLost(data))
        assert await fleet.refusal("submit_feedback", task="deploy", outcome="success") == lost
        assert await fleet.refusal("submit_feedback", task="deploy", insight="a new lesson", outcome="success") == lost
        assert await fleet.refusal("retrieve_knowledge", task="deploy") == lost
        assert (await _degraded(fleet))["data directory"] == lost
        assert not data.exists()
        (tmp_path / "elsewhere").rename(data)
        assert _insights(await fleet.retrieve("deploy")) == [LESSON]
        await fleet.teach("a new lesson", task="deploy")
        await _soon(lambda: _is_well(fleet))


async def test_a_server_follows_the_directory_that_was_put_in_the_place_of_its_own(tmp_path):
    async with in_process(tmp_path / "other") as fleet:
        await fleet.teach("a lesson of the other store", task="deploy")
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        await fleet.teach(LESSON, task="deploy")
        before = (await fleet.resource("fleetlore://status"))["store"]
        data.rename(tmp_path / "former")
        (tmp_path / "other").rename(data)

        async def followed():
            found = await fleet.resource("fleetlore://status")
            if found["store"] == before or found["degraded"]:
                return False
            answer = await fleet.client.call_tool("retrieve_knowledge", {"task": "deploy"})
            return not answer.is_error and _insights(answer.structured_content) == ["a lesson of the other store"]

        await _soon(followed)
        await fleet.teach("a new lesson", task="deploy")
    async with in_process(data) as fleet:
        assert sorted(_insights(await fleet.retrieve("deploy"))) == ["a lesson of the other store", "a new lesson"]


async def test_a_commit_into_a_ledger_that_is_removed_meanwhile_is_not_acknowledged(tmp_path):
    async with in_process(tmp_path) as fleet, anyio.create_task_group() as tasks:
        await fleet.teach(LESSON, task="deploy")
        refused = []
        answered = anyio.Event()

        async def report():
            refused.append(await fleet.refusal("submit_feedback", task="deploy", outcome="success"))
            answered.set()

        ledger = tmp_path / "ledger.sqlite"
        with closing(sqlite3.connect(ledger, isolation_level=None, check_same_thread=False)) as other:
            await anyio.to_thread.run_sync(other.execute, "BEGIN IMMEDIATE")
            tasks.start_soon(report)
            await anyio.sleep(0.05)  # it waits for the lock by now, or will see at once that the file is gone
            await anyio.to_thread.run_sync(_removed, tmp_path)
            other.execute("ROLLBACK")
        with anyio.fail_after(15):
            await answered.wait()
        assert refused == [str(DataDirectoryLost(tmp_path))]
        assert not tmp_path.exists()


@pytest.mark.parametrize("running", [False, True], ids=["started on it", "migrated under it"])
async def test_beside_a_newer_program_a_server_reads_and_writes_nothing(tmp_path, running):
    file = tmp_path / "ledger.sqlite"

    def migrate():
        with closing(sqlite3.connect(file)) as newer:
            newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")

    async with in_process(tmp_path) as fleet:
        await fleet.teach(LESSON, task="deploy")
        await fleet.retrieve("deploy")  # the tables are there by then: who may only read makes none
    if not running:
        migrate()
    async with in_process(tmp_path) as fleet:
        if running:
            await fleet.retrieve("deploy")
            await fleet.rests()  # a round of upkeep that has begun is finished
            migrate()
        answer = await fleet.retrieve("deploy")
        assert (_insights(answer), answer["receipt"]) == ([LESSON], "")
        assert "a newer fleetlore made this data" in answer["control"]["advice"]
        assert "upgrade it" in answer["control"]["advice"]
        rows = sorted(path for path in (tmp_path / "spaces").rglob("*") if path.is_file())
        newer = str(DataNewer(tmp_path, SCHEMA + 1, SCHEMA))
        assert "Upgrade this fleetlore" in newer
        assert await fleet.refusal("submit_feedback", task="deploy", insight="a new lesson", outcome="success") == newer
        assert await fleet.refusal("prune", ids=["k_0"], reason="why", apply=True)
        assert (await _degraded(fleet))["ledger"] == newer
        assert rows == sorted(path for path in (tmp_path / "spaces").rglob("*") if path.is_file())


async def test_where_an_older_program_cannot_even_read_a_newer_ledger_it_says_so(tmp_path):
    async with in_process(tmp_path) as fleet:
        await fleet.teach(LESSON, task="deploy")
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as newer:
            newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
            newer.execute("ALTER TABLE experience RENAME TO learnt")
        assert "Upgrade this fleetlore" in await fleet.refusal("retrieve_knowledge", task="deploy")


# Where permissions bind nobody, as for root, they do once the right to pass them over is given up.
BOUND = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


async def _health(address):
    async with httpx2.AsyncClient() as client:
        return (await client.get(f"{address}/healthz")).json()


async def _teach(data):
    async with in_process(data) as fleet:
        await fleet.teach(LESSON, task="deploy")
        await fleet.retrieve("deploy")  # once that is answered there are tables


async def _add(data):
    await run("add", LESSON, "--applies-when", "deploy", "--data", data)  # of which the ledger alone knows


@pytest.mark.parametrize("told_by", [_teach, _add])
async def test_data_that_may_only_be_read_are_read_and_written_again_once_they_may_be(tmp_path, monkeypatch, told_by):
    data = tmp_path / "data"
    await told_by(data)
    paths = [data, *data.rglob("*")]
    modes = [(path, path.stat().st_mode) for path in paths]
    for path, mode in modes:
        path.chmod(mode & ~0o222)
    monkeypatch.setattr("fleet.COMMAND", [sys.executable, "-c", BOUND, "-m", "fleetlore.server"])
    try:
        with http_server(data) as (address, _):
            async with Client(f"{address}/mcp") as client:
                fleet = Fleet(client)
                answer = await fleet.retrieve("deploy")
                assert (_insights(answer), answer["receipt"]) == ([LESSON], "")
                assert answer["control"]["advice"].endswith("the data directory is read-only.")
                refusal = await fleet.refusal("submit_feedback", task="deploy", insight="new", outcome="success")
                assert refusal == str(DataReadOnly(data))
                assert await _health(address) == (await fleet.resource("fleetlore://status"))
                degraded = {"data directory": refusal} | ({"spaces": FILLING} if told_by is _add else {})
                assert await _degraded(fleet) == degraded
                for path, mode in modes:
                    path.chmod(mode)
                await fleet.teach("a new lesson", task="deploy")
                if told_by is _add:  # its tables are made first
                    await _soon(lambda: _is_well(fleet))
                assert await _degraded(fleet) == {}
                assert sorted(_insights(await fleet.retrieve("deploy"))) == ["a new lesson", LESSON]
    finally:
        for path, mode in modes:
            path.chmod(mode)


async def test_where_the_disk_takes_no_more_a_server_says_so_and_goes_on_once_it_does(tmp_path):
    with http_server(tmp_path) as (address, process):
        async with Client(f"{address}/mcp") as client:
            fleet = Fleet(client)
            await fleet.teach(LESSON, task="deploy")
            assert _insights(await fleet.retrieve("deploy")) == [LESSON]
            before, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, most))
            told_of = {str(StorageFull()), str(DiskRefuses("disk I/O error"))}
            assert await fleet.refusal("submit_feedback", task="deploy", outcome="success") in told_of
            assert await fleet.refusal("submit_feedback", task="t", insight="new", outcome="success") in told_of
            answer = await fleet.retrieve("deploy")
            assert (_insights(answer), answer["receipt"]) == ([LESSON], "")
            assert {"disk"} <= set((await _health(address))["degraded"]) <= {"disk", "upkeep"}
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (before, most))
            await fleet.teach("a new lesson", task="deploy")
            assert await _health(address) == await fleet.resource("fleetlore://status")
            await _soon(lambda: _is_well(fleet))


def _open_files():
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


async def test_opening_and_closing_leaves_no_file_and_no_thread_behind(tmp_path):
    async def once():
        async with in_process(tmp_path) as fleet:
            await fleet.retrieve("deploy")
        return _open_files(), sum(not type(thread).__module__.startswith("anyio") for thread in threading.enumerate())

    for _ in range(4):
        files, threads = await once()
    for _ in range(16):
        last = await once()
    assert last[0] <= files
    assert last[1] <= threads + 2  # one or two may be about to end


async def test_servers_whose_clocks_are_hours_apart_share_one_memory(tmp_path):
    ahead, behind = ((lambda hours=hours: utc_now() + timedelta(hours=hours)) for hours in (5, -5))
    async with in_process(tmp_path, clock=ahead) as early, in_process(tmp_path, clock=behind) as late:
        item = await early.teach(LESSON, task="deploy")
        for number in range(3):
            found = await late.retrieve("deploy", agent=f"agent-{number}")
            assert _insights(found) == [LESSON]
            answer = {"receipt": found["receipt"], "agent": f"agent-{number}", "outcome": "success", "helpful": [item]}
            assert (await late.submit("deploy", **answer))["credited"] == [item]
        [before] = (await early.retrieve("deploy"))["items"]
        assert (before["support"], before.get("status", "active")) == (4, "active")
        await late.teach("another lesson", task="deploy")
        assert sorted(_insights(await early.retrieve("deploy"))) == ["another lesson", LESSON]
        plan = await late.call("prune", ids=[item], reason="old", agent="teacher")
        await early.call("prune", plan=plan["plan"], apply=True, agent="teacher")
        assert _insights(await late.retrieve("deploy")) == ["another lesson"]
        await late.call("prune", undo=plan["plan"], agent="teacher")
        [after] = [found for found in (await early.retrieve("deploy"))["items"] if found["id"] == item]
        assert after["support"] == 4
        history = (await early.resource(f"fleetlore://item/{item}"))["history"]
        times = [event["at"] for event in history]
        assert times == sorted(times)
    assert (await told("audit", "verify", "--data", tmp_path))["whole"]


# Where all versions are missing there is no table, and whoever sees it first makes it anew.
@pytest.mark.parametrize(("part", "how"), [("data", "zeroed"), ("data", "torn"), ("_versions", "torn")])
async def test_broken_spaces_refuse_whole_and_are_well_again_after_a_rebuild(tmp_path, part, how):
    async with in_process(tmp_path) as knowing:
        await knowing.teach(LESSON, task="deploy")
        await _soon(lambda: _in_tables(tmp_path))
        await knowing.rests()  # who just then compacts mends it
        for file in (tmp_path / "spaces" / "general_1.lance" / part).iterdir():
            damage(file, how)
        async with in_process(tmp_path) as fleet:

            async def noticed():
                result = await fleet.client.call_tool("retrieve_knowledge", {"task": "deploy"})
                text = result.content[0].text
                return (result.is_error or "one of the two ways of searching is broken" in text) and text

            sentence = await _soon(noticed)
            assert "fleetlore rebuild" in sentence
            assert ".rs:" not in sentence
            assert "spaces" in await _degraded(fleet)
            await fleet.teach("meanwhile", task="deploy")
            await run("rebuild", "--data", tmp_path)
            await _soon(lambda: _is_well(fleet))
            await fleet.teach("a new lesson", task="deploy")
            for asked in (fleet, knowing):
                found = _insights(await asked.retrieve("deploy"))
                assert sorted(found) == ["a new lesson", "meanwhile", LESSON]


async def test_spaces_that_vanish_under_a_server_are_filled_again_from_the_ledger(tmp_path):
    async with in_process(tmp_path) as fleet, in_process(tmp_path) as other:
        await fleet.teach(LESSON, task="deploy")
        await fleet.rests()
        shutil.rmtree(tmp_path / "spaces")

        async def back(asked):
            result = await asked.client.call_tool("retrieve_knowledge", {"task": "deploy"})
            return (
                not result.is_error
                and _insights(result.structured_content) == [LESSON]
                and "Not everything was searched" not in result.content[0].text
            )

        for asked in (other, fleet):
            await _soon(partial(back, asked))
            await _soon(partial(_is_well, asked))
        await fleet.teach("a new lesson", task="deploy")
        assert sorted(_insights(await other.retrieve("deploy"))) == ["a new lesson", LESSON]


@pytest.mark.parametrize("where", ["header", "pages"])
async def test_a_damaged_ledger_is_named_with_what_mends_it_and_forgotten_once_it_is_mended(tmp_path, where):
    file = tmp_path / "ledger.sqlite"
    async with in_process(tmp_path) as fleet:
        for number in range(20):
            await fleet.teach(f"{LESSON} {number}", task="deploy")
    good = file.read_bytes()
    bad = bytearray(good)
    bad[0 if where == "header" else 4096 :] = bytes(100 if where == "header" else len(good) - 4096)
    async with in_process(tmp_path) as fleet:
        await fleet.retrieve("deploy")
        replaced = tmp_path / "replaced"
        replaced.write_bytes(bad)
        replaced.rename(file)
        sentence = await fleet.refusal("submit_feedback", task="deploy", outcome="success")
        assert f"{file} is damaged" in sentence
        assert "fleetlore check" in sentence
        assert "fleetlore restore" in sentence
        assert "is damaged" in (await _degraded(fleet))["ledger"]
        replaced.write_bytes(good)
        replaced.rename(file)
        await _soon(lambda: _is_well(fleet))
        await fleet.submit("deploy", outcome="success")
    with pytest.raises(LedgerDamaged):
        file.write_bytes(bad)
        async with in_process(tmp_path):
            pass
