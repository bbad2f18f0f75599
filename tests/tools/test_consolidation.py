"""Consolidation through the front door: what came in apart is joined, linked and marked, and can be taken apart."""

import json
import signal
import subprocess
import time
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest
from team import Team

from fleet import COMMAND, in_process, slept
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.server.settings import utc_now
from fleetlore.storage.database import Database
from fleetlore.storage.ledger import LEDGER_FILE
from fleetlore.storage.locks import MAINTAIN_LOCK, ProcessLock

LESSON = "Rotate the old key before the deploy"
REWORDED = "Rotate old key before deploy"
NEAR = "Rotate the old key before the deploy starts"
WHEN, ALSO_WHEN = "rotating the signing keys of the gateway", "rotating signing keys of gateway"


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
async def team(fleet):
    """A team whose server has made its first pass: the next is not due before much has come in."""
    await first_pass(fleet)
    return Team(fleet)


async def first_pass(fleet):
    with anyio.fail_after(30):
        while (await fleet.resource("fleetlore://status"))["last_consolidation"] is None:
            await anyio.lowlevel.checkpoint()


async def whole(team, *items):
    found = [await team.item(item) for item in items]
    return [{field: item[field] for field in item if field != "history"} for item in found]


async def again(data):
    """A pass that looks at everything anew."""
    async with Database.open(data / LEDGER_FILE) as database:
        await database.write(lambda connection: connection.run("set_meta", key="consolidated", value="0"))
    return await slept(data)


async def same(team):
    return [await team.teach(LESSON, applies_when=WHEN), await team.teach(REWORDED, "bob", applies_when=ALSO_WHEN)]


async def similar(team):
    return [await team.teach(LESSON, applies_when=WHEN), await team.teach(NEAR, "bob", applies_when=WHEN)]


async def contradicting(team):
    return [
        await team.teach("timeout: 30s", applies_when=WHEN),
        await team.teach("timeout: 60s", "bob", applies_when=ALSO_WHEN),
    ]


async def test_what_is_surely_the_same_becomes_one_and_keeps_both_provenances(team, data):
    older, younger = await same(team)
    await team.report("cy", helpful=[younger])
    done = await slept(data)
    assert done.acts["merge"] == 1
    survivor, wording = await team.item(older), await team.item(younger)
    assert [known["id"] for known in survivor["wordings"]] == [younger]
    assert (wording["merged_into"], wording["author"], wording["support"]) == (older, "bob", 2)
    assert {verdict["agent"] for verdict in survivor["verdicts"]} == {"ana", "bob", "cy"}
    assert (survivor["status"], survivor["agents"]) == ("active", 3)
    assert list(await team.shown("dee")) == [older]


async def test_what_is_similar_is_linked_and_the_best_of_it_shown(team, data):
    older, younger = await similar(team)
    assert set(await team.shown("dee", task=WHEN)) == {older, younger}
    assert (await slept(data)).acts == {"link": 1}
    assert (await team.item(older))["similar_to"] == [younger]
    assert (await team.item(younger))["similar_to"] == [older]
    assert len(await team.shown("dee", task=WHEN)) == 1


async def test_what_contradicts_one_another_under_one_condition_is_contested(team, data):
    older, younger = await contradicting(team)
    assert (await slept(data)).acts == {"conflict": 1}
    found = await team.shown("dee", task=WHEN)
    assert {item: shown["status"] for item, shown in found.items()} == {older: "contested", younger: "contested"}


async def test_what_lost_its_trust_is_superseded_by_what_was_borne_out_since(team, data):
    older, younger = await contradicting(team)
    await slept(data)
    for agent in ("cy", "dee", "eve"):
        await team.report(agent, task=WHEN, harmful=[older], helpful=[younger], outcome="success")
    assert (await team.item(younger))["status"] == "contested"
    done = await slept(data)
    assert done.acts == {"supersede": 1}
    assert [(await team.item(item))["status"] for item in (older, younger)] == ["superseded", "active"]
    assert (await slept(data)).acts == {}


async def test_cases_of_one_lesson_and_labels_of_other_utterances_are_left_alone(team, data):
    utterances = [
        "my card has not arrived yet",
        "my new card has not arrived yet",
        "when will my card arrive",
        "when will my new card arrive",
        "my card payment was declined",
        "why was my card payment declined",
    ]
    intents = ("card_arrival", "card_arrival", "card_arrival", "delivery", "declined", "declined")
    items = [
        await team.teach(f"intent: {intent}", applies_when=utterance)
        for utterance, intent in zip(utterances, intents, strict=True)
    ]
    before = await whole(team, *items)
    assert (await slept(data)).acts == {}
    assert await whole(team, *items) == before


