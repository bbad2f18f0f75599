"""Holding knowledge back, to measure what it is worth; and answers that depend on nothing but the store."""

import shutil
from hashlib import sha256

import pytest
from command import run
from hypothesis import given
from hypothesis import strategies as st
from team import TASK, Team, unscored

from fleet import in_process
from fleetlore.kmu.uplift import holds_out
from fleetlore.server.settings import Settings
from fleetlore.storage.errors import Refusal

LESSON = "Keep the old key for a day"


@pytest.fixture
async def held(tmp_path):
    """A team that knows something and is shown nothing."""
    async with in_process(tmp_path / "data", hold_out=1.0) as fleet:
        team = Team(fleet)
        await team.teach(LESSON)
        yield team


async def test_what_is_held_out_has_no_items_and_says_so_in_both_forms(held):
    answer = await held.ask("bob")
    assert answer == {
        "receipt": answer["receipt"],
        "control": {
            "mode": "explore",
            "advice": "Knowledge is held back this time, to measure what it is worth: "
            "go on without it, and report how it went.",
            "novelty": 1.0,
            "uncertainty": 1.0,
            "surprise": 0.0,
        },
        "held_out": True,
        "items": [],
    }
    lines = (await held.fleet.text("retrieve_knowledge", task=TASK, agent="bob")).splitlines()
    assert "held out: knowledge was held back this time, to measure what it is worth" in lines


async def test_both_forms_of_what_is_held_out_fit_into_the_smallest_budget(held):
    assert (await held.ask("bob", max_tokens=100))["held_out"]
    assert len(await held.fleet.text("retrieve_knowledge", task=TASK, agent="bob", max_tokens=100)) <= 400


async def test_a_report_on_what_was_held_out_teaches_as_any_other(held, tmp_path):
    learned = (await held.report("bob", insight=LESSON, applies_when=TASK))["learned"]
    assert [one["decision"] for one in learned] == ["corroborated"]
    async with in_process(tmp_path / "data") as fleet:
        [item] = (await fleet.retrieve(TASK, agent="cy"))["items"]
    assert (item["insight"], item["agents"]) == (LESSON, 2)


async def test_without_a_share_nothing_is_held_out(team):
    await team.teach(LESSON)
    for _ in range(5):
        assert "held_out" not in await team.ask("bob")


@given(st.integers(0), st.floats(0, 1), st.floats(0, 1))
def test_who_is_held_out_at_a_share_is_held_out_at_any_larger_one(number, one, other):
    digest = sha256(str(number).encode()).hexdigest()
    assert holds_out(digest, 1.0)
    assert not holds_out(digest, 0.0)
    assert holds_out(digest, max(one, other)) >= holds_out(digest, min(one, other))


def test_as_many_are_held_out_as_the_share_says():
    digests = [sha256(str(number).encode()).hexdigest() for number in range(2_000)]
    assert sum(holds_out(digest, 0.1) for digest in digests) == pytest.approx(200, abs=30)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(tmp_path, share):
    with pytest.raises(Refusal, match=r"hold_out: .* is no share\. Choose a number from 0 \(never\) to 1 \(always\)\."):
        Settings(data=tmp_path, hold_out=share)


async def test_without_exploration_equal_stores_give_equal_answers_but_for_the_receipt(tmp_path):
    async with in_process(tmp_path / "one", explore=False) as fleet:
        team = Team(fleet)
        for number in range(6):
            await team.teach(f"Tell partner {number} first", f"agent-{number % 3}")
            await team.report("bob", outcome="failure", reasoning="It broke.")
    # How well words fit depends a little on which rows a table's index holds already: here it holds all.
    await run("rebuild", "--data", tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    answers = {}
    for store in ("one", "other"):
        async with in_process(tmp_path / store, explore=False) as fleet:
            asked = [await Team(fleet).ask(agent, limit=limit) for agent in ("bob", "cy") for limit in (1, 3, 50)]
            answers[store] = asked
    for one, other in zip(answers["one"], answers["other"], strict=True):
        assert unscored(one["items"]) == unscored(other["items"])
        assert one["control"]["mode"] == other["control"]["mode"]
