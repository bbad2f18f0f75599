"""What a fleet learns from outcomes, and what it does not let itself be told."""

from datetime import UTC, datetime, timedelta

from team import Team

from fleet import in_process

ELSEWHERE = "print the quarterly invoices of the warehouse"


async def test_the_same_success_reported_a_hundred_times_is_one_report(team):
    item = await team.teach("Restart the daemon first")
    before = await team.item(item)
    for _ in range(100):
        await team.teach("Restart the daemon first")
    after = await team.item(item)
    assert [after[name] for name in ("support", "agents", "confidence", "status")] == [
        before[name] for name in ("support", "agents", "confidence", "status")
    ]


async def test_an_agent_that_repeats_itself_gives_less_than_two_agents_and_bears_nothing_out_alone(team):
    confidences = []
    for task, agents in ((team.task, ("cara", "cara")), (ELSEWHERE, ("cara", "dan"))):
        item = await team.teach("Restart the daemon first" if task == team.task else "Print them twice", task=task)
        for agent in ("bob", "eve"):
            receipt = await team.receipt(agent, task=task)
            await team.answer(agent, receipt, task=task, outcome="failure", harmful=[item])
        for agent in agents:
            await team.answer(agent, await team.receipt(agent, task=task), task=task, helpful=[item])
        confidences.append((await team.item(item))["confidence"])
        assert (await team.item(item))["status"] == "provisional"
    repeated, seconded = confidences
    assert 0.3 < repeated < seconded < 0.99


async def test_a_verdict_changed_back_and_forth_leaves_what_the_last_one_says(team):
    item = await team.teach("Restart the daemon first")
    once = await team.receipt("bob")
    await team.answer("bob", once, helpful=[item])
    expected = (await team.item(item))["confidence"]
    await team.answer("bob", once, outcome="failure", harmful=[item])
    for _ in range(5):
        await team.answer("bob", once, helpful=[item])
        await team.answer("bob", once, outcome="failure", harmful=[item])
    await team.answer("bob", once, helpful=[item])
    found = await team.item(item)
    assert (found["support"], found["contradiction"]) == (2, 0)
    assert abs(found["confidence"] - expected) < 0.02


async def test_a_lesson_called_harmful_in_one_place_is_doubted_in_every_other_until_it_is_borne_out(team):
    here = await team.teach("Open src/billing/export.py")
    there = await team.teach("Open src/billing/export.py", task=ELSEWHERE)
    trusted = (await team.shown("zoe", task=ELSEWHERE))[there]["confidence"]
    for agent in ("bob", "cara"):
        await team.report(agent, outcome="failure", harmful=[here])
    doubted = (await team.shown("zoe", task=ELSEWHERE))[there]["confidence"]
    assert doubted < 0.5 < trusted
    receipt = await team.receipt("dan", task=ELSEWHERE)
    await team.answer("dan", receipt, task=ELSEWHERE, helpful=[there])
    assert (await team.shown("zoe", task=ELSEWHERE))[there]["confidence"] >= trusted


async def test_another_value_of_the_same_fact_speaks_against_the_first_without_naming_it(team):
    old = await team.teach("The retry limit of the payment gateway is 5", agent="ana")
    before = (await team.item(old))["confidence"]
    for agent in ("bob", "cara", "dan"):
        await team.report(agent, outcome="failure", insight="The retry limit of the payment gateway is 7")
    shown = await team.shown("zoe")
    best = next(iter(shown.values()))
    assert best["insight"].endswith("is 7")
    assert shown[old]["confidence"] < before / 2 < best["confidence"]


async def test_another_lesson_for_the_same_task_says_nothing_against_the_first(team):
    first = await team.teach("Restart the daemon first")
    before = (await team.item(first))["confidence"]
    for agent in ("bob", "cara", "dan"):
        await team.report(agent, insight=f"Tell the {agent} team beforehand", helpful=["none"])
    assert (await team.item(first))["confidence"] == before


async def test_outcomes_worse_than_expected_put_the_whole_fleet_on_its_guard(team):
    item = await team.teach("Restart the daemon first")
    await team.teach("Print them twice", "bob", task=ELSEWHERE)
    for agent in ("bob", "cara", "dan", "eve") * 6:
        await team.report(agent, helpful=[item])
    assert (await team.ask("zoe"))["control"]["mode"] == "follow"
    for number in range(40):
        await team.report(f"agent-{number % 8}", task=ELSEWHERE, outcome="failure", helpful=["none"])
        await team.report(f"agent-{number % 8}", outcome="failure", helpful=["none"])
    control = (await team.ask("zoe"))["control"]
    assert (control["mode"], control["surprise"] >= 0.5) == ("verify", True)
    assert "worse than expected" in control["advice"]


async def test_a_clock_that_jumps_back_loses_and_distorts_nothing(tmp_path):
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    times = [now, now + timedelta(hours=1)] * 3 + [now - timedelta(days=400)] * 1000
    ticks = iter(times)
    async with in_process(tmp_path, clock=lambda: next(ticks, now)) as fleet:
        team = Team(fleet)
        item = await team.teach("Restart the daemon first")
        for agent in ("bob", "cara"):
            await team.report(agent, helpful=[item])
        found = await team.item(item)
        assert (found["support"], found["agents"], found["status"]) == (3, 3, "active")
