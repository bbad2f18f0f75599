"""How far an agent is heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SHARE

from fleetlore.kmu.reliability import counts, initial_odds, reliability, slip_after, slip_of_newcomer

NEARLY = 1e-9
SLIP = st.floats(0.02, 0.9)


@given(SLIP, SLIP)
def test_whoever_is_borne_out_less_is_never_heard_more(one, other):
    less, more = max(one, other), min(one, other)
    assert 0 < reliability(less) <= reliability(more) <= 1
    assert initial_odds(less) <= initial_odds(more) + NEARLY


def test_up_to_even_odds_an_agent_is_heard_in_full_and_from_there_on_soon_hardly():
    heard = [round(reliability(slip), 2) for slip in (0.02, 0.2, 0.5, 0.6, 0.7, 0.9)]
    assert heard == [1.0, 1.0, 1.0, 0.44, 0.18, 0.01]
    assert [counts(slip) for slip in (0.2, 0.5, 0.58, 0.6, 0.9)] == [True, True, True, False, False]


def test_a_new_name_starts_where_the_latest_new_names_came_to_but_never_better_than_the_first():
    starts = [slip_of_newcomer(latest) for latest in ([], [0.02] * 8, [0.9] * 2, [0.9] * 8)]
    assert starts == pytest.approx([0.2, 0.2, 0.375, 0.9])


@pytest.mark.parametrize(("slip", "odds"), [(0.1, 9.0), (0.2, 4.0), (0.5, 4.0), (0.8, 0.25)])
def test_a_slip_rate_below_one_half_takes_no_credit_from_new_lessons_beyond_a_first_agents(slip, odds):
    assert initial_odds(slip) == pytest.approx(odds)
    assert initial_odds(slip, observed=True) == pytest.approx(reliability(slip) * 0.65 / 0.35)


@given(st.floats(0.02, 0.9), SHARE)
def test_an_agents_slip_rate_follows_the_credit_of_its_reports_within_bounds(slip, credit):
    after = slip_after(slip, credit)
    assert 0.02 <= after <= 0.9
    assert (after <= slip + NEARLY) if 1 - credit < slip else (after >= slip - NEARLY)
