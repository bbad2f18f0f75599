"""`retrieve_knowledge` through the front door."""

from datetime import UTC, datetime

import pytest
from mcp import MCPError
from team import TASK, Team, counts

from fleet import in_process

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LESSON = "Keep the old key for a day"
ELSEWHERE = "water the office plants in august"


async def test_an_empty_memory_answers_without_items_and_says_explore(fleet):
    answer = await fleet.retrieve("deploy the billing service")
    assert answer == {
        "receipt": answer["receipt"],
        "control": {
            "mode": "explore",
            "advice": "Nothing reliable is known here: try, and report what you learn.",
            "novelty": 1.0,
            "uncertainty": 1.0,
            "surprise": 0.0,
        },
        "items": [],
    }
    assert answer["receipt"].startswith("r_")


async def test_what_one_agent_learnt_is_in_the_next_retrieval_of_another(fleet):
    item = await fleet.teach("Run the migration before the deploy", task="deploy the billing service", agent="ana")
    [found] = (await fleet.retrieve("deploy the billing service", agent="bob"))["items"]
    assert (found["id"], found["insight"], found["status"]) == (
        item,
        "Run the migration before the deploy",
        "provisional",
    )


async def test_an_item_is_shown_with_its_condition_its_evidence_and_the_weight_to_give_it(tmp_path):
    async with in_process(tmp_path, clock=lambda: NOON) as fleet:
        team = Team(fleet)
        item = await team.teach(LESSON, tags=["keys"], project="acme/billing", applies_when=f"{TASK}, version 3")
        [found] = (await team.ask("bob", task=f"{TASK}, version 3"))["items"]
    assert found == {
        "id": item,
        "kind": "do",
        "insight": LESSON,
        "applies_when": f"{TASK}, version 3",
        "score": 0.8,
        "confidence": 0.8,
        "support": 1,
        "agents": 1,
        "status": "provisional",
        "tags": ["keys"],
        "project": "acme/billing",
        "updated_at": "2026-05-01T12:00:00Z",
    }


async def test_nothing_relevant_means_no_items(team):
    await team.teach(LESSON)
    answer = await team.ask("bob", task=ELSEWHERE)
    assert (answer["items"], answer["control"]["mode"]) == ([], "explore")


async def test_an_exact_error_code_is_found_in_another_story(team):
    item = await team.teach("Raise the pool size", applies_when="the nightly import dies with PG-53300")
    await team.teach("Rotate the log", applies_when="the nightly import dies with PG-53100")
    found = await team.shown("bob", task="why does our checkout page sometimes fail with PG-53300 since monday?")
    assert next(iter(found)) == item


async def test_items_come_best_first_and_no_more_than_asked_for(team):
    for number in range(8):
        await team.teach(f"Tell partner {number} first", applies_when=f"{TASK} {'of partner x ' * number}")
    everything = list((await team.shown("bob")).values())
    scores = [item["score"] for item in everything]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    for limit in (1, 3, 7):
        assert list((await team.shown("bob", limit=limit)).values()) == everything[:limit]


async def test_equal_questions_get_equal_answers_but_for_the_receipt(team):
    for number in range(4):
        await team.teach(f"Tell partner {number} first")
    one, other = await team.ask("bob"), await team.ask("bob")
    assert one.pop("receipt") != other.pop("receipt")
    assert one == other


async def test_asking_changes_no_item(team):
    item = await team.teach(LESSON)
    before = await team.item(item)
    for agent in ("ana", "bob", "cy"):
        await team.ask(agent)
    assert await team.item(item) == before


async def test_a_receipt_is_known_to_every_process_at_once(tmp_path):
    async with in_process(tmp_path) as one, in_process(tmp_path) as other:
        item = await Team(one).teach(LESSON)
        receipt = await Team(one).receipt("bob")
        assert (await Team(other).answer("bob", receipt, helpful=[item]))["credited"] == [item]


# The controller


async def test_what_is_not_borne_out_is_to_be_verified_and_what_is_may_be_followed(team):
    item = await team.teach(LESSON)
    modes = [(await team.ask("zoe"))["control"]["mode"]]
    for agent in ("bob", "cy"):
        await team.report(agent, helpful=[item])
        modes.append((await team.ask("zoe"))["control"]["mode"])
    assert modes == ["verify", "verify", "follow"]


async def test_what_is_contested_is_to_be_verified(team):
    item = await team.teach(LESSON)
    for agent in ("bob", "cy"):
        await team.report(agent, helpful=[item])
    await team.report("dee", harmful=[item], insight="Revoke it at once")
    assert (await team.ask("zoe"))["control"]["mode"] == "verify"


async def test_what_misled_everybody_leaves_one_to_explore_and_surprised(team):
    item = await team.teach(LESSON)
    for agent in ("bob", "cy"):
        await team.report(agent, harmful=[item], outcome="failure")
    control = (await team.ask("zoe"))["control"]
    assert (control["mode"], control["surprise"]) == ("explore", 0.67)


# The own space


