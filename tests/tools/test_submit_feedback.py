"""`submit_feedback` through the front door: what a report teaches, and what it does to what was known."""

import anyio
import pytest
from team import TASK, Team

from fleet import in_process

LESSON = "Keep the old key for a day"
WAITING = " It is provisional until other agents' outcomes bear it out."


def evidence(item):
    """What outcomes say about an item."""
    return {name: item[name] for name in ("confidence", "support", "contradiction", "agents", "status")}


# Decisions


async def test_an_insight_like_nothing_known_is_new_and_provisional(team):
    learned = await team.learnt(LESSON)
    assert learned == {
        "id": learned["id"],
        "space": "general",
        "status": "provisional",
        "decision": "new",
        "because": f"Nothing equal was known.{WAITING}",
    }


async def test_an_item_keeps_all_that_came_with_it(team):
    learnt = {"applies_when": "gateway 3.2 on Linux", "project": "acme/billing", "tags": ["keys", "ops"]}
    learnt |= {"task_type": "rotation", "kind": "fact", "reasoning": "Partners cache it."}
    item = await team.item(await team.teach(LESSON, **learnt))
    kept = {"author": "ana", "insight": LESSON, "space": "general"} | learnt
    del kept["reasoning"]
    assert {name: item[name] for name in kept} == kept
    assert item["origin"] == {
        "feedback": item["origin"]["feedback"],
        "outcome": "success",
        "assessment": ["Partners cache it."],
    }


async def test_a_lesson_without_a_condition_holds_for_its_task(team):
    assert (await team.item(await team.teach(LESSON)))["applies_when"] == TASK


@pytest.mark.parametrize("again", [LESSON, "keep the   OLD key, for a day!", "“Keep the old key for a day.”"])
async def test_the_same_insight_from_another_agent_backs_the_first(team, again):
    item = await team.teach(LESSON)
    learned = await team.learnt(again, "bob", task=TASK.upper())
    assert (learned["id"], learned["decision"]) == (item, "corroborated")
    found = await team.item(item)
    assert (found["insight"], found["support"], found["agents"]) == (LESSON, 2, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"insight": "Keep the old key for 2 days"},
        {"applies_when": "in an emergency"},
        {"insight": "Keep -D the old key"},
    ],
)
async def test_other_words_or_another_condition_make_another_lesson(team, other):
    item = await team.teach(LESSON)
    learned = await team.learnt(**{"insight": LESSON} | other, agent="bob")
    assert learned["decision"] == "new"
    assert learned["id"] != item


async def test_an_insight_that_corrects_an_item_supersedes_it(team):
    item = await team.teach(LESSON)
    learned = await team.learnt("Keep the old key for a week", "bob", replaces=[item])
    assert learned == {
        "id": learned["id"],
        "space": "general",
        "status": "provisional",
        "decision": "superseding",
        "because": f"It takes the place of {item}.{WAITING}",
    }
    old = await team.item(item)
    assert (old["status"], old["superseded_by"]) == ("superseded", learned["id"])


async def test_an_insight_against_a_harmful_item_of_the_same_condition_is_in_conflict_with_it(team):
    item = await team.teach(LESSON)
    report = await team.report("bob", harmful=[item], insight="Revoke the old key at once")
    [learned] = report["learned"]
    assert learned == {
        "id": learned["id"],
        "space": "general",
        "status": "contested",
        "decision": "conflict",
        "because": f"It contradicts {item} under the same condition; both are kept, marked.",
    }
    conflicts = {one: (await team.item(one))["conflicts_with"] for one in (item, learned["id"])}
    assert conflicts == {item: [learned["id"]], learned["id"]: [item]}
    assert await team.statuses() == {item: "contested", learned["id"]: "contested"}


async def test_an_insight_under_another_condition_conflicts_with_nothing(team):
    item = await team.teach(LESSON)
    report = await team.report("bob", harmful=[item], insight="Revoke it at once", applies_when=f"{TASK} after a leak")
    assert [learned["decision"] for learned in report["learned"]] == ["new"]
    assert (await team.item(item))["conflicts_with"] == []


@pytest.mark.parametrize("insight", ["...", "?!", " “ ” ", "— – -"])
async def test_an_insight_without_words_is_rejected_and_the_rest_of_the_report_counts(team, insight):
    item = await team.teach(LESSON)
    report = await team.report("bob", helpful=[item], replaces=[item], insight=insight)
    assert report == {
        "feedback": report["feedback"],
        "outcome": "success",
        "learned": [{"space": "general", "decision": "rejected", "because": "the insight has no words"}],
        "credited": [item],
    }
    assert await team.statuses() == {item: "provisional"}


