"""One lesson in other words, through the front door: merged, named, said again, and taken apart again."""

import anyio
from team import Team, refusal

from fleet import in_process, slept

LESSON = "Rotate the old key before the deploy"
REWORDED = "Rotate old key before deploy"


async def undo(team, plan, agent="ops"):
    return await team.fleet.call("prune", undo=plan, agent=agent)


def plan_in(learned):
    return learned["because"].rpartition("undo=")[2].rstrip(".")


async def whole(team, *items):
    found = [await team.item(item) for item in items]
    return [{field: item[field] for field in item if field not in ("history", "updated_at")} for item in found]


async def merged(team, insight=REWORDED, agent="bob", **arguments):
    """What became of another wording, and the item that its wording is kept in."""
    learned = await team.learnt(insight, agent, **arguments)
    assert learned["decision"] == "merged"
    [wording] = [
        wording["id"] for wording in (await team.item(learned["id"]))["wordings"] if wording["insight"] == insight
    ]
    return learned, wording


async def test_other_words_of_a_known_lesson_back_it_as_the_same_words_would(tmp_path):
    found = []
    for insight in (LESSON, REWORDED):
        async with in_process(tmp_path / str(len(found))) as fleet:
            team = Team(fleet)
            item = await team.teach(LESSON)
            receipt = await team.receipt("bob")
            answer = await team.answer("bob", receipt, insight=insight)
            assert answer["learned"][0]["id"] == item
            [known] = await whole(team, item)
            found.append({field: known[field] for field in ("confidence", "support", "agents", "status")})
    assert found[0] == found[1]


async def test_the_answer_says_what_happened_and_how_to_take_it_back_and_quotes_nothing(team):
    item = await team.teach(LESSON)
    learned, wording = await merged(team)
    plan = plan_in(learned)
    assert learned == {
        "id": item,
        "space": "general",
        "status": "provisional",
        "decision": "merged",
        "because": "The same lesson is known in other words; your report backs it and your wording is kept with it. "
        f"To keep them apart: prune with undo={plan}.",
    }
    assert list(await team.shown("cy")) == [item]
    kept, survivor = await team.item(wording), await team.item(item)
    assert (kept["merged_into"], kept["pruned_by"], kept["insight"], kept["author"]) == (item, plan, REWORDED, "bob")
    [other] = survivor["wordings"]
    assert other == {
        "id": wording,
        "insight": REWORDED,
        "applies_when": team.task,
        "author": "bob",
        "feedback": kept["origin"]["feedback"],
        "plan": plan,
    }
    assert [event["kind"] for event in kept["history"]] == ["merged"]


async def test_undo_brings_the_wording_back_and_takes_back_what_it_gave(team):
    item = await team.teach(LESSON)
    before = await whole(team, item)
    learned, wording = await merged(team)
    assert (await team.item(item))["support"] == 2
    plan = await undo(team, plan_in(learned))
    assert ([entry["id"] for entry in plan["items"]], plan["applied"]) == ([wording], False)
    assert await whole(team, item) == before
    assert set(await team.shown("cy")) == {item, wording}
    [own] = await whole(team, wording)
    assert (own["merged_into"], own["pruned_by"], own["support"], own["agents"]) == (None, None, 1, 1)
    again = await undo(team, plan["plan"])
    assert again == plan
    assert await whole(team, item, wording) == [*before, own]


async def test_undo_takes_back_a_promotion_that_only_the_wording_brought(team):
    item = await team.teach(LESSON)
    await team.report("cy", helpful=[item])
    learned, _ = await merged(team)
    assert (await team.item(item))["status"] == "active"
    await undo(team, plan_in(learned))
    assert (await team.item(item))["status"] == "provisional"


async def test_undo_keeps_what_others_said_of_the_survivor_meanwhile(team):
    item = await team.teach(LESSON)
    learned, _ = await merged(team)
    for agent in ("cy", "dee"):
        await team.report(agent, helpful=[item])
    await undo(team, plan_in(learned))
    found = await team.item(item)
    assert (found["support"], found["agents"], found["status"]) == (3, 3, "active")