async def test_own_items_come_along_for_their_sort_of_task_whatever_the_task_says(team):
    own = await team.teach("Read the runbook first", space="prompt", task_type="on-call")
    await team.teach("Ask for a second pair of eyes", space="prompt", task_type="code-review")
    assert list(await team.shown("ana", task=ELSEWHERE, task_type="on-call")) == [own]


async def test_without_a_sort_of_task_all_own_items_may_come_along(team):
    own = [
        await team.teach(f"Read the {task_type} runbook first", space="prompt", task_type=task_type)
        for task_type in ("on-call", "code-review", "")
    ]
    assert sorted(await team.shown("ana")) == sorted(own)


async def test_own_items_are_marked_as_such_and_stand_first(team):
    general = await team.teach(LESSON)
    own = await team.teach("Read the runbook first", space="prompt", task_type="on-call")
    shown = await team.shown("ana", task_type="on-call")
    assert [(item, found.get("space", "general")) for item, found in shown.items()] == [
        (own, "prompt"),
        (general, "general"),
    ]


async def test_own_items_come_on_a_quota_and_leave_room_for_what_the_fleet_knows(team):
    for number in range(8):
        await team.teach(f"Tell partner {number} first", agent="bob")
        await team.teach(f"Read page {number} of the runbook", space="prompt", task_type="on-call")
    for limit, quota in ((5, 2), (10, 4)):
        shown = await team.shown("ana", limit=limit, task_type="on-call")
        spaces = [item.get("space", "general") for item in shown.values()]
        assert spaces == ["prompt"] * quota + ["general"] * (limit - quota)


async def test_own_items_do_not_compete_with_what_the_fleet_knows(team):
    for number in range(4):
        await team.teach(f"Tell partner {number} first", agent="bob")
    alone = await team.shown("ana", task_type="on-call")
    for number in range(4):
        await team.teach(f"Read page {number} of the runbook", space="prompt", task_type="on-call")
    beside = await team.shown("ana", task_type="on-call")
    assert {item: found for item, found in beside.items() if "space" not in found} == alone


async def test_an_own_item_that_was_corrected_makes_room_for_the_correction(team):
    own = {"space": "prompt", "task_type": "on-call"}
    old = [await team.teach(f"Read page {number} of the runbook", **own) for number in range(3)]
    new = await team.teach("Call the owner first", applies_when=ELSEWHERE, replaces=old, **own)
    assert list(await team.shown("ana", limit=3, task_type="on-call")) == [new]


async def test_nobody_sees_the_own_items_of_another_whichever_way_they_ask(tmp_path):
    async with in_process(tmp_path, agent="ana") as ana, in_process(tmp_path, agent="bob") as bob:
        own = await ana.teach(LESSON, task=TASK, space="prompt", task_type="on-call", agent="")
        assert [item["id"] for item in (await ana.retrieve(TASK, task_type="on-call"))["items"]] == [own]
        assert [item["id"] for item in (await ana.resource("fleetlore://prompt/ana"))["items"]] == [own]
        assert (await ana.resource(f"fleetlore://item/{own}"))["insight"] == LESSON
        assert (await ana.call("prune", ids=[own], reason="asked"))["items"][0]["id"] == own

        for task_type in ("on-call", ""):
            assert (await bob.retrieve(TASK, task_type=task_type))["items"] == []
        assert (await bob.resource("fleetlore://prompt/bob"))["items"] == []
        assert (await bob.resource("fleetlore://general"))["items"] == []
        with pytest.raises(MCPError, match=f"There is no item {own}"):
            await bob.resource(f"fleetlore://item/{own}")
        with pytest.raises(MCPError, match="this server speaks for bob, not for ana"):
            await bob.resource("fleetlore://prompt/ana")
        assert await bob.refusal("prune", ids=[own], reason="x") == (
            f"ids: there is no item {own}. Use the ids (k_…) of a retrieval."
        )
        assert LESSON not in str(await bob.call("prune"))
        prompt = await bob.client.get_prompt("start_task", {"task": TASK})
        assert LESSON not in str(prompt.messages)


# What belongs together


async def test_a_superseded_item_stands_only_beside_its_successor_and_after_it(team):
    old = await team.teach(LESSON)
    new = await team.teach("Keep the old key for a week", "bob", replaces=[old])
    assert await team.statuses() == {new: "provisional", old: "superseded"}
    shown = await team.shown("cy")
    assert shown[old]["superseded_by"] == new
    assert shown[new]["score"] > shown[old]["score"]
    assert list(await team.shown("cy", limit=1)) == [new]


async def test_whoever_looks_for_what_was_superseded_finds_its_successor(team):
    old = await team.teach(LESSON)
    new = await team.teach("Wipe the shelf", "bob", applies_when=ELSEWHERE, replaces=[old])
    assert list(await team.shown("cy")) == [new, old]
    assert list(await team.shown("cy", limit=1)) == [new]


async def test_of_a_chain_of_corrections_the_last_one_is_shown(team):
    first = await team.teach(LESSON)
    second = await team.teach("Keep the old key for a week", replaces=[first])
    third = await team.teach("Keep the old key for a month", replaces=[second])
    assert list(await team.shown("cy", limit=1)) == [third]
    assert first not in list(await team.shown("cy"))[:2]