@pytest.mark.parametrize("insight", ["", "  \n "])
async def test_without_an_insight_only_evidence_changes(team, insight):
    item = await team.teach(LESSON)
    report = await team.report("bob", helpful=[item], insight=insight)
    assert report == {"feedback": report["feedback"], "outcome": "success", "credited": [item]}
    assert list(await team.shown("cy")) == [item]


@pytest.mark.parametrize(
    ("insight", "outcome", "kind"),
    [
        ("Never delete the old key", "success", "avoid"),
        ("Don't delete the old key", "failure", "avoid"),
        ("Keep the old key", "failure", "do"),
        ("The old key expires at midnight", "observation", "fact"),
        ("Avoid midnight", "observation", "avoid"),
    ],
)
async def test_the_kind_is_read_from_the_insight_where_it_is_not_stated(team, insight, outcome, kind):
    assert (await team.item(await team.teach(insight, outcome=outcome)))["kind"] == kind


async def test_many_agents_that_learn_the_same_at_once_make_one_item(team):
    learned = []

    async def learn(agent):
        learned.append(await team.learnt(LESSON, agent))

    async with anyio.create_task_group() as agents:
        for number in range(8):
            agents.start_soon(learn, f"agent-{number}")
    assert sorted(entry["decision"] for entry in learned) == ["corroborated"] * 7 + ["new"]
    [item] = {entry["id"] for entry in learned}
    assert list(await team.shown("zoe")) == [item]
    assert (await team.item(item))["support"] == 8


# Credit and blame


async def test_the_items_that_a_report_names_gain_or_lose(team):
    good, bad, other = [await team.teach(f"{LESSON}, says {name}") for name in ("ana", "the manual", "a rumour")]
    before = {item: await team.item(item) for item in (good, bad, other)}
    report = await team.report("bob", helpful=[good], harmful=[bad])
    assert (report["credited"], report["blamed"]) == ([good], [bad])
    after = {item: await team.item(item) for item in (good, bad, other)}
    assert after[good]["confidence"] > before[good]["confidence"]
    assert after[bad]["confidence"] < before[bad]["confidence"]
    assert after[other] == before[other]
    assert [(after[item]["support"], after[item]["contradiction"]) for item in (good, bad)] == [(2, 0), (1, 1)]


async def test_a_report_without_a_receipt_may_name_what_the_agent_was_shown(team):
    item = await team.teach(LESSON)
    await team.ask("bob")
    report = await team.fleet.submit(TASK, outcome="success", agent="bob", helpful=[item])
    assert report["credited"] == [item]


async def test_credit_for_one_receipt_counts_once(team):
    item = await team.teach(LESSON)
    receipt = await team.receipt("bob")
    await team.answer("bob", receipt, helpful=[item])
    credited = await team.item(item)
    again = await team.answer("bob", receipt, helpful=[item], reasoning="It still works.")
    assert again == {"feedback": again["feedback"], "outcome": "success"}
    assert await team.item(item) == credited


async def test_a_report_that_names_an_item_and_says_it_again_credits_it_once(team):
    item = await team.teach(LESSON)
    await team.ask("bob")
    await team.fleet.submit(TASK, outcome="success", agent="bob", helpful=[item], insight=LESSON)
    twice = await team.item(item)
    assert (twice["support"], twice["agents"]) == (2, 2)


async def test_an_item_that_a_report_blames_is_not_backed_by_the_same_report(team):
    item = await team.teach(LESSON)
    report = await team.report("bob", harmful=[item], insight=LESSON)
    assert report["blamed"] == [item]
    found = await team.item(item)
    assert (found["support"], found["contradiction"]) == (1, 1)


SAYS = {
    "+": {"helpful": True},
    "-": {"harmful": True},
    "shared +": {"outcome": "success"},
    "shared -": {"outcome": "failure"},
}


async def told(data, *verdicts):
    """What is known of an item after these verdicts of agents, each under the one receipt that it got at first."""
    async with in_process(data) as fleet:
        team = Team(fleet)
        item = await team.teach(LESSON)
        receipts = {agent: await team.receipt(agent) for agent in ("bob", "cy", "dee")}
        for agent, says in verdicts:
            named = {key: [item] if value is True else value for key, value in SAYS[says].items()}
            await team.answer(agent, receipts[agent], **named)
        return evidence(await team.item(item))


@pytest.mark.parametrize(
    "said", [("+", "-"), ("-", "+"), ("+", "-", "+"), ("shared +", "+"), ("shared +", "-"), ("shared +", "shared -")]
)
async def test_the_latest_verdict_of_a_receipt_takes_the_place_of_the_earlier(tmp_path, said):
    verdicts = [("bob", says) for says in said]
    assert await told(tmp_path / "all", *verdicts) == await told(tmp_path / "last", verdicts[-1])


