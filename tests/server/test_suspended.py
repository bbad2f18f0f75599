"""A process that is suspended while it holds what others need: they go on, or are told of it, and so does it later."""

import signal
import subprocess
from contextlib import contextmanager

import anyio
import pytest
from command import told
from filelock import FileLock
from killing import served, struck_at

from fleet import COMMAND, in_process
from fleetlore.storage.errors import StorageBusy
from fleetlore.storage.locks import MAINTAIN_LOCK, WRITE_LOCK, ProcessLock
from fleetlore.storage.resident import ResidentSpaces
from fleetlore.storage.search import BEHIND

TASK = "deploy"
REPORT = {"task": TASK, "outcome": "success", "insight": "Drain the node first", "agent": "ann", "key": "one"}
LATER = "Tell who is on call"
# What a server holds once it is suspended there in a round of upkeep. Who takes rows in holds both locks.
UPKEEP = {
    WRITE_LOCK: "fleetlore.storage.spaces:KnowledgeSpaces.add",
    MAINTAIN_LOCK: "fleetlore.kmu.upkeep:rescreen",
}
IN_A_REPORT = "fleetlore.storage.ledger:LedgerTransaction.add_feedback"


@contextmanager
def _rebuilding(data):
    line = [*COMMAND, "rebuild", "--data", str(data)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


async def _insights(fleet):
    return sorted(item["insight"] for item in (await fleet.retrieve(TASK, agent="eve"))["items"])


@pytest.mark.parametrize("held", UPKEEP)
async def test_beside_a_suspended_server_others_go_on_and_who_rebuilds_waits_and_is_told_for_whom(
    tmp_path, monkeypatch, held
):
    async with in_process(tmp_path) as fleet:
        await fleet.teach(REPORT["insight"], task=TASK)
    with served(struck_at(UPKEEP[held], blow=signal.SIGSTOP), tmp_path) as server:
        assert await anyio.to_thread.run_sync(server.suspended)
        async with in_process(tmp_path) as fleet:
            await fleet.teach(LATER, task=TASK)
            with anyio.fail_after(60):
                while BEHIND in (await fleet.retrieve(TASK, agent="eve"))["control"]["advice"]:  # noqa: ASYNC110
                    await anyio.sleep(0.02)  # until it has loaded the spaces
            assert await _insights(fleet) == [REPORT["insight"], LATER]
            assert (await fleet.status())["degraded"] == {}
            assert (await fleet.status())["maintainer"]["process"] == server.process.pid
            monkeypatch.setitem(ResidentSpaces.__init__.__kwdefaults__, "most_bytes", 0)
            async with in_process(tmp_path) as larger:  # than memory is meant for: it has to search the tables
                advice = (await larger.retrieve(TASK, agent="eve"))["control"]["advice"]
                assert (BEHIND in advice) == (held == WRITE_LOCK), advice
            with _rebuilding(tmp_path) as rebuild:
                waits = await anyio.to_thread.run_sync(rebuild.stderr.readline)
                assert f"process {server.process.pid} does upkeep" in waits
                server.process.send_signal(signal.SIGCONT)
                await anyio.to_thread.run_sync(rebuild.communicate)
                assert rebuild.returncode == 0
            assert await _insights(fleet) == [REPORT["insight"], LATER]
            server.send(1, "retrieve_knowledge", task=TASK, agent="eve")
            answer = (await anyio.to_thread.run_sync(server.answer))["result"]["structuredContent"]
            assert sorted(item["insight"] for item in answer["items"]) == [REPORT["insight"], LATER]
    assert {finding["state"] for finding in await told("check", "--data", tmp_path)} == {"ok"}


async def test_who_writes_beside_a_process_that_is_suspended_in_a_transaction_is_told_and_it_goes_on_later(tmp_path):
    with served(struck_at(IN_A_REPORT, blow=signal.SIGSTOP), tmp_path) as server:
        server.send(1, "submit_feedback", **REPORT)
        assert await anyio.to_thread.run_sync(server.suspended)
        async with in_process(tmp_path, pragmas={"busy_timeout": 20}) as fleet:
            refused = await fleet.refusal("submit_feedback", task=TASK, outcome="success")
            assert refused == str(StorageBusy("ledger.sqlite"))
            server.process.send_signal(signal.SIGCONT)
            answer = (await anyio.to_thread.run_sync(server.answer))["result"]["structuredContent"]
            assert await fleet.call("submit_feedback", **REPORT) == answer
            shown = (await fleet.retrieve(TASK, agent="eve"))["items"]
            assert [item["id"] for item in shown] == [answer["learned"][0]["id"]]


async def test_who_has_queued_behind_a_lock_is_refused_with_the_first_who_waits(tmp_path):
    lock, refused = ProcessLock(tmp_path / WRITE_LOCK, patience=0.5), []

    async def wait():
        with pytest.raises(StorageBusy, match=r"resume or end whoever holds write\.lock"):
            async with lock.held():
                pass
        refused.append(anyio.current_time())

    with FileLock(tmp_path / WRITE_LOCK):  # as another process holds it
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(wait)
    assert refused[-1] - refused[0] < 0.5
    async with lock.held():
        pass