async def test_items_in_conflict_come_together_with_what_was_said_against_them(team):
    item = await team.teach(LESSON)
    report = await team.report("bob", harmful=[item], insight="Revoke it at once", reasoning="It leaked on day one.")
    rival = report["learned"][0]["id"]
    shown = await team.shown("cy")
    assert {one: (found["status"], found["conflicts_with"], found.get("against")) for one, found in shown.items()} == {
        item: ("contested", [rival], "It leaked on day one."),
        rival: ("contested", [item], None),
    }


async def test_the_rival_of_a_relevant_item_comes_along_though_nothing_else_would_find_it(team):
    item = await team.teach(LESSON)
    for number in range(4):
        await team.teach(f"Tell partner {number} first")
    report = await team.report("bob", harmful=[item], insight="Revoke it at once")
    rival = report["learned"][0]["id"]
    for limit in (2, 3, 6):
        shown = await team.shown("cy", limit=limit)
        assert (item in shown) == (rival in shown)
    assert {item, rival} <= set(await team.shown("cy"))


async def test_the_latest_reasoning_against_a_contested_item_is_told(team):
    item = await team.teach(LESSON)
    await team.report("bob", harmful=[item], insight="Revoke it at once", reasoning="It leaked on day one.")
    await team.report("cy", harmful=[item], reasoning="It leaked on day two.")
    assert (await team.shown("zoe"))[item]["against"] == "It leaked on day two."
    await team.report("dee", harmful=[item])
    assert (await team.shown("zoe"))[item]["against"] == "It leaked on day two."


# Tags and projects


async def test_only_items_that_carry_all_of_the_tags_are_shown(team):
    both = await team.teach("Tell the partners", tags=["keys", "partners"])
    one = await team.teach(LESSON, tags=["keys"])
    none = await team.teach("Rotate at night")
    found = {
        tags: set(await team.shown("bob", tags=list(tags)))
        for tags in ((), ("keys",), ("partners", "keys"), ("keys", "ops"), ("key",), ("Keys",))
    }
    assert found == {
        (): {both, one, none},
        ("keys",): {both, one},
        ("partners", "keys"): {both},
        ("keys", "ops"): set(),
        ("key",): set(),
        ("Keys",): set(),
    }


async def test_tags_choose_among_own_items_too(team):
    own = await team.teach("Read the runbook first", space="prompt", task_type="on-call", tags=["night"])
    await team.teach("Call the owner first", space="prompt", task_type="on-call")
    assert list(await team.shown("ana", task_type="on-call", tags=["night"])) == [own]


async def test_items_of_the_same_project_stand_first(team):
    there = await team.teach("Tell the partners", project="acme/shop")
    here = await team.teach(LESSON, project="acme/billing")
    assert list(await team.shown("bob", project="acme/billing")) == [here, there]
    assert list(await team.shown("bob", project="acme/shop")) == [there, here]


async def test_an_item_of_another_project_weighs_less_until_it_is_borne_out_in_a_second_one(team):
    item = await team.teach(LESSON, project="acme/billing")

    async def weighed(project):
        found = (await team.shown("zoe", project=project))[item]
        return round(found["score"] / found["confidence"], 1)

    assert [await weighed(project) for project in ("acme/billing", "", "acme/shop")] == [1.0, 1.0, 0.4]
    receipt = await team.receipt("bob", project="acme/billing")
    await team.answer("bob", receipt, helpful=[item])
    assert await weighed("acme/shop") == 0.4
    receipt = await team.receipt("cy", project="acme/web")
    await team.answer("cy", receipt, helpful=[item])
    assert [await weighed(project) for project in ("acme/billing", "", "acme/shop")] == [1.0, 1.0, 1.0]


async def test_the_project_that_the_server_was_started_for_is_everybodys_who_does_not_say(tmp_path):
    async with in_process(tmp_path, project="acme/billing") as fleet:
        here, there = await fleet.teach(LESSON, task=TASK), await fleet.teach("Ask", task=TASK, project="acme/shop")
        assert [item["id"] for item in (await fleet.retrieve(TASK))["items"]] == [here, there]
        assert [item["id"] for item in (await fleet.retrieve(TASK, project="acme/shop"))["items"]] == [there, here]


async def test_every_question_is_counted_and_every_answered_receipt_once(team):
    receipts = [await team.receipt(agent) for agent in ("ana", "bob", "cy")]
    for _ in range(2):
        await team.answer("ana", receipts[0])
    assert (await counts(team.fleet))["receipts"] == {"given": 3, "answered": 1, "implicit_only": 0}


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("none", {}, "there is no prompt of that name. There are: start_task, report_outcome"),
        ("start_task", {}, "task: it is required and was left out"),
    ],
)
async def test_a_prompt_that_cannot_be_made_is_told_in_one_sentence_and_no_log(
    fleet, caplog, name, arguments, sentence
):
    with pytest.raises(MCPError) as refused:
        await fleet.client.get_prompt(name, arguments)
    assert str(refused.value) == sentence
    assert [record for record in caplog.records if record.exc_info] == []
