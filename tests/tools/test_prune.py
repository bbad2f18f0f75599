"""`prune` through the front door: a plan is shown, applied exactly as shown, and can be taken back."""

import pytest
from team import TASK, Team, refusal, unscored

from fleet import in_process

LESSON = "Keep the old key for a day"


async def doubted(team, insight=LESSON, reason="It expired at noon."):
    """An item that two agents were misled by."""
    item = await team.teach(insight)
    for agent in ("bob", "cy"):
        await team.report(agent, harmful=[item], outcome="failure", reasoning=f"{reason} Says {agent}.")
    return item


async def borne_out(team, insight=LESSON, **arguments):
    """An active item."""
    item = await team.teach(insight, **arguments)
    for agent in ("bob", "cy"):
        await team.report(agent, helpful=[item])
    assert (await team.item(item))["status"] == "active"
    return item


async def prune(team, agent="ops", **arguments):
    return await team.fleet.call("prune", **arguments, agent=agent)


async def named(team, *items, **arguments):
    """A plan for these items."""
    return await prune(team, ids=list(items), reason="asked by ops", **arguments)


async def whole(team, *items):
    """Items with everything that is known of them but the record of what happened."""
    found = {item: await team.item(item) for item in items}
    return {item: {field: value for field, value in one.items() if field != "history"} for item, one in found.items()}


async def test_a_plan_shows_what_it_would_take_and_changes_nothing(team):
    item, other = await team.teach(LESSON, tags=["keys"]), await team.teach("Rotate at night")
    before = await whole(team, item, other)
    plan = await named(team, item)
    assert plan == {
        "plan": plan["plan"],
        "applied": False,
        "items": [{"id": item, "space": "general", "insight": LESSON, "because": "asked by ops", "support": 1}],
        "kept": 1,
    }
    assert await whole(team, item, other) == before
    assert await prune(team, plan=plan["plan"]) == plan
    assert set(await team.shown("bob")) == {item, other}


async def test_the_policy_finds_what_reports_speak_against_and_quotes_them(team):
    item, good = await doubted(team), await team.teach("Rotate at night")
    reports = [verdict["feedback"] for verdict in (await team.item(item))["verdicts"] if verdict["says"] == "harmful"]
    plan = await prune(team)
    [found] = plan["items"]
    assert (found["id"], found["support"], found["contradiction"]) == (item, 1, 2)
    assert found["feedback"] == reports[::-1]
    assert "reports say cy: “It expired at noon. Says cy.”; bob: “It expired at noon. Says bob.”" in found["because"]
    assert (plan["applied"], plan["kept"]) == (False, 1)
    assert good in await team.shown("dee")


async def test_the_policy_finds_nothing_where_nothing_is_doubted(team):
    await team.teach(LESSON)
    one = await team.teach("Rotate at night")
    await team.report("bob", harmful=[one])
    plan = await prune(team)
    assert plan == {"plan": plan["plan"], "applied": False, "items": [], "kept": 2}


async def test_the_policy_finds_what_a_borne_out_item_has_superseded(team):
    old = await team.teach(LESSON)
    new = await team.teach("Keep it for a week", "bob", replaces=[old])
    assert (await prune(team))["items"] == []
    for agent in ("cy", "dee"):
        await team.report(agent, helpful=[new])
    [found] = (await prune(team))["items"]
    assert (found["id"], found["because"]) == (old, f"superseded by {new}, which is borne out")


async def test_a_plan_is_applied_exactly_as_it_was_shown(team):
    item = await doubted(team)
    plan = await prune(team)
    later = await doubted(team, "Rotate at noon")
    assert [found["id"] for found in (await prune(team))["items"]] == [item, later]
    applied = await prune(team, plan=plan["plan"], apply=True)
    assert applied == plan | {"applied": True, "kept": 1}
    assert list(await team.shown("dee")) == [later]


async def test_applying_a_plan_again_changes_nothing(team):
    item = await team.teach(LESSON)
    plan = (await named(team, item))["plan"]
    applied = await prune(team, plan=plan, apply=True)
    before = await team.item(item)
    assert await prune(team, plan=plan, apply=True) == applied
    assert await prune(team, plan=plan) == applied
    assert await team.item(item) == before


async def test_a_plan_can_be_made_and_applied_in_one_call(team):
    item = await team.teach(LESSON)
    applied = await named(team, item, apply=True)
    assert (applied["applied"], applied["kept"]) == (True, 0)
    assert await team.shown("bob") == {}


async def test_a_plan_of_one_agent_may_be_applied_and_undone_by_another(team):
    item = await team.teach(LESSON)
    plan = (await named(team, item, agent="bob"))["plan"]
    assert (await prune(team, "cy", plan=plan, apply=True))["applied"] is True
    assert (await prune(team, "dee", undo=plan))["applied"] is False
    assert list(await team.shown("eve")) == [item]


