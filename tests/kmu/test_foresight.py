"""What is expected of an outcome, and how surprising outcomes are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SHARE

from fleetlore.kmu.foresight import expected, learnt, surprise
from fleetlore.storage.records import NO_EXPERIENCE

OUTCOMES = st.lists(st.tuples(SHARE, st.booleans()), max_size=60)


def after(outcomes):
    experience = NO_EXPERIENCE
    for prospect, success in outcomes:
        foreseen = expected(prospect, experience)
        experience = learnt(experience, prospect=prospect, foreseen=foreseen, success=success)
    return experience


@given(OUTCOMES, SHARE)
def test_what_is_expected_and_how_surprising_it_was_are_shares(outcomes, prospect):
    experience = after(outcomes)
    assert 0 <= expected(prospect, experience) <= 1
    assert 0 <= surprise(experience) < 1


@given(SHARE)
def test_at_first_the_prospect_itself_is_expected(prospect):
    assert expected(prospect, NO_EXPERIENCE) == pytest.approx(prospect)


def test_what_came_of_such_prospects_is_what_is_expected_of_the_next():
    misled = after([(0.95, number % 2 == 0) for number in range(200)])
    assert expected(0.95, misled) == pytest.approx(0.5, abs=0.05)
    assert expected(0.35, misled) == pytest.approx(0.35)


def test_a_world_that_turns_is_noticed_soon_and_one_that_does_not_raises_no_alarm():
    steady = [(0.9, number % 10 != 0) for number in range(2_000)]
    experience = NO_EXPERIENCE
    for prospect, success in steady:
        foreseen = expected(prospect, experience)
        experience = learnt(experience, prospect=prospect, foreseen=foreseen, success=success)
        assert surprise(experience) < 0.5
    failures = 0
    while surprise(experience) < 0.5:
        experience = learnt(experience, prospect=0.9, foreseen=expected(0.9, experience), success=failures % 2 == 0)
        failures += 1
    assert failures < 60


@given(st.integers(1, 300))
def test_surprise_passes_when_things_go_as_expected_again(failures):
    surprised = after([(0.9, True)] * 50 + [(0.9, False)] * failures)
    calm = surprised
    for _ in range(300):
        calm = learnt(calm, prospect=0.9, foreseen=expected(0.9, calm), success=True)
    assert surprise(calm) < 0.1
