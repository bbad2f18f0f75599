"""`fleetlore revoke`: what an agent alone contributed or tipped goes, by a plan that `fleetlore undo` takes back."""

import sqlite3
from datetime import timedelta

import pytest
from command import run, told
from team import TASK, Team

from fleet import in_process, slept
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.storage.errors import Refusal

KEPT = "Keep the old key for a day"
WRONG = "Delete the keystore first"
TABLES = ("items", "verdicts", "conflicts", "links", "blames", "agents", "experience", "contents")


@pytest.fixture
async def data(tmp_path):
    return tmp_path / "data"


def ledger(data):
    """Every row that says what is known, and of whom: not the events, and not the plans themselves."""
    connection = sqlite3.connect(data / "ledger.sqlite")
    found = {table: set(connection.execute(f"SELECT * FROM {table}")) for table in TABLES}
    connection.close()
    found["contents"] = {row for row in found["contents"] if not row[0].startswith("p_")}
    return found


async def revoked(data, agent="mallory"):
    """What carrying it out says."""
    text = await run("revoke", agent, "--yes", "--data", data)
    return text.split()[-1]


async def show(data, item):
    return await told("show", item, "--data", data)


async def planned(data, agent="mallory"):
    """What would happen to each item."""
    return {act["item"]: act["act"] for act in (await told("revoke", agent, "--data", data))["acts"]}


async def test_what_only_it_backs_goes_and_comes_back_with_undo(data):
    async with in_process(data) as fleet:
        item = await Team(fleet).teach(WRONG, "mallory")
        await Team(fleet).teach(KEPT, "ana")
    before = ledger(data)
    assert await planned(data) == {item: "prune"}
    assert ledger(data) == before
    plan = await revoked(data)
    async with in_process(data) as fleet:
        assert item not in await Team(fleet).shown("zoe")
    found = await show(data, item)
    assert (found["status"], found["support"], found["because"]) == ("pruned", 0, f"plan {plan}: only mallory backs it")
    assert "took back" in await run("undo", plan, "--data", data)
    async with in_process(data) as fleet:
        assert item in await Team(fleet).shown("bob")


