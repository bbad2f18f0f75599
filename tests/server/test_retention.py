"""What is kept: old receipts in an archive where they are as good as ever, items until the operator's bounds."""

from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from command import run, told
from erasing import MARK, erase, marked, traces, whole

from fleet import in_process, unit_over
from fleetlore.kmu.retention import retain
from fleetlore.kmu.retention_policy import RetentionPolicy
from fleetlore.server.settings import utc_now
from fleetlore.storage.errors import PolicyImpossible

pytestmark = pytest.mark.anyio


def before(days):
    """A clock that many days behind."""
    return lambda: utc_now() - timedelta(days=days)


@asynccontextmanager
async def long_ago(data, days=91):
    async with in_process(data, clock=before(days)) as fleet:
        yield fleet


async def retained(data, **bounds):
    """Carries out all that retention asks for; returns how many slices that took."""
    async with unit_over(data, retention=RetentionPolicy(**bounds)) as unit:
        slices = 0
        while await retain(unit.ledger, unit._policy):
            slices += 1
        return slices


async def views(data, receipt):
    """What people are told of an old receipt, and of everything that is counted from receipts."""
    status = await told("status", "--data", data)
    return (
        await told("why", receipt, "--data", data),
        await told("show", receipt, "--data", data),
        {name: status[name] for name in ("receipts", "feedback", "items")},
        await told("report", "--data", data),
        await told("agents", "--data", data),
    )


async def test_an_archived_receipt_is_told_counted_and_audited_as_before(tmp_path):
    async with long_ago(tmp_path) as fleet:
        item = await fleet.teach("Rotate the keys before the audit", task="rotate the signing keys", agent="ana")
        receipt = (await fleet.retrieve("rotate the signing keys", agent="bob"))["receipt"]
        await fleet.submit("rotate the signing keys", agent="bob", outcome="success", receipt=receipt, helpful=[item])
        await fleet.retrieve("rotate the signing keys", agent="bob")
    known = await views(tmp_path, receipt)

    assert await retained(tmp_path) == 1

    assert await views(tmp_path, receipt) == known
    assert (await told("status", "--data", tmp_path))["archived"] == 2
    await whole(tmp_path)
    assert await retained(tmp_path) == 0


async def test_an_archived_receipt_can_still_be_answered(tmp_path):
    async with long_ago(tmp_path) as fleet:
        item = await fleet.teach("Rotate the keys before the audit", task="rotate the signing keys", agent="ana")
        receipt = (await fleet.retrieve("rotate the signing keys", agent="bob"))["receipt"]
    await retained(tmp_path)
    async with in_process(tmp_path) as fleet:
        answer = await fleet.submit(
            "rotate the signing keys", agent="bob", outcome="success", receipt=receipt, helpful=[item]
        )
        assert answer["credited"] == [item]
        status = await fleet.resource("fleetlore://status")
        assert (status["receipts"]["answered"], status["archived"]) == (1, 1)


async def test_younger_receipts_stay(tmp_path):
    async with long_ago(tmp_path, days=89) as fleet:
        await fleet.retrieve("rotate the signing keys")
    assert await retained(tmp_path) == 0
    with pytest.raises(PolicyImpossible, match="at least 90 days"):
        RetentionPolicy(archive_after=timedelta(days=89))


async def test_what_is_forgotten_is_gone_from_the_archive_too(tmp_path):
    async with long_ago(tmp_path) as fleet:
        await marked(fleet)
    await retained(tmp_path)
    await erase(tmp_path, "--match", MARK)
    assert traces(tmp_path) == []
    await whole(tmp_path)


async def test_forgetting_an_agent_reaches_what_it_asked_long_ago(tmp_path):
    async with long_ago(tmp_path) as fleet:
        await fleet.retrieve(f"rotate the keys of {MARK}", agent="ana", project=f"acme/{MARK}")
    await retained(tmp_path)
    await erase(tmp_path, "--agent", "ana")
    assert traces(tmp_path) == []


async def test_items_that_nobody_bore_out_go_by_age_and_come_back_by_undo_for_good(tmp_path):
    async with long_ago(tmp_path, days=40) as fleet:
        old = await fleet.teach("Rotate the keys before the audit", agent="ana")
        proven = await fleet.teach("Drain the queue before the deploy", agent="ana", task="deploy the queue")
        for agent in ("bob", "eve", "zoe"):
            receipt = (await fleet.retrieve("deploy the queue", agent=agent))["receipt"]
            await fleet.submit("deploy the queue", agent=agent, outcome="success", receipt=receipt, helpful=[proven])
    async with in_process(tmp_path) as fleet:
        young = await fleet.teach("Warm the cache after the restart", agent="ana", task="restart the cache")

    assert await retained(tmp_path, keep=timedelta(days=41)) == 0
    assert await retained(tmp_path, keep=timedelta(days=30)) == 1

    async with in_process(tmp_path) as fleet:
        [general] = [await fleet.resource("fleetlore://general")]
        assert {item["id"] for item in general["items"]} == {proven, young}
        plan = (await fleet.resource(f"fleetlore://item/{old}"))["pruned_by"]
    assert "retention" in await run("show", plan, "--data", tmp_path)
    await run("undo", plan, "--data", tmp_path)
    assert await retained(tmp_path, keep=timedelta(days=30)) == 0


async def test_beyond_its_bound_a_space_loses_the_least_trusted_each_owner_by_its_own_plan(tmp_path):
    async with in_process(tmp_path) as fleet:
        for number in range(3):
            task = f"restart service {number} of the gateway"
            await fleet.teach(f"Drain connection pool {number} first", task=task, agent="ana")
        doubted = await fleet.teach("Skip the health check", task="deploy the frontend", agent="ana")
        receipt = (await fleet.retrieve("deploy the frontend", agent="bob"))["receipt"]
        await fleet.submit("deploy the frontend", agent="bob", outcome="failure", receipt=receipt, harmful=[doubted])
        own = [
            await fleet.teach(f"Read file {agent} first", task=f"review {agent}", agent=agent, space="prompt")
            for agent in ("ana", "bob")
        ]
    assert await retained(tmp_path, most_items=3) == 1
    async with in_process(tmp_path) as fleet:
        assert doubted not in {item["id"] for item in (await fleet.resource("fleetlore://general"))["items"]}
    status = await told("status", "--data", tmp_path)
    assert (sum(status["items"]["general"].values()), sum(status["items"]["prompt"].values())) == (3, len(own))
    assert await retained(tmp_path, most_items=1) == 1
    assert (await told("status", "--data", tmp_path))["pruned"] == 4