async def test_what_was_pruned_never_comes_back_in_a_retrieval(team):
    item, other = await team.teach(LESSON), await team.teach("Rotate at night")
    plan = (await named(team, item, apply=True))["plan"]
    for agent in ("ana", "bob"):
        assert list(await team.shown(agent)) == [other]
        assert await team.shown(agent, task=LESSON) == {}
    listed = (await team.fleet.resource("fleetlore://general"))["items"]
    assert [found["id"] for found in listed] == [other]
    assert (await team.item(item))["pruned_by"] == plan
    assert (await team.fleet.resource("fleetlore://status"))["pruned"] == 1


async def test_another_process_stops_showing_what_was_pruned_and_shows_it_again_after_undo(tmp_path):
    async with in_process(tmp_path) as one, in_process(tmp_path) as other:
        item = await Team(one).teach(LESSON)
        assert list(await Team(other).shown("bob")) == [item]
        plan = (await named(Team(one), item, apply=True))["plan"]
        assert await Team(other).shown("bob") == {}
        await prune(Team(other), undo=plan)
        assert list(await Team(one).shown("bob")) == [item]


async def test_a_plan_outlives_the_server_that_made_it(tmp_path):
    async with in_process(tmp_path) as fleet:
        item = await Team(fleet).teach(LESSON)
        before = await whole(Team(fleet), item)
        plan = (await named(Team(fleet), item))["plan"]
    async with in_process(tmp_path) as fleet:
        await prune(Team(fleet), plan=plan, apply=True)
    async with in_process(tmp_path) as fleet:
        await prune(Team(fleet), undo=plan)
        assert await whole(Team(fleet), item) == before


# Undo


async def plain(team):
    return [await team.teach(LESSON, tags=["keys"], project="acme/billing", task_type="rotation")]


async def active(team):
    return [await borne_out(team)]


async def contradicted(team):
    return [await doubted(team)]


async def contested(team):
    item = await borne_out(team)
    [rival] = (await team.report("dee", harmful=[item], insight="Revoke it at once", reasoning="It leaked."))["learned"]
    return [item, rival["id"]]


async def superseded(team):
    item = await borne_out(team)
    return [item, await team.teach("Keep it for a week", "dee", replaces=[item])]


@pytest.mark.parametrize("which", [0, -1, slice(None)], ids=["the first", "the last", "all"])
@pytest.mark.parametrize("known", [plain, active, contradicted, contested, superseded])
async def test_undo_brings_back_items_and_evidence_exactly(team, known, which):
    items = await known(team)
    before, shown = await whole(team, *items), await team.shown("eve")
    taken = items[which] if isinstance(which, slice) else [items[which]]
    plan = (await named(team, *taken, apply=True))["plan"]
    assert not set(await team.shown("eve")) & set(taken)
    undone = await prune(team, undo=plan)
    assert (undone["plan"], undone["applied"], undone["kept"]) == (plan, False, len(items) - len(taken))
    assert await whole(team, *items) == before
    assert unscored((await team.shown("eve")).values()) == unscored(shown.values())


async def test_undoing_again_changes_nothing(team):
    item = await team.teach(LESSON)
    plan = (await named(team, item, apply=True))["plan"]
    undone = await prune(team, undo=plan)
    before = await team.item(item)
    assert await prune(team, undo=plan) == undone
    assert await team.item(item) == before


async def test_what_is_left_of_a_conflict_is_contested_no_more_until_undo(team):
    one, other = await contested(team)
    plan = (await named(team, other, apply=True))["plan"]
    assert await team.statuses() == {one: "active"}
    await prune(team, undo=plan)
    assert await team.statuses() == {one: "contested", other: "contested"}


async def test_what_a_pruned_item_had_superseded_lives_again_until_undo(team):
    old, new = await superseded(team)
    plan = (await named(team, new, apply=True))["plan"]
    assert await team.statuses() == {old: "active"}
    await prune(team, undo=plan)
    assert await team.statuses() == {new: "provisional", old: "superseded"}


async def test_undo_keeps_what_reports_said_meanwhile(team):
    item = await team.teach(LESSON)
    receipts = {agent: await team.receipt(agent) for agent in ("bob", "cy")}
    confidence = (await team.item(item))["confidence"]
    plan = (await named(team, item, apply=True))["plan"]
    for agent, receipt in receipts.items():
        await team.answer(agent, receipt, helpful=[item])
    await prune(team, undo=plan)
    found = await team.item(item)
    assert (found["support"], found["agents"], found["status"]) == (3, 3, "active")
    assert found["confidence"] > confidence


# What comes back by itself


async def test_an_insight_equal_to_a_pruned_one_comes_back_as_provisional_and_says_so(team):
    item = await team.teach(LESSON)
    await named(team, item, apply=True)
    assert await team.learnt(LESSON, "bob") == {
        "id": item,
        "space": "general",
        "status": "provisional",
        "decision": "new",
        "because": "An equal insight was pruned before; it is back, as provisional only.",
    }
    assert list(await team.shown("cy")) == [item]
    assert (await team.item(item))["pruned_by"] is None


@pytest.mark.parametrize("agent", ["ana", "bob", "newcomer"])
async def test_what_was_active_before_it_was_pruned_comes_back_as_provisional_only(team, agent):
    item = await borne_out(team)
    await named(team, item, apply=True)
    learned = await team.learnt(LESSON, agent)
    assert (learned["id"], learned["status"]) == (item, "provisional")
    assert (await team.shown("zoe"))[item]["status"] == "provisional"


