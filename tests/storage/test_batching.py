"""What queues up while a batch is carried out goes into the next one."""

import anyio
import pytest

from fleetlore.storage.batching import Batcher


async def test_jobs_that_wait_are_carried_out_together_and_in_order():
    batches = []
    started, proceed = anyio.Event(), anyio.Event()

    async def perform(jobs):
        batches.append(list(jobs))
        started.set()
        await proceed.wait()
        return [job * 10 for job in jobs]

    results = {}
    batcher = Batcher(perform)

    async def submit(job):
        results[job] = await batcher.submit(job)

    async with batcher.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(submit, 1)
        await started.wait()
        for job in (2, 3, 4):
            tasks.start_soon(submit, job)
        await anyio.wait_all_tasks_blocked()
        proceed.set()
    assert batches == [[1], [2, 3, 4]]
    assert results == {1: 10, 2: 20, 3: 30, 4: 40}


async def test_an_exception_reaches_its_own_caller_only():
    async def perform(jobs):
        return [ValueError("odd") if job % 2 else job for job in jobs]

    batcher = Batcher(perform)
    async with batcher.running():
        assert await batcher.submit(2) == 2
        with pytest.raises(ValueError, match="odd"):
            await batcher.submit(3)


async def test_a_caller_that_gives_up_does_not_take_its_job_back():
    done = []
    started, proceed = anyio.Event(), anyio.Event()

    async def perform(jobs):
        started.set()
        await proceed.wait()
        done.extend(jobs)
        return jobs

    batcher = Batcher(perform)
    async with batcher.running(), anyio.create_task_group() as tasks:
        tasks.start_soon(batcher.submit, "job")
        await started.wait()
        tasks.cancel_scope.cancel()
        proceed.set()
    assert done == ["job"]
