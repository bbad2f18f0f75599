"""Servers and commands killed at every point of what they do: it has happened whole, or may be done once more."""

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import anyio
from command import run, told
from killing import killed_at, served, struck_at

from fleet import in_process, unit_over
from fleetlore.storage.reconciliation import take_in

REWORDED = "Pin base images by their digest, never by a tag"
LESSON, TASK = "Pin the base image by digest", "build the container"
REPORT = {"task": TASK, "outcome": "success", "insight": LESSON, "agent": "ann", "key": "one"}
DRIVEN = "fleetlore.storage.database:Database._commit"
OF_A_REPORT = {
    "in the transaction": ("fleetlore.storage.ledger:LedgerTransaction.add_feedback", "after"),
    "between commit and answer": ("fleetlore.kmu.learning:learn", "after"),
}
SPACES = "fleetlore.storage.spaces:KnowledgeSpaces"
# What is answered goes into the tables behind the answer.
OF_TAKING_IN = {
    "before its row": (f"{SPACES}.add", "before"),
    "behind its row": (f"{SPACES}.add", "after"),
    "noting it": ("fleetlore.storage.ledger:LedgerTransaction.set_followed", "after"),
}
PRUNE, EDIT = ("prune", "ID", "--reason", "wrong", "--apply", "--yes"), ("edit", "ID", "--insight", REWORDED)
# A command, where it dies, whether it has happened then, and what is shown once it has.
OF_A_COMMAND = {
    "prune, in the transaction": (PRUNE, "fleetlore.storage.ledger:LedgerTransaction.add_plan", "after", False, []),
    "prune, behind its commit": (PRUNE, "fleetlore.kmu.forgetting:apply", "after", True, []),
    "edit, in the transaction": (EDIT, "fleetlore.storage.ledger:LedgerTransaction.reword", "after", False, [REWORDED]),
    "edit, behind its commit": (EDIT, "fleetlore.kmu.editing:edit", "after", True, [REWORDED]),
    "consolidate, after a slice": (("consolidate",), "fleetlore.kmu.consolidation:_committed", "after", True, [LESSON]),
    "consolidate, before its commit": (("consolidate",), DRIVEN, "before", False, [LESSON]),
}


def _killed_in_a_report(data, place):
    where, when = OF_A_REPORT[place]
    with served(struck_at(where, when=when), data) as server:
        server.send(1, "submit_feedback", **REPORT)
        assert server.answer() is None
        assert server.process.wait(20) == -signal.SIGKILL


async def _is_whole(data):
    async with unit_over(data) as unit:
        await take_in(unit.ledger, unit.spaces)
    assert {finding["state"] for finding in await told("check", "--data", data)} == {"ok"}


async def _shown(fleet):
    return [item["insight"] for item in (await fleet.retrieve(TASK, agent="eve"))["items"]]


async def test_a_report_whose_server_was_killed_at_any_point_is_stored_once_when_it_is_sent_again(tmp_path):
    datas = {place: tmp_path / place.replace(" ", "_") for place in OF_A_REPORT}
    with ThreadPoolExecutor(len(datas)) as pool:
        await anyio.to_thread.run_sync(lambda: list(pool.map(_killed_in_a_report, datas.values(), datas)))
    for place, data in datas.items():
        async with in_process(data) as fleet:
            assert await _shown(fleet) == ([LESSON] if place == "between commit and answer" else []), place
            first = await fleet.call("submit_feedback", **REPORT)
            assert await fleet.call("submit_feedback", **REPORT) == first
            assert await _shown(fleet) == [LESSON], place
            assert (await fleet.resource("fleetlore://status"))["feedback"] == 1
        await _is_whole(data)


def _killed_behind_a_report(data, place):
    where, when = OF_TAKING_IN[place]
    with served(struck_at(where, when=when), data) as server:
        server.send(1, "submit_feedback", **REPORT)
        assert not server.answer()["result"]["isError"]
        assert server.process.wait(20) == -signal.SIGKILL


async def test_a_report_that_was_answered_is_found_once_wherever_the_server_dies_behind_it(tmp_path):
    datas = {place: tmp_path / place.replace(" ", "_") for place in OF_TAKING_IN}
    with ThreadPoolExecutor(len(datas)) as pool:
        await anyio.to_thread.run_sync(lambda: list(pool.map(_killed_behind_a_report, datas.values(), datas)))
    for place, data in datas.items():
        async with in_process(data) as fleet:
            assert await _shown(fleet) == [LESSON], place
        await _is_whole(data)


async def test_a_command_that_was_killed_at_any_point_has_happened_whole_or_may_be_given_again(tmp_path):
    async with in_process(tmp_path / "taught") as fleet:
        item = await fleet.teach(LESSON, task=TASK)
    lines, datas = {}, {}
    async with anyio.create_task_group() as tasks:
        for number, (point, (command, place, when, _, _)) in enumerate(OF_A_COMMAND.items()):
            datas[point] = shutil.copytree(tmp_path / "taught", tmp_path / str(number))
            line = [item if word == "ID" else word for word in command]
            lines[point] = [*line, "--data", datas[point]]
            tasks.start_soon(partial(killed_at, place, *lines[point], when=when))
    for point, (_, _, _, happened, shown) in OF_A_COMMAND.items():
        await _is_whole(datas[point])
        async with in_process(datas[point]) as fleet:
            assert await _shown(fleet) == (shown if happened else [LESSON]), point
            if not happened:
                await run(*lines[point])
                assert await _shown(fleet) == shown, point
