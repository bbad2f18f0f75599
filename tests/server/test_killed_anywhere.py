"""Servers and commands killed at every point of what they do: it has happened whole, or may be done once more."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import anyio
import lancedb
import pytest
from command import run, told
from killing import killed_at, served, struck_at

from fleet import in_process, unit_over
from fleetlore.server.settings import utc_now
from fleetlore.storage import space_tables
from fleetlore.storage.reconciliation import take_in

REWORDED = "Pin base images by their digest, never by a tag"
LESSON, TASK = "Pin the base image by digest", "build the container"
KNOWN = "Copy the lock file before the sources"
REPORT = {"task": TASK, "outcome": "success", "insight": LESSON, "agent": "ann", "key": "one"}
BACKED = {KNOWN: (2, "provisional")}
PROMOTED = {KNOWN: (3, "active"), LESSON: (1, "provisional")}
QUESTION = {"task": TASK, "agent": "ann"}
DRIVEN = "fleetlore.storage.database:Database._commit"
TRANSACTION = "fleetlore.storage.ledger:LedgerTransaction"
SPACES = "fleetlore.storage.spaces:KnowledgeSpaces"
# A call, where its server dies, and whether it has happened then.
OF_A_CALL = {
    "a report, in the transaction": ("submit_feedback", f"{TRANSACTION}.add_feedback", False),
    "a report, between commit and answer": ("submit_feedback", "fleetlore.server.app:learn", True),
    "a receipt, in the transaction": ("retrieve_knowledge", f"{TRANSACTION}.give_receipt", False),
    "a receipt, between commit and answer": ("retrieve_knowledge", "fleetlore.kmu.retrieval:retrieve", True),
}
# What is answered goes into the tables behind the answer.
OF_TAKING_IN = {
    "before its row": (f"{SPACES}.add", "before"),
    "behind its row": (f"{SPACES}.add", "after"),
    "noting it": (f"{TRANSACTION}.set_followed", "after"),
}
PRUNE, EDIT = ("prune", "ID", "--reason", "wrong", "--apply", "--yes"), ("edit", "ID", "--insight", REWORDED)
UNDO = ("undo", "PLAN")
# What was done before, a command, where it dies, whether it has happened then, and what is shown before and after it.
OF_A_COMMAND = {
    "prune, in the transaction": ((), PRUNE, f"{TRANSACTION}.add_plan", False, [LESSON], []),
    "prune, behind its commit": ((), PRUNE, "fleetlore.kmu.forgetting:apply", True, [LESSON], []),
    "undo of a prune, in the transaction": (PRUNE, UNDO, f"{TRANSACTION}.mark_plan", False, [], [LESSON]),
    "undo of a prune, behind its commit": (PRUNE, UNDO, "fleetlore.kmu.forgetting:undo", True, [], [LESSON]),
    "edit, in the transaction": ((), EDIT, f"{TRANSACTION}.reword", False, [LESSON], [REWORDED]),
    "edit, behind its commit": ((), EDIT, "fleetlore.server.people.editing:word_anew", True, [LESSON], [REWORDED]),
    "undo of an edit, in the transaction": (EDIT, UNDO, f"{TRANSACTION}.mark_plan", False, [REWORDED], [LESSON]),
    "undo of an edit, behind its commit": (EDIT, UNDO, "fleetlore.kmu.forgetting:undo", True, [REWORDED], [LESSON]),
    "consolidate, after a slice": (
        *((), ("consolidate",), "fleetlore.kmu.consolidation:_committed"),
        *(True, [LESSON], [LESSON]),
    ),
    "consolidate, before its commit": ((), ("consolidate",), DRIVEN, False, [LESSON], [LESSON]),
}
# What upkeep does in its first round, and where the server dies that makes it.
OF_UPKEEP = {
    "reconciling, between taking out and adding": (f"{SPACES}.add", "before"),
    "compacting": (f"{SPACES}.optimize", "amid"),
    "behind compacting": (f"{SPACES}.optimize", "after"),
    "making an index": ("lancedb.table:AsyncTable.create_index", "amid"),
    "archiving, in the transaction": (f"{TRANSACTION}.archive_receipts", "after"),
    "archiving, behind its commit": ("fleetlore.kmu.upkeep:retain", "after"),
}
OWNER_INDEX_FROM = 1


def _killed_in_a_call(data, place, arguments):
    tool, where, _ = OF_A_CALL[place]
    with served(struck_at(where, when="after"), data) as server:
        server.send(1, tool, **arguments[tool])
        assert server.answer() is None
        assert server.process.wait(60) == -signal.SIGKILL


async def _at_once(kill, datas, *arguments):
    with ThreadPoolExecutor(len(datas)) as pool:
        work = [partial(kill, data, place, *arguments) for place, data in datas.items()]
        await anyio.to_thread.run_sync(lambda: [done.result() for done in [pool.submit(job) for job in work]])


async def _is_whole(data):
    async with unit_over(data) as unit:
        await take_in(unit.ledger, unit.spaces)
    await _is_well(data)


async def _is_well(data):
    assert {finding["state"] for finding in await told("check", "--data", data)} == {"ok"}


async def _shown(fleet):
    return [item["insight"] for item in (await fleet.retrieve(TASK, agent="eve"))["items"]]


async def _standing(fleet):
    items = (await fleet.retrieve(TASK, agent="eve"))["items"]
    return {item["insight"]: (item["support"], item.get("status", "active")) for item in items}


async def test_a_call_whose_server_was_killed_at_any_point_has_happened_whole_or_is_done_once_it_is_made_again(
    tmp_path,
):
    async with in_process(tmp_path / "taught") as fleet:
        item = await fleet.teach(KNOWN, task=TASK)
        for agent in ("bob", "ann"):
            await fleet.retrieve(TASK, agent=agent)
        await fleet.submit(TASK, outcome="success", helpful=[item], agent="bob")
        assert await _standing(fleet) == BACKED
        before = await fleet.status()
    report = REPORT | {"helpful": [item]}  # which makes it active
    datas = {place: shutil.copytree(tmp_path / "taught", tmp_path / str(n)) for n, place in enumerate(OF_A_CALL)}
    await _at_once(_killed_in_a_call, datas, {"submit_feedback": report, "retrieve_knowledge": QUESTION})
    for place, (tool, _, happened) in OF_A_CALL.items():
        async with in_process(datas[place]) as fleet:
            given = (await fleet.status())["receipts"]["given"] - before["receipts"]["given"]
            assert given == (happened and tool == "retrieve_knowledge"), place
            assert await _standing(fleet) == (PROMOTED if happened and tool == "submit_feedback" else BACKED), place
            receipt = (await fleet.call("retrieve_knowledge", **QUESTION))["receipt"]
            assert (await fleet.status())["receipts"]["given"] - before["receipts"]["given"] == given + 2
            first = await fleet.call("submit_feedback", **report)
            assert await fleet.call("submit_feedback", **report) == first
            assert await _standing(fleet) == PROMOTED, place
            assert (await fleet.status())["feedback"] == before["feedback"] + 1
            answered = (await fleet.status())["receipts"]["answered"]
            await fleet.submit(TASK, outcome="success", receipt=receipt, agent="ann")
            assert (await fleet.status())["receipts"]["answered"] == answered + 1
        await _is_whole(datas[place])


def _killed_behind_a_report(data, place):
    where, when = OF_TAKING_IN[place]
    with served(struck_at(where, when=when), data) as server:
        server.send(1, "submit_feedback", **REPORT)
        assert not server.answer()["result"]["isError"]
        assert server.process.wait(60) == -signal.SIGKILL


async def test_a_report_that_was_answered_is_found_once_wherever_the_server_dies_behind_it(tmp_path):
    datas = {place: tmp_path / place.replace(" ", "_") for place in OF_TAKING_IN}
    await _at_once(_killed_behind_a_report, datas)
    for place, data in datas.items():
        async with in_process(data) as fleet:
            assert await _shown(fleet) == [LESSON], place
        await _is_whole(data)


async def test_a_command_that_was_killed_at_any_point_has_happened_whole_or_may_be_given_again(tmp_path):
    async with in_process(tmp_path / "taught") as fleet:
        item = await fleet.teach(LESSON, task=TASK)
    words, made = {"ID": item}, {(): tmp_path / "taught"}
    for command in (PRUNE, EDIT):
        made[command] = shutil.copytree(tmp_path / "taught", tmp_path / command[0])
        line = [words.get(word, word) for word in command]
        words[command] = (await told(*line, "--data", made[command]))["plan"]
    lines, datas = {}, {}
    async with anyio.create_task_group() as tasks:
        for number, (point, (earlier, command, place, *_)) in enumerate(OF_A_COMMAND.items()):
            datas[point] = shutil.copytree(made[earlier], tmp_path / str(number))
            line = [words[earlier] if word == "PLAN" else words.get(word, word) for word in command]
            lines[point] = [*line, "--data", datas[point]]
            when = "before" if place == DRIVEN else "after"
            tasks.start_soon(partial(killed_at, place, *lines[point], when=when))
    for point, (_, _, _, happened, before, after) in OF_A_COMMAND.items():
        await _is_whole(datas[point])
        async with in_process(datas[point]) as fleet:
            assert await _shown(fleet) == (after if happened else before), point
            if not happened:
                await run(*lines[point])
                assert await _shown(fleet) == after, point


def _killed_in_upkeep(data, place):
    where, when = OF_UPKEEP[place]
    settings = {"fleetlore.storage.space_tables:OWNER_INDEX_FROM": OWNER_INDEX_FROM}
    with served(struck_at(where, when=when, settings=settings), data) as server:
        assert server.process.wait(60) == -signal.SIGKILL


@pytest.fixture
async def worn(tmp_path):
    """Tables of several commits in which a row stands twice, and a receipt of long ago."""
    async with in_process(tmp_path / "worn", clock=lambda: utc_now() - timedelta(days=100)) as fleet:
        await fleet.teach(LESSON, task=TASK)
        await fleet.teach("Ask before a push", task=TASK, space="prompt", agent="ann")
        receipt = (await fleet.retrieve(TASK, agent="ann"))["receipt"]
    async with unit_over(tmp_path / "worn") as unit:
        await take_in(unit.ledger, unit.spaces)
        async with unit.spaces.writing():
            for _ in range(3):
                await unit.spaces.add("general", await unit.ledger.read.living_after("general", 0, 9))
    return tmp_path / "worn", receipt


async def test_upkeep_that_was_killed_at_any_point_is_made_by_the_next_server(tmp_path, worn, monkeypatch):
    monkeypatch.setattr(space_tables, "OWNER_INDEX_FROM", OWNER_INDEX_FROM)
    data, receipt = worn
    datas = {place: shutil.copytree(data, tmp_path / str(number)) for number, place in enumerate(OF_UPKEEP)}
    await _at_once(_killed_in_upkeep, datas)
    for place, data in datas.items():
        async with in_process(data) as fleet:
            await fleet.rests()
            assert await _shown(fleet) == [LESSON], place
            status = await fleet.status()
            assert (status["receipts"]["given"], status["archived"], status["degraded"]) == (2, 1, {}), place
            answer = await fleet.submit(TASK, outcome="success", receipt=receipt, agent="ann")
            assert answer["credited"], place
        tables = await lancedb.connect_async(str(data / "spaces"))
        indexes = await (await tables.open_table("prompt_1")).list_indices()
        assert "owner" in {column for index in indexes for column in index.columns}, place
        await _is_whole(data)
