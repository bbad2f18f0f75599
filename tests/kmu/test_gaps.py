"""Gaps: which sorts of tasks the fleet fails at, what they are called, and how much is to be gained."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import NOON

from fleetlore.kmu.gaps import REACH, gap_of, gaps, task_of, words_of
from fleetlore.storage.attempts import Attempt
from fleetlore.storage.identifiers import ItemId, ReceiptId
from fleetlore.storage.records import AgentName

CARDS, LOANS, TRIPS = np.eye(3, dtype=np.float32)
TOPICS = {"card declined": CARDS, "loan refused": LOANS, "trip booked": TRIPS}


def task(
    number, words="card declined abroad", *, outcome="failure", known=False, expected=0.5, uncertainty=0.5, agent=""
):
    attempt = Attempt(
        receipt=ReceiptId(f"r_{number:03}"),
        at=NOON,
        agent=AgentName(agent or f"agent-{number}"),
        project="",
        mode="verify" if known else "explore",
        shown=(ItemId("k_1"),) if known else (),
        control={"states": {"uncertainty": uncertainty}, "expected": expected},
        outcome=outcome,
    )
    [vector] = [vector for topic, vector in TOPICS.items() if words.startswith(topic)]
    return task_of(attempt, words=words_of(words), vector=vector)


@st.composite
def streams(draw):
    return [
        task(
            number,
            f"{draw(st.sampled_from(sorted(TOPICS)))} {draw(st.sampled_from(['here', 'abroad', 'again']))}",
            outcome=draw(st.sampled_from(["success", "failure", None])),
            known=draw(st.booleans()),
            expected=draw(st.floats(0, 1)),
            uncertainty=draw(st.floats(0, 1)),
        )
        for number in range(draw(st.integers(0, 40)))
    ]


def test_where_nothing_was_asked_there_is_no_gap():
    assert gaps([]) == ()


def test_tasks_that_fail_are_a_gap_named_by_what_they_have_in_common():
    [gap] = gaps([task(number, f"card declined {place}") for number, place in enumerate(("abroad", "abroad", "home"))])
    assert (gap.name, gap.tasks, gap.failures, gap.example) == ("card, declined", 3, 3, "r_002")
    assert gap.question == (
        "The fleet often fails at tasks about “card, declined”: what makes them work? Report what you learn."
    )


def test_of_two_tasks_both_must_share_a_word_and_one_alone_is_no_gap():
    assert [gap.name for gap in gaps([task(1, "card declined abroad"), task(2, "card declined home")])] == [
        "card, declined"
    ]
    assert gaps([task(1)]) == ()


def test_what_one_agent_asks_again_in_the_same_words_is_one_task_and_names_nothing():
    assert gaps([task(number, agent="ana") for number in range(9)]) == ()


def test_what_sets_a_gap_apart_comes_first_in_its_name():
    tasks = [task(number, f"{topic} again") for number, topic in enumerate(["card declined", "loan refused"] * 3)]
    assert {gap.name for gap in gaps(tasks)} == {"card, declined", "loan, refused"}


def test_what_succeeds_with_what_is_known_is_no_gap():
    assert gaps([task(number, outcome="success", known=True) for number in range(5)]) == ()


def test_a_gap_closes_once_most_of_its_latest_tasks_go_well_with_what_is_known():
    failed = [task(number) for number in range(30)]
    learnt = [task(number, outcome="success", known=True) for number in range(30, 41)]
    assert len(gaps(failed + learnt[:10])) == 1
    assert gaps(failed + learnt) == ()


def test_the_expected_gain_is_frequency_times_failure_times_unpredictability():
    tasks = [task(number) for number in range(4)]
    tasks += [task(number, "trip booked", outcome="success", known=True) for number in range(4, 10)]
    [gap] = gaps(tasks)
    assert gap.expected_gain == pytest.approx(4 / 10 * (1 - 1 / 6) * 1.0, abs=1e-5)


def test_what_was_expected_to_succeed_and_fails_is_unpredictable():
    sure = gaps([task(number, known=True, expected=0.9, uncertainty=0.1) for number in range(4)])
    foreseen = gaps([task(number, known=True, expected=0.2, uncertainty=0.1) for number in range(4)])
    assert sure[0].expected_gain / foreseen[0].expected_gain == pytest.approx(0.81 / 0.1, rel=1e-3)


def test_tasks_that_nobody_reports_on_are_a_gap_of_which_little_is_known():
    [gap] = gaps([task(number, outcome=None) for number in range(3)])
    assert gap.question.startswith("The fleet knows little about tasks about “")


def test_a_task_belongs_to_the_nearest_gap_within_reach_if_there_is_one():
    found = gaps([task(number, topic) for number, topic in enumerate(["card declined", "loan refused"] * 2)])
    assert gap_of(found, 0.6 * CARDS + 0.8 * LOANS).name == "loan, refused"
    assert gap_of(found, 0.9 * REACH * CARDS) is None
    assert gap_of((), CARDS) is None


def test_a_gap_keeps_its_id_when_more_of_its_tasks_come():
    tasks = [task(number) for number in range(3)]
    assert gaps(tasks)[0].id == gaps([*tasks, task(4), task(5, "card declined home")])[0].id


@given(streams())
def test_gains_are_shares_and_the_largest_comes_first(tasks):
    gains = [gap.expected_gain for gap in gaps(tasks)]
    assert gains == sorted(gains, reverse=True)
    assert all(0 <= gain <= 1 for gain in gains)


@given(streams())
def test_a_gap_names_only_words_that_its_tasks_share(tasks):
    for gap in gaps(tasks):
        for word in gap.name.split(", "):
            assert len({(one.agent, one.words) for one in tasks if word in one.words}) >= min(3, gap.tasks)


@given(streams())
def test_the_same_tasks_have_the_same_gaps(tasks):
    assert gaps(tasks) == gaps(tasks)