async def test_what_was_pruned_for_being_wrong_comes_back_with_no_more_confidence_than_it_had(team):
    item = await doubted(team)
    confidence = (await team.item(item))["confidence"]
    await named(team, item, apply=True)
    await team.learnt(LESSON, "ana")
    assert (await team.item(item))["confidence"] <= confidence


async def test_undo_makes_an_item_that_came_back_what_it_was(team):
    item = await borne_out(team)
    [before] = (await whole(team, item)).values()
    plan = (await named(team, item, apply=True))["plan"]
    await team.learnt(LESSON, "newcomer")
    await prune(team, undo=plan)
    after = await team.item(item)
    assert (after["status"], after["pruned_by"]) == ("active", None)
    assert (after["support"], after["agents"]) == (before["support"] + 1, before["agents"] + 1)
    assert after["confidence"] >= before["confidence"]


async def test_undo_does_not_take_back_what_an_item_earned_after_it_came_back(team):
    item = await team.teach(LESSON)
    plan = (await named(team, item, apply=True))["plan"]
    await team.learnt(LESSON, "ana")
    for agent in ("bob", "cy"):
        await team.report(agent, helpful=[item])
    assert (await team.item(item))["status"] == "active"
    await prune(team, undo=plan)
    found = await team.item(item)
    assert (found["status"], found["agents"]) == ("active", 3)


async def test_undo_does_not_take_back_the_objections_to_an_item_that_came_back(team):
    item = await borne_out(team)
    plan = (await named(team, item, apply=True))["plan"]
    await team.learnt(LESSON, "newcomer")
    for agent in ("dee", "eve", "fay"):
        await team.report(agent, harmful=[item], outcome="failure")
    await prune(team, undo=plan)
    found = await team.item(item)
    assert (found["status"], found["support"], found["contradiction"]) == ("provisional", 4, 3)


async def test_what_came_back_can_be_pruned_and_undone_again(team):
    item = await team.teach(LESSON)
    await named(team, item, apply=True)
    await team.learnt(LESSON, "bob")
    before = await whole(team, item)
    plan = (await named(team, item, apply=True))["plan"]
    assert await team.shown("cy") == {}
    await prune(team, undo=plan)
    assert await whole(team, item) == before


# Limits


async def test_one_plan_takes_at_most_50_items(team):
    items = [await team.teach(f"{LESSON} in zone {number}") for number in range(60)]
    sentence = await refusal(team.fleet, "prune", ids=items[:51], reason="asked")
    assert sentence.startswith("ids: one plan takes at most 50 items of the general space. ")
    assert (await named(team, *items[:50]))["kept"] == 10
    for part in (items[:50], items[50:]):
        new = await team.teach("Keep it in every zone", "bob", replaces=part)
    for agent in ("cy", "dee"):
        await team.report(agent, helpful=[new])
    plan = await prune(team, apply=True)
    assert (len(plan["items"]), plan["kept"]) == (50, 11)
    rest = await prune(team, apply=True)
    assert (len(rest["items"]), rest["kept"]) == (10, 1)


async def test_a_plan_keeps_to_the_space_that_it_is_for(team):
    wrong = await doubted(team, "Rotate at noon")
    general, own = await team.teach(LESSON), await team.teach("Begin on staging", space="prompt")
    assert [item["id"] for item in (await named(team, own, agent="ana", space="prompt"))["items"]] == [own]
    sentence = await refusal(team.fleet, "prune", ids=[general], reason="asked", space="prompt", agent="ana")
    assert sentence == f"ids: {general} is not in the prompt space. Leave space out."
    assert (await prune(team, space="prompt"))["items"] == []
    assert [item["id"] for item in (await prune(team, space="general"))["items"]] == [wrong]


async def test_an_own_item_is_pruned_and_brought_back_by_its_agent(team):
    own = await team.teach("Begin on staging", space="prompt")
    plan = await named(team, own, agent="ana", apply=True)
    assert [(item["id"], item["space"]) for item in plan["items"]] == [(own, "prompt")]
    assert await team.shown("ana") == {}
    await prune(team, "ana", undo=plan["plan"])
    assert list(await team.shown("ana")) == [own]


async def test_the_policy_never_shows_an_agent_the_own_items_of_another(team):
    own = await team.teach("Begin on staging", space="prompt")
    for _ in range(4):
        await team.report("ana", harmful=[own], outcome="failure")
    assert [item["id"] for item in (await prune(team, "ana"))["items"]] == [own]
    assert (await prune(team, "bob"))["items"] == []


async def test_the_reason_is_kept_for_who_looks_at_the_plan_later(team):
    item = await doubted(team)
    plan = (await prune(team, ids=[item], reason=f"the gateway is gone: {TASK}", apply=True))["plan"]
    [found] = (await prune(team, "bob", plan=plan))["items"]
    assert found["because"].startswith(f"the gateway is gone: {TASK}; reports say cy: “It expired at noon.")