@pytest.mark.parametrize("known", [same, similar, contradicting])
async def test_a_second_pass_and_a_pass_over_everything_anew_do_nothing(team, data, known):
    items = await known(team)
    assert (await slept(data)).acts
    before = await whole(team, *items)
    assert ((await slept(data)).acts, (await again(data)).acts) == ({}, {})
    assert await whole(team, *items) == before


@pytest.mark.parametrize("known", [same, similar, contradicting])
async def test_undo_of_a_pass_restores_everything_for_good(team, data, known):
    items = await known(team)
    await team.report("cy", helpful=[items[1]])
    before, shown = await whole(team, *items), await team.shown("dee", task=WHEN)
    [plan] = (await slept(data)).plans
    assert await whole(team, *items) != before
    undone = await team.fleet.call("prune", undo=plan.id, agent="ops")
    assert (undone["plan"], undone["applied"]) == (plan.id, False)
    assert await whole(team, *items) == before
    assert await team.shown("dee", task=WHEN) == shown
    assert await team.fleet.call("prune", undo=plan.id, agent="ops") == undone
    assert (await slept(data)).acts == {}
    assert await whole(team, *items) == before


async def test_what_stood_to_a_merged_item_stands_to_the_one_it_became(team, data):
    older, younger = await same(team)
    old = await team.teach("Keep the old key for a day", "cy", applies_when=WHEN)
    rival = await team.teach("Never touch a key", "cy", applies_when=ALSO_WHEN)
    receipt = await team.receipt("bob", task=WHEN)
    await team.answer("bob", receipt, insight=REWORDED, applies_when=ALSO_WHEN, replaces=[old])
    await team.answer("bob", receipt, insight=REWORDED, applies_when=ALSO_WHEN, harmful=[rival], outcome="failure")
    [plan] = (await slept(data)).plans
    assert (await team.item(old))["superseded_by"] == older
    await team.fleet.call("prune", undo=plan.id, agent="ops")
    assert (await team.item(old))["superseded_by"] == younger


async def test_a_merge_of_what_had_been_merged_into_is_taken_back_in_any_order(team, data):
    older, younger = await same(team)
    learned = await team.learnt("Rotate an old key before the deploy", "cy", applies_when=ALSO_WHEN)
    first = learned["because"].rpartition("undo=")[2].rstrip(".")
    [plan] = (await slept(data)).plans
    assert ((await team.item(older))["support"], learned["id"]) == (3, younger)
    assert len((await team.item(older))["wordings"]) == 2
    await team.fleet.call("prune", undo=first, agent="ops")
    assert (await team.item(older))["support"] == 2
    await team.fleet.call("prune", undo=plan.id, agent="ops")
    assert [(await team.item(item))["support"] for item in (older, younger)] == [1, 1]
    assert len(await team.shown("dee", task=WHEN)) == 3


async def test_own_items_are_joined_for_their_agent_alone_who_can_undo_it(team, data):
    own = [
        await team.teach(insight, "ana", space="prompt", task_type="keys", applies_when=when)
        for insight, when in ((LESSON, WHEN), (REWORDED, ALSO_WHEN))
    ]
    theirs = await team.teach(LESSON, "bob", space="prompt", task_type="keys", applies_when=WHEN)
    other = await team.teach(REWORDED, "ana", space="prompt", task_type="locks", applies_when=ALSO_WHEN)
    done = await slept(data)
    assert (done.acts, [plan.agent for plan in done.plans]) == ({"merge": 1}, ["ana"])
    assert list(await team.shown("ana", task_type="keys")) == [own[0]]
    assert list(await team.shown("bob", task_type="keys")) == [theirs]
    assert list(await team.shown("ana", task_type="locks")) == [other]
    sentence = await team.fleet.refusal("prune", undo=done.plans[0].id, agent="bob")
    assert sentence.startswith(f"undo: there is no plan {done.plans[0].id}. ")
    await team.fleet.call("prune", undo=done.plans[0].id, agent="ana")
    assert set(await team.shown("ana", task_type="keys")) == set(own)


async def test_a_change_of_policy_promotes_and_demotes_nothing_that_was_restored(team, data):
    item = await team.teach(LESSON)
    await team.report("bob", helpful=[item])
    assert (await team.item(item))["status"] == "provisional"
    [plan] = (await slept(data, promote_after=1)).plans
    assert (await team.item(item))["status"] == "active"
    await team.fleet.call("prune", undo=plan.id, agent="ops")
    assert (await team.item(item))["status"] == "provisional"
    assert (await slept(data, promote_after=1)).acts == {}


