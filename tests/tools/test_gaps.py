"""Gaps through the front door: where the fleet fails, and who is asked about it."""

import pytest
from command import run
from team import TASK, Team

from fleet import in_process

FAILING = {
    "ana": "card payment declined abroad",
    "ben": "card payment declined at home",
    "dan": "card payment declined again",
}
TASKED = FAILING["ana"]
SECRET = "card payment declined abroad for Featherstonehaugh"
ABOUT = "card, declined, payment"
QUESTION = f"The fleet often fails at tasks about “{ABOUT}”: what makes them work? Report what you learn."


@pytest.fixture
async def failing(team):
    """A fleet that has failed three times at the same sort of task, and looked at what it fails at."""
    for agent, task in FAILING.items():
        await fail(team, task, agent)
    await team.fleet.resource("fleetlore://gaps")
    return team


async def fail(team, task, agent="ana"):
    receipt = await team.receipt(agent, task=task)
    await team.answer(agent, receipt, task=task, outcome="failure")


async def question(team, agent, task=TASKED, **arguments):
    return (await team.ask(agent, task=task, **arguments))["control"].get("question")


async def test_a_fleet_that_has_done_nothing_has_no_gaps(fleet):
    assert await fleet.resource("fleetlore://gaps") == {"gaps": []}


async def test_what_fails_time_and_again_is_a_gap(failing):
    [gap] = (await failing.fleet.resource("fleetlore://gaps"))["gaps"]
    assert gap == {
        "id": gap["id"],
        "name": ABOUT,
        "tasks": 3,
        "failures": 3,
        "expected_gain": 0.8,
    }


async def test_who_has_such_a_task_is_asked_once(failing):
    assert [await question(failing, "bob") for _ in range(3)] == [QUESTION, None, None]
    assert await question(failing, "cy") == QUESTION


async def test_who_has_another_task_is_not_asked(failing):
    assert await question(failing, "bob", TASK) is None


async def test_a_question_stands_in_both_forms(failing):
    text = await failing.fleet.text("retrieve_knowledge", task=TASKED, agent="bob")
    assert f'open question: "{QUESTION}"' in text.splitlines()


async def test_a_question_is_asked_where_it_fits_beside_the_items(failing):
    await failing.teach("Ask for the second factor", applies_when=TASKED)
    budgets = range(100, 280, 5)
    answers = [await failing.ask(f"agent-{budget}", task=TASKED, max_tokens=budget) for budget in budgets]
    told = [(len(answer["items"]), "question" in answer["control"]) for answer in answers]
    assert set(told) >= {(0, True), (1, False), (1, True)}
    assert told == sorted(told)


async def test_nothing_is_told_of_a_task_but_what_others_share_with_it(failing):
    for _ in range(3):
        await fail(failing, SECRET, "cy")
    gaps = await failing.fleet.resource("fleetlore://gaps")
    assert sum(gap["tasks"] for gap in gaps["gaps"]) == 6
    assert "featherstonehaugh" not in str(gaps)
    assert "featherstonehaugh" not in await question(failing, "bob")


async def test_the_words_of_one_agents_tasks_are_told_to_nobody_who_has_not_used_them(team):
    for place in ("abroad", "home", "again"):
        await fail(team, f"card payment of Featherstonehaugh declined {place}")
    assert await team.fleet.resource("fleetlore://gaps") == {"gaps": []}
    assert await question(team, "bob") == QUESTION
    whole = QUESTION.replace(ABOUT, "card, declined, featherstonehaugh, payment")
    assert await question(team, "ana") == whole


async def test_an_agent_is_told_of_the_gap_that_its_own_tasks_are(tmp_path):
    async with in_process(tmp_path, agent="ana") as fleet:
        for task in FAILING.values():
            await fail(Team(fleet), task)
        assert [gap["name"] for gap in (await fleet.resource("fleetlore://gaps"))["gaps"]] == [ABOUT]
    async with in_process(tmp_path, agent="bob") as fleet:
        assert await fleet.resource("fleetlore://gaps") == {"gaps": []}


async def test_a_gap_that_a_lesson_closes_is_gone(failing):
    item = await failing.teach("Ask for the second factor", applies_when=TASKED)
    for number in range(8):
        receipt = await failing.receipt(f"agent-{number}", task=TASKED)
        await failing.answer(f"agent-{number}", receipt, helpful=[item])
    assert await failing.fleet.resource("fleetlore://gaps") == {"gaps": []}
    assert await question(failing, "bob") is None


async def test_what_was_asked_is_remembered_by_the_next_server(tmp_path):
    for asked in (QUESTION, None):
        async with in_process(tmp_path) as fleet:
            team = Team(fleet)
            for agent, task in FAILING.items() if asked else ():
                await fail(team, task, agent)
            await fleet.resource("fleetlore://gaps")
            assert await question(team, "bob") == asked


async def test_gaps_are_found_with_the_embedder_that_a_rebuild_brought(tmp_path):
    async with in_process(tmp_path) as fleet:
        team = Team(fleet)
        for agent, task in FAILING.items():
            await fail(team, task, agent)
        await fleet.resource("fleetlore://gaps")
        assert await question(team, "bob") == QUESTION
        await run("rebuild", "--embedder", "wordllama-64", "--data", tmp_path)
        assert await question(team, "cy") is None  # until they are found anew
        [gap] = (await fleet.resource("fleetlore://gaps"))["gaps"]
        assert gap["name"] in await question(team, "cy")


async def test_without_exploration_nobody_is_asked(tmp_path):
    async with in_process(tmp_path, explore=False) as fleet:
        for agent, task in FAILING.items():
            await fail(Team(fleet), task, agent)
        assert len((await fleet.resource("fleetlore://gaps"))["gaps"]) == 1
        assert await question(Team(fleet), "bob") is None