@pytest.mark.parametrize("between", [[("cy", "+")], [("cy", "+"), ("dee", "+")], [("cy", "-")]])
async def test_the_latest_verdict_takes_the_place_of_the_earlier_whatever_others_said_between(tmp_path, between):
    changed = await told(tmp_path / "changed", ("bob", "+"), *between, ("bob", "-"))
    straight = await told(tmp_path / "straight", *between, ("bob", "-"))
    # The filter's hazard depends on the order of reports, so that trust is the same but for that.
    assert changed == straight | {"confidence": pytest.approx(straight["confidence"], abs=0.05)}


async def test_every_lesson_of_a_receipt_that_is_answered_again_is_learnt(team):
    receipt = await team.receipt("bob")
    lessons = ["Tell the partners first", "Rotate at night", "Test with the sandbox"]
    for lesson in lessons:
        report = await team.answer("bob", receipt, insight=lesson)
        assert [learned["decision"] for learned in report["learned"]] == ["new"]
    assert sorted(item["insight"] for item in (await team.shown("cy")).values()) == sorted(lessons)


async def test_none_says_that_nothing_shown_mattered(team):
    item = await team.teach(LESSON)
    before = await team.item(item)
    report = await team.report("bob", helpful=["none"])
    assert report == {"feedback": report["feedback"], "outcome": "success"}
    assert await team.item(item) == before


async def test_an_outcome_that_names_no_items_is_shared_weakly_among_those_shown(tmp_path):
    async def confidences(name, **said):
        async with in_process(tmp_path / name) as fleet:
            team = Team(fleet)
            items = [await team.teach(f"{LESSON}, says {who}") for who in ("ana", "the manual")]
            named = {key: items if value is True else value for key, value in said.items()}
            report = await team.report("bob", **named)
            found = [await team.item(item) for item in items]
            assert sorted(report.get("credited", []) + report.get("blamed", [])) == sorted(items)
            return [item["confidence"] for item in found], {(item["support"], item["contradiction"]) for item in found}

    start = 0.8
    good, counted = await confidences("good", outcome="success")
    best, _ = await confidences("best", helpful=True)
    bad, counted_too = await confidences("bad", outcome="failure")
    worst, _ = await confidences("worst", harmful=True)
    for least, less, more, most in zip(worst, bad, good, best, strict=True):
        assert least < less < start < more < most
    assert counted == counted_too == {(1, 0)}


async def test_what_was_watched_shares_no_outcome(team):
    item = await team.teach(LESSON)
    before = await team.item(item)
    report = await team.report("bob", outcome="observation")
    assert report == {"feedback": report["feedback"], "outcome": "observation"}
    assert await team.item(item) == before


async def test_a_report_without_receipt_or_names_changes_no_item(team):
    item = await team.teach(LESSON)
    before = await team.item(item)
    await team.ask("bob")
    await team.fleet.submit(TASK, outcome="failure", agent="bob")
    assert await team.item(item) == before


async def test_what_was_watched_starts_with_less_confidence_than_what_was_done(team):
    watched, done = await team.teach("It expires at midnight", outcome="observation"), await team.teach(LESSON)
    assert 0.5 < (await team.item(watched))["confidence"] < (await team.item(done))["confidence"] < 1


# Promotion


async def test_an_item_becomes_active_by_the_outcomes_of_two_other_agents_and_falls_back_when_as_many_object(team):
    item = await team.teach(LESSON)
    seen = [await team.statuses()]
    for agent, says in (("bob", "helpful"), ("cy", "helpful"), ("dee", "harmful"), ("eve", "harmful")):
        await team.report(agent, **{says: [item]})
        seen.append(await team.statuses())
    assert [status[item] for status in seen] == ["provisional", "provisional", "active", "active", "provisional"]
    events = [event["kind"] for event in (await team.item(item))["history"]]
    assert [kind for kind in events if kind in ("promoted", "demoted")] == ["promoted", "demoted"]


async def test_an_equal_insight_of_two_other_agents_bears_an_item_out_too(team):
    item = await team.teach(LESSON)
    assert (await team.learnt(LESSON, "bob"))["status"] == "provisional"
    assert await team.learnt(LESSON, "cy") == {
        "id": item,
        "space": "general",
        "status": "active",
        "decision": "corroborated",
        "because": "The same insight under the same condition is known; your report backs it.",
    }


async def test_one_other_agent_however_often_does_not_make_an_item_active(team):
    item = await team.teach(LESSON)
    for _ in range(4):
        await team.report("bob", helpful=[item])
        await team.learnt(LESSON, "bob")
    assert await team.statuses() == {item: "provisional"}


