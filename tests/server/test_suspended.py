"""A process that is suspended while it holds what others need: they are told so, and it goes on where it was."""

import signal

import anyio
import pytest
from filelock import FileLock
from killing import served, struck_at

from fleet import in_process
from fleetlore.storage.errors import StorageBusy
from fleetlore.storage.locks import WRITE_LOCK, ProcessLock

TASK = "deploy"
REPORT = {"task": TASK, "outcome": "success", "insight": "Drain the node first", "agent": "ann", "key": "one"}
PLACES = {
    WRITE_LOCK: "fleetlore.storage.spaces:KnowledgeSpaces.add",
    "ledger.sqlite": "fleetlore.storage.ledger:LedgerTransaction.add_feedback",
}


@pytest.mark.parametrize("held", PLACES)
async def test_who_waits_for_a_suspended_process_is_told_and_what_it_was_doing_is_done_once_it_goes_on(tmp_path, held):
    with served(struck_at(PLACES[held], blow=signal.SIGSTOP), tmp_path) as server:
        server.send(1, "submit_feedback", **REPORT)
        assert await anyio.to_thread.run_sync(server.suspended)
        async with in_process(tmp_path, pragmas={"busy_timeout": 20}) as fleet:
            if held == WRITE_LOCK:
                with pytest.raises(StorageBusy, match=r"resume or end whoever holds write\.lock"):
                    async with ProcessLock(tmp_path / held, patience=0.02).held():
                        pass
            else:
                refused = await fleet.refusal("submit_feedback", task=TASK, outcome="success")
                assert refused == str(StorageBusy(held))
            server.process.send_signal(signal.SIGCONT)
            if held == WRITE_LOCK:
                assert await anyio.to_thread.run_sync(server.suspended)  # once more, at the other space
                server.process.send_signal(signal.SIGCONT)
            answer = (await anyio.to_thread.run_sync(server.answer))["result"]["structuredContent"]
            assert await fleet.call("submit_feedback", **REPORT) == answer
            shown = (await fleet.retrieve(TASK, agent="eve"))["items"]
            assert [item["id"] for item in shown] == [answer["learned"][0]["id"]]


async def test_who_has_queued_behind_a_lock_is_refused_with_the_first_who_waits(tmp_path):
    lock, refused = ProcessLock(tmp_path / WRITE_LOCK, patience=0.5), []

    async def wait():
        with pytest.raises(StorageBusy):
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