async def test_only_a_store_that_has_seen_enough_prunes_unasked_and_only_what_rested(team, data):
    wrong, good = await team.teach(LESSON), await team.teach("Rotate at night")
    for agent in ("bob", "cy", "dee", "eve"):
        await team.report(agent, harmful=[wrong], outcome="failure", reasoning="It expired.", insight=f"{agent} saw it")
    assert (await team.item(wrong))["confidence"] < 0.45
    for policy in (
        PrunePolicy(trust=0.45, unasked_from_reports=1),
        PrunePolicy(trust=0.45, unasked_after=timedelta(0)),
    ):
        assert (await slept(data, prune=policy)).acts["prune"] == 0
    done = await slept(data, prune=PrunePolicy(trust=0.45, unasked_after=timedelta(0), unasked_from_reports=1))
    [line] = [line for plan in done.plans for line in plan.items]
    assert (line.act, line.item) == ("prune", wrong)
    assert "eve: “It expired.”" in line.because
    assert wrong not in await team.shown("fay")
    assert good in await team.shown("fay")


async def test_without_learning_nothing_is_done(team, data):
    await same(team)
    done = await slept(data, learning=False)
    assert (done.looked, done.plans) == (0, [])


async def test_a_server_consolidates_by_itself_what_has_waited(tmp_path):
    late = timedelta(0)
    async with in_process(tmp_path, clock=lambda: utc_now() + late) as fleet:
        team = Team(fleet)
        await first_pass(fleet)
        with anyio.fail_after(30):
            older, younger = await same(team)
            late = timedelta(minutes=11)
            while (await team.item(younger))["merged_into"] is None:
                await anyio.lowlevel.checkpoint()
        assert list(await team.shown("dee")) == [older]


# The command


def consolidating(data, *options):
    command = [*COMMAND, "consolidate", "--data", str(data), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def many(team, pairs):
    """Pairs of one lesson in two wordings each."""
    for number in range(pairs):
        for agent, insight, when in (("ana", LESSON, WHEN), ("bob", REWORDED, ALSO_WHEN)):
            await team.teach(f"{insight} {number}", agent, applies_when=f"{when} {number}")


async def test_the_command_says_what_it_did_and_undo_takes_it_back(tmp_path):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        await first_pass(fleet)
        older, younger = await same(Team(fleet))
    process = consolidating(data, "--json")
    told, bar = process.communicate(timeout=60)
    assert (process.returncode, "consolidating" in bar) == (0, True)
    answer = json.loads(told)
    [plan] = answer["plans"]
    assert (answer["looked_at"], answer["acts"], plan["acts"]) == (2, {"merge": 1}, 1)
    undo = [*COMMAND, "undo", plan["plan"], "--data", str(data)]
    undone = await anyio.run_process(undo, check=False)
    assert (undone.returncode, undone.stdout.decode()) == (0, f"took back {plan['plan']}: 1 act\n")
    async with in_process(data) as fleet:
        assert set(await Team(fleet).shown("dee")) == {older, younger}
    unknown = await anyio.run_process([*COMMAND, "undo", "p_none", "--data", str(data)], check=False)
    assert (unknown.returncode, unknown.stderr.decode().count("\n")) == (1, 1)
    assert "there is no plan p_none" in unknown.stderr.decode()


async def test_two_processes_at_once_do_everything_once_and_a_killed_one_leaves_nothing_half_done(tmp_path):
    data, pairs = tmp_path / "data", 40
    async with in_process(data) as fleet:
        await many(Team(fleet), pairs)
    killed = consolidating(data)
    deadline = time.monotonic() + 30
    while killed.poll() is None and time.monotonic() < deadline and not await begun(data):
        await anyio.lowlevel.checkpoint()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    processes = [consolidating(data, "--json") for _ in range(2)]
    answers = [await anyio.to_thread.run_sync(process.communicate) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    async with in_process(data) as fleet:
        items = (await fleet.resource("fleetlore://general"))["items"]
        status = await fleet.resource("fleetlore://status")
        assert (len(items), status["pruned"]) == (pairs, pairs)
        assert {item["support"] for item in items} == {2}
        assert (await again(data)).acts == {}


async def test_the_command_waits_for_another_process_and_says_so(tmp_path):
    data = tmp_path / "data"
    async with in_process(data) as fleet:
        await first_pass(fleet)
        await same(Team(fleet))
    async with ProcessLock(data / MAINTAIN_LOCK).held():
        process = consolidating(data)
        line = await anyio.to_thread.run_sync(process.stderr.readline)
        assert line == "another process does upkeep on this data; waiting until it is done\n"
    told, _ = await anyio.to_thread.run_sync(process.communicate)
    assert (process.returncode, told.splitlines()[0]) == (0, "looked at 2 new items: merge 1")


async def begun(data):
    async with Database.open(data / LEDGER_FILE) as database:
        meta = {row["key"]: row["value"] for row in await database.reader.rows("meta")}
        return meta.get("consolidated", "0") != "0"