async def test_an_agent_that_changes_its_mind_counts_by_its_latest_word(team):
    item = await team.teach(LESSON)
    for agent in ("bob", "cy"):
        await team.report(agent, helpful=[item])
    for agent in ("bob", "cy"):
        await team.report(agent, harmful=[item])
    assert await team.statuses() == {item: "provisional"}


async def test_nobody_vouches_for_himself_once_there_is_a_second_agent(team):
    item = await team.teach(LESSON)
    await team.ask("bob")
    confidence = (await team.item(item))["confidence"]
    for _ in range(3):
        await team.report("ana", helpful=[item])
        await team.report("ana", outcome="success")
        await team.learnt(LESSON, "ana")
    found = await team.item(item)
    assert (found["confidence"], found["status"], found["agents"]) == (confidence, "provisional", 1)


async def test_an_agent_alone_may_confirm_its_own_items_but_does_not_make_them_active(team):
    item = await team.teach(LESSON)
    confidence = (await team.item(item))["confidence"]
    for _ in range(3):
        await team.report("ana", helpful=[item])
    found = await team.item(item)
    assert found["confidence"] > confidence
    assert found["status"] == "provisional"


async def test_an_author_may_object_to_its_own_item(team):
    item = await team.teach(LESSON)
    await team.ask("bob")
    await team.report("ana", harmful=[item], reasoning="I was wrong.")
    assert (await team.item(item))["confidence"] < 0.8


# The own space


async def test_an_own_item_is_for_its_agent_alone(tmp_path):
    async with in_process(tmp_path, agent="ana") as ana, in_process(tmp_path, agent="bob") as bob:
        [learned] = (await ana.submit(TASK, outcome="success", insight=LESSON, space="prompt"))["learned"]
        assert (learned["space"], learned["decision"]) == ("prompt", "new")
        assert [item["id"] for item in (await ana.retrieve(TASK))["items"]] == [learned["id"]]
        assert (await bob.retrieve(TASK))["items"] == []
        assert (await bob.resource("fleetlore://general"))["items"] == []


async def test_the_same_insight_in_two_own_spaces_and_the_general_one_is_three_items(team):
    learned = [
        await team.learnt(LESSON, agent, space=space)
        for agent, space in (("ana", "prompt"), ("bob", "prompt"), ("cy", "general"))
    ]
    assert [entry["decision"] for entry in learned] == ["new"] * 3
    assert len({entry["id"] for entry in learned}) == 3


async def test_the_same_own_insight_for_another_sort_of_task_is_another_item(team):
    own = {"space": "prompt", "agent": "ana"}
    decisions = [
        (await team.learnt(LESSON, task_type=task_type, **own))["decision"]
        for task_type in ("review", "deploy", "review")
    ]
    assert decisions == ["new", "new", "corroborated"]


async def test_an_own_item_is_superseded_by_an_own_item(team):
    item = await team.teach(LESSON, space="prompt")
    learned = await team.learnt("Keep the old key for a week", space="prompt", replaces=[item])
    assert (learned["space"], learned["decision"]) == ("prompt", "superseding")


async def test_an_own_item_against_a_general_one_stays_unknown_to_everybody_else(team):
    item = await team.teach(LESSON)
    before = (await team.shown("cy"))[item]
    [learned] = (await team.report("bob", harmful=[item], insight="Revoke it at once", space="prompt"))["learned"]
    after = (await team.shown("cy"))[item]
    assert learned["id"] not in str(after)
    assert after.get("conflicts_with") is None
    assert after["status"] == before["status"] == "provisional"
    assert learned["id"] not in str(await team.item(item))


async def test_an_own_item_is_never_promoted(team):
    item = await team.teach(LESSON, "ana", space="prompt")
    for agent in ("bob", "cy", "dee"):
        await team.learnt(LESSON, agent, space="prompt")
    assert [found["id"] for found in (await team.ask("ana"))["items"]] == [item]
    assert await team.shown("eve") == {}


async def test_an_agent_judges_its_own_way_of_working_alone(fleet):
    mine = await fleet.teach(
        "Read the tests first", task="review a change", space="prompt", agent="ana", task_type="review"
    )
    await fleet.teach("Something else", agent="bob")
    confidences = []
    for _ in range(2):
        answer = await fleet.retrieve("review a change", agent="ana", task_type="review")
        [item] = [item for item in answer["items"] if item["id"] == mine]
        confidences.append(item["confidence"])
        await fleet.submit("reviewed", outcome="success", helpful=[mine], receipt=answer["receipt"], agent="ana")
    assert confidences[1] > confidences[0]