async def test_what_others_have_found_as_well_is_theirs(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        said, named = await team.teach(KEPT, "mallory"), await team.teach("Tell the ops team", "mallory")
        await team.teach(KEPT, "ana")
        await team.report("bob", helpful=[named])
    await revoked(data)
    fields = ("status", "author", "support", "agents", "confidence")
    assert [[(await show(data, item))[field] for field in fields] for item in (said, named)] == [
        ["provisional", "ana", 1, 1, 0.8],
        ["provisional", "bob", 1, 1, 0.8],
    ]


async def test_promotions_and_demotions_that_it_tipped_are_as_if_it_had_not_spoken(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        raised, lowered = await team.teach(KEPT, "ana"), await team.teach("Tell the ops team", "ana")
        await team.report("bob", helpful=[raised, lowered])
        await team.report("cy", helpful=[lowered])
        await team.report("mallory", helpful=[raised])
        await team.report("mallory", harmful=[lowered], outcome="failure")
        await team.report("dee", harmful=[lowered], outcome="failure")
        assert await team.statuses() == {raised: "active", lowered: "provisional"}
    assert await planned(data) == {raised: "demote", lowered: "promote"}
    await revoked(data)
    async with in_process(data) as fleet:
        assert await Team(fleet).statuses() == {raised: "provisional", lowered: "active"}


async def test_its_words_give_way_to_those_that_were_merged_into_them(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        item = await team.teach("Rotate the old key before the deploy", "mallory")
        assert (await team.learnt("Rotate old key before deploy", "ana"))["decision"] == "merged"
        [wording] = [wording["id"] for wording in (await team.item(item))["wordings"]]
        await team.report("bob", helpful=[item])
    before = ledger(data)
    plan = await revoked(data)
    async with in_process(data) as fleet:
        team = Team(fleet)
        shown = await team.shown("zoe")
        assert {one: found["insight"] for one, found in shown.items()} == {wording: "Rotate old key before deploy"}
        assert (await team.item(item))["merged_into"] == wording
        assert (await team.item(wording))["agents"] == 2
        # Its words said again are still the same lesson.
        assert (await team.learnt("Rotate the old key before the deploy", "cy"))["id"] == wording
        await team.report("dee", helpful=[wording])
    await run("undo", plan, "--data", data)
    async with in_process(data) as fleet:
        found = await Team(fleet).item(item)
        assert (found["author"], found["status"], found["agents"], found["merged_into"]) == (
            "mallory",
            "active",
            5,
            None,
        )
        assert found["wordings"][0]["id"] == wording
    assert ledger(data)["conflicts"] == before["conflicts"]


async def test_conflicts_successors_and_blames_that_only_it_saw_are_gone(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        contested, replaced, blamed = [
            await team.teach(words, "ana") for words in (KEPT, "Tell the ops team", "Open src/export.py")
        ]
        await team.report("mallory", insight=WRONG, harmful=[contested], outcome="failure")
        await team.report("mallory", insight="Page the ops team", replaces=[replaced])
        await team.report("mallory", harmful=[blamed], outcome="failure")
        assert (await team.item(contested))["status"] == "contested"
        assert (await team.item(replaced))["status"] == "superseded"
    before = ledger(data)
    assert before["blames"] != set()
    plan = await revoked(data)
    assert (ledger(data)["conflicts"], ledger(data)["blames"]) == (set(), set())
    async with in_process(data) as fleet:
        team = Team(fleet)
        assert await team.statuses() == dict.fromkeys((contested, replaced, blamed), "provisional")
        assert {shown["confidence"] for shown in (await team.shown("zoe")).values()} == {0.8}
    await run("undo", plan, "--data", data)
    after = ledger(data)
    assert {table: after[table] - before[table] for table in after} == {
        **{table: set() for table in TABLES},
        "agents": after["agents"] - before["agents"],
        "contents": after["contents"] - before["contents"],
    }


async def test_what_it_pruned_and_what_was_pruned_on_its_word_comes_back(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        taken, doubted = await team.teach(KEPT, "ana"), await team.teach("Tell the ops team", "ana")
        for agent in ("bob", "mallory"):
            await team.report(agent, harmful=[doubted], outcome="failure")
        await fleet.call("prune", ids=[taken], reason="mine", agent="mallory", apply=True)
    await slept(data, prune=PrunePolicy(unasked_after=timedelta(0), unasked_from_reports=0, trust=0.8))
    assert [(await show(data, item))["status"] for item in (taken, doubted)] == ["pruned", "pruned"]
    plan = await revoked(data)
    assert [(await show(data, item))["status"] for item in (taken, doubted)] == ["provisional", "provisional"]
    async with in_process(data) as fleet:
        assert set(await Team(fleet).shown("zoe")) == {taken, doubted}
    await run("undo", plan, "--data", data)
    assert [(await show(data, item))["status"] for item in (taken, doubted)] == ["pruned", "pruned"]


async def test_taking_it_back_is_exact_to_the_last_digit(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        items = [
            await team.teach(f"The {name} limit is {place}", "ana") for place, name in enumerate(("read", "write"))
        ]
        for agent, number in (("bob", 3), ("mallory", 4), ("ana", 3), ("mallory", 5), ("cy", 0)):
            await team.report(agent, insight=f"The read limit is {number}", helpful=[items[1]])
            await team.report(agent, harmful=[items[0]], outcome="failure", reasoning="no")
    await slept(data)
    before = ledger(data)
    plan = await revoked(data)
    assert ledger(data) != before
    await run("undo", plan, "--data", data)
    assert ledger(data) == before
    assert (await run("undo", plan, "--data", data)).endswith("nothing was changed\n")


async def test_an_agent_that_never_spoke_changes_nothing_but_may_not_speak_any_more(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        await team.teach(KEPT, "ana")
        await team.report("bob", insight="Tell the ops team")
        await team.ask("silent")
    before = ledger(data)
    assert await planned(data, "silent") == {}
    plan = await revoked(data, "silent")
    assert {table: rows for table, rows in ledger(data).items() if table != "agents"} == {
        table: rows for table, rows in before.items() if table != "agents"
    }
    async with in_process(data) as fleet:
        said = await fleet.refusal("submit_feedback", task=TASK, outcome="success", agent="silent")
    assert said == (
        f"agent: silent was revoked by {plan}, so nothing is taken from it. "
        f"Ask a person to let it in again: fleetlore undo {plan}."
    )


async def test_what_came_since_stays_when_it_is_taken_back(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        item = await team.teach(KEPT, "ana")
        await team.report("mallory", harmful=[item], outcome="failure")
        low = (await team.item(item))["confidence"]
    plan = await revoked(data)
    async with in_process(data) as fleet:
        team = Team(fleet)
        for agent in ("bob", "cy"):
            await team.report(agent, helpful=[item])
        high = (await team.item(item))["confidence"]
        assert (await team.item(item))["status"] == "active"
    await run("undo", plan, "--data", data)
    found = await show(data, item)
    assert low < found["confidence"] < high + 0.01
    assert (found["support"], found["contradiction"], found["status"]) == (3, 1, "active")


async def test_a_pruned_lesson_that_others_say_later_is_theirs(data):
    async with in_process(data) as fleet:
        item = await Team(fleet).teach(KEPT, "mallory")
    plan = await revoked(data)
    async with in_process(data) as fleet:
        assert (await Team(fleet).learnt(KEPT, "ana"))["id"] == item
    found = await show(data, item)
    assert (found["author"], found["status"], found["agents"]) == ("ana", "provisional", 1)
    await run("undo", plan, "--data", data)
    found = await show(data, item)
    assert (found["author"], found["status"], found["agents"]) == ("mallory", "provisional", 2)


async def test_two_agents_may_be_revoked_and_taken_back_in_any_order(data):
    async with in_process(data) as fleet:
        team = Team(fleet)
        item = await team.teach(KEPT, "mallory")
        await team.teach(KEPT, "eve")
        await team.teach(KEPT, "ana")
        await team.report("eve", insight="Page the ops team", harmful=[item], outcome="failure")
    before = ledger(data)
    fields = ("author", "agents", "support", "contradiction", "status", "confidence")
    told_before = {field: (await show(data, item))[field] for field in fields}
    for in_order in (False, True):
        plans = [await revoked(data), await revoked(data, "eve")]
        found = await show(data, item)
        assert (found["author"], found["agents"], found["status"]) == ("ana", 1, "provisional")
        for plan in plans if in_order else reversed(plans):
            await run("undo", plan, "--data", data)
        assert {field: (await show(data, item))[field] for field in fields} == told_before
        if not in_order:
            assert ledger(data) == before


async def test_history_names_who_undid_it(data):
    async with in_process(data) as fleet:
        item = await Team(fleet).teach(WRONG, "mallory")
    plan = await revoked(data)
    await run("undo", plan, "--agent", "ines", "--data", data)
    last = (await show(data, item))["history"][-1]
    assert (last["kind"], last["agent"], last["of"]) == ("withdrawal undone", "ines", "mallory")
    assert f"ines: let what mallory had said of it count again: took back plan {plan}" in await run(
        "show", item, "--data", data
    )


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ("nobody", "there is no agent nobody"),
        ("…", "has no letter or digit"),
        ("mallory", "mallory is revoked already"),
    ],
)
async def test_who_cannot_be_revoked_is_told_so(data, agent, sentence):
    async with in_process(data) as fleet:
        await Team(fleet).teach(WRONG, "mallory")
    await revoked(data)
    with pytest.raises(Refusal, match=sentence):
        await run("revoke", agent, "--data", data)


async def test_agents_cannot_take_a_revocation_back(data):
    async with in_process(data) as fleet:
        await Team(fleet).teach(WRONG, "mallory")
    plan = await revoked(data)
    async with in_process(data) as fleet:
        assert f"{plan} is a revocation" in await fleet.refusal("prune", undo=plan, agent="bob")
        assert "mallory was revoked" in await fleet.refusal("prune", undo=plan, agent="mallory")
        assert "Keep" not in str(await Team(fleet).shown("mallory"))


async def work(data, *, with_mallory):
    """A fleet at three settings, each agent telling what it found; mallory praises what is wrong, loudly."""
    async with in_process(data) as fleet:
        team = Team(fleet)
        for step in range(24):
            name, right = (("read", 3), ("write", 5), ("retry", 7))[step % 3]
            task = f"set the {name} limit of the payment gateway"
            for agent, number in ((f"agent-{step % 5}", right), *((("mallory", 99),) if with_mallory else ())):
                shown = await team.shown(agent, task=task)
                says = f"The {name} limit of the payment gateway is {number}"
                helpful = [item for item, found in shown.items() if found["insight"] == says]
                harmful = [item for item, found in shown.items() if name in found["insight"] and item not in helpful]
                receipt = await team.receipt(agent, task=task)
                await team.answer(
                    agent,
                    receipt,
                    task=task,
                    insight=says,
                    helpful=helpful,
                    harmful=harmful,
                    outcome="failure" if harmful else "success",
                )


async def trusts(data):
    """How far each lesson is trusted, and what has become of it, as people search for it."""
    found = (await told("search", "--limit", "50", "--data", data))["items"]
    return {item["insight"]: (item["confidence"], item["status"]) for item in found}


async def test_a_fleet_is_after_revoking_where_it_would_be_without_the_liar(tmp_path):
    await work(tmp_path / "clean", with_mallory=False)
    await work(tmp_path / "poisoned", with_mallory=True)
    clean, poisoned = await trusts(tmp_path / "clean"), await trusts(tmp_path / "poisoned")
    assert poisoned.keys() > clean.keys()
    await revoked(tmp_path / "poisoned")
    healed = await trusts(tmp_path / "poisoned")
    assert {lesson: status for lesson, (_, status) in healed.items()} == {
        lesson: status for lesson, (_, status) in clean.items()
    }
    assert {lesson: trust for lesson, (trust, _) in healed.items()} == pytest.approx(
        {lesson: trust for lesson, (trust, _) in clean.items()}, abs=0.02
    )


async def test_agents_are_listed_with_what_became_of_what_they_said(data):
    await work(data, with_mallory=True)
    found = (await told("agents", "--data", data))["agents"]
    assert found[0]["agent"] == "mallory"
    assert found[0]["lessons"] == found[0]["provisional"] + found[0]["contested"] + found[0]["superseded"]
    honest = [agent["reliability"] for agent in found[1:]]
    assert found[0]["reliability"] < min(honest)
    text = await run("agents", "--data", data)
    assert "24 reports, " in text
    assert "next: fleetlore revoke mallory shows what it would withdraw" in text
    plan = await revoked(data)
    last = (await told("agents", "--data", data))["agents"][-1]
    assert (last["agent"], last["revoked_by"], last["active"]) == ("mallory", plan, 0)


async def test_what_came_by_an_import_keeps_its_evidence_and_loses_only_the_agents_word(data, tmp_path):
    async with in_process(tmp_path / "elsewhere") as fleet:
        team = Team(fleet)
        item = await team.teach(KEPT, "ana")
        for agent in ("bob", "cy"):
            await team.report(agent, helpful=[item])
    await run("export", tmp_path / "all.jsonl", "--data", tmp_path / "elsewhere")
    await run("import", tmp_path / "all.jsonl", "--data", data)
    before = await show(data, item)
    async with in_process(data) as fleet:
        await Team(fleet).report("mallory", harmful=[item], outcome="failure")
    assert (await show(data, item))["confidence"] < before["confidence"]
    await revoked(data)
    fields = ("confidence", "status", "support", "contradiction", "agents", "author")
    after = await show(data, item)
    assert {field: after[field] for field in fields} == {field: before[field] for field in fields}
    await revoked(data, "bob")
    assert (await show(data, item))["support"] == 2


async def test_its_tokens_end_and_a_new_one_lets_it_speak_again(data):
    async with in_process(data) as fleet:
        item = await Team(fleet).teach(WRONG, "mallory")
    await told("token", "create", "--agent", "mallory", "--data", data)
    assert (await told("agents", "--data", data))["agents"][0]["tokens"] == 1
    assert "1 token of its end for good" in await run("revoke", "mallory", "--data", data)
    plan = await revoked(data)
    assert (await told("agents", "--data", data))["agents"][0]["tokens"] == 0
    assert (await show(data, item))["status"] == "pruned"
    await told("token", "create", "--agent", "mallory", "--data", data)
    last = (await told("agents", "--data", data))["agents"][-1]
    assert (last["agent"], last["revoked_by"], last["tokens"]) == ("mallory", None, 1)
    async with in_process(data) as fleet:
        assert (await Team(fleet).learnt(KEPT, "mallory"))["decision"] == "new"
    assert (await show(data, item))["status"] == "pruned"
    await revoked(data)
    await run("undo", plan, "--data", data)
    assert (await show(data, item))["status"] == "provisional"


async def test_a_token_that_had_ended_before_does_not_let_it_in_again(data):
    first = await told("token", "create", "--agent", "mallory", "--data", data)
    await told("token", "rotate", first["id"], "--data", data)
    plan = await revoked(data)
    with pytest.raises(Refusal, match=f"mallory was revoked by {plan}, so nothing is taken from it"):
        await run("token", "rotate", first["id"], "--data", data)


async def test_a_name_that_looks_like_anothers_comes_first(data):
    async with in_process(data) as fleet:
        await Team(fleet).teach(KEPT, "ana-billing")
        await Team(fleet).teach(WRONG, "Ana_billing")
    first = (await told("agents", "--data", data))["agents"][0]
    assert (first["agent"], first["imitates"]) == ("Ana_billing", "ana-billing")
    assert "look at it: its name looks like ana-billing" in await run("agents", "--data", data)