async def test_undo_restores_the_verdict_that_the_wording_had_replaced(team):
    item = await team.teach(LESSON)
    receipt = await team.receipt("bob")
    await team.answer("bob", receipt, harmful=[item], outcome="failure")
    before = await whole(team, item)
    learned = (await team.answer("bob", receipt, insight=REWORDED, outcome="observation"))["learned"][0]
    assert (learned["decision"], (await team.item(item))["contradiction"]) == ("merged", 0)
    await undo(team, plan_in(learned))
    after = await whole(team, item)
    # That bob said the lesson at all stands: it is right somewhere, so it is doubted less than when he only blamed it.
    assert after[0].pop("confidence") > before[0].pop("confidence")
    assert after == before


async def test_a_wording_that_comes_again_backs_the_survivor(team):
    item = await team.teach(LESSON)
    await merged(team)
    again = await team.learnt(REWORDED, "cy")
    assert (again["id"], again["decision"]) == (item, "corroborated")
    assert (await team.item(item))["agents"] == 3


async def test_a_wording_of_what_was_pruned_brings_that_back_as_provisional(team):
    item = await team.teach(LESSON)
    await merged(team)
    await team.fleet.call("prune", ids=[item], reason="asked", apply=True, agent="ops")
    again = await team.learnt(REWORDED, "cy")
    assert (again["id"], again["decision"], again["status"]) == (item, "new", "provisional")
    assert "was pruned before" in again["because"]
    assert list(await team.shown("dee")) == [item]


async def test_who_names_a_wording_that_was_merged_since_speaks_of_the_survivor(team, tmp_path):
    item = await team.teach(LESSON, applies_when=f"{team.task}, the second time")
    wording = await team.teach(REWORDED, "bob", applies_when=f"{team.task}, second time")
    receipts = {agent: await team.receipt(agent) for agent in ("cy", "dee", "eve", "fay")}
    await slept(tmp_path / "data")
    assert (await team.item(wording))["merged_into"] == item
    answer = await team.answer("cy", receipts["cy"], helpful=[wording])
    assert answer["credited"] == [item]
    answer = await team.answer("dee", receipts["dee"], harmful=[wording], outcome="failure")
    assert answer["blamed"] == [item]
    answer = await team.answer("eve", receipts["eve"], replaces=[wording], insight="Keep both keys for a week")
    assert (await team.item(item))["superseded_by"] == answer["learned"][0]["id"]
    sentence = await refusal(
        team.fleet,
        "submit_feedback",
        task=team.task,
        outcome="success",
        agent="fay",
        receipt=receipts["fay"],
        helpful=[item],
        harmful=[wording],
    )
    assert sentence.startswith(f"harmful: {wording} and an item in helpful were found to be one lesson, {item}.")


async def test_lessons_under_other_conditions_and_in_own_spaces_stay_apart(team):
    item = await team.teach(LESSON)
    other = await team.learnt(REWORDED, "bob", applies_when="only on staging")
    own = await team.learnt(REWORDED, "bob", space="prompt")
    theirs = await team.learnt(LESSON, "cy", space="prompt")
    assert [learned["decision"] for learned in (other, own, theirs)] == ["new"] * 3
    assert item not in (other["id"], own["id"], theirs["id"])
    learned, _ = await merged_own(team)
    assert learned["id"] == own["id"]


async def merged_own(team):
    learned = await team.learnt("Rotate an old key before the deploy", "bob", space="prompt")
    assert learned["decision"] == "merged"
    return learned, None


async def test_nobody_else_takes_back_a_merge_in_an_agents_own_space(team):
    await team.teach(LESSON, "bob", space="prompt")
    learned = await team.learnt(REWORDED, "bob", space="prompt")
    sentence = await refusal(team.fleet, "prune", undo=plan_in(learned), agent="cy")
    assert sentence.startswith(f"undo: there is no plan {plan_in(learned)}. ")
    assert (await undo(team, plan_in(learned), "bob"))["applied"] is False


async def test_of_two_servers_that_take_two_wordings_at_once_one_merges(tmp_path):
    learned = []
    async with in_process(tmp_path) as one, in_process(tmp_path) as other:

        async def teach(fleet, insight, agent):
            learned.append(await Team(fleet).learnt(insight, agent))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(teach, one, LESSON, "ana")
            tasks.start_soon(teach, other, REWORDED, "bob")
        assert sorted(entry["decision"] for entry in learned) == ["merged", "new"]
        assert len({entry["id"] for entry in learned}) == 1
        for fleet in (one, other):
            assert len(await Team(fleet).shown("cy")) == 1
