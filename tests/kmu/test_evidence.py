"""How a report changes the trust of an item."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import SHARE, SIGN, TRUST

from fleetlore.kmu.evidence import (
    LEAST_TRUST,
    MOST_TRUST,
    confirmed,
    contradicted,
    credit,
    log_odds,
    moved,
    shared,
)

NEARLY = 1e-9
RELEVANCE = SHARE


def within_bounds(trust):
    return LEAST_TRUST <= trust <= MOST_TRUST


@given(TRUST, RELEVANCE, SHARE, SIGN, st.floats(-20, 20))
def test_trust_never_leaves_its_bounds(trust, relevance, share, sign, delta):
    assert within_bounds(confirmed(trust, relevance))
    assert within_bounds(contradicted(trust, relevance, share))
    assert within_bounds(shared(trust, sign, share))
    assert within_bounds(moved(trust, delta))


@given(TRUST, RELEVANCE, SHARE)
def test_a_confirmation_never_costs_trust_and_a_contradiction_never_gives_any(trust, relevance, share):
    assert confirmed(trust, relevance) >= trust - NEARLY
    assert contradicted(trust, relevance, share) <= trust + NEARLY
    assert shared(trust, 1, share) >= trust - NEARLY
    assert shared(trust, -1, share) <= trust + NEARLY


@given(TRUST, SHARE)
def test_a_report_on_something_irrelevant_changes_nothing(trust, share):
    assert confirmed(trust, 0) == pytest.approx(trust)
    assert contradicted(trust, 0, share) == pytest.approx(trust)
    assert shared(trust, 1, 0) == pytest.approx(trust)


@given(TRUST, RELEVANCE, RELEVANCE)
def test_the_more_relevant_the_item_the_more_a_report_says(trust, one, other):
    near, far = max(one, other), min(one, other)
    assert confirmed(trust, near) >= confirmed(trust, far) - NEARLY
    assert contradicted(trust, near, 0.5) <= contradicted(trust, far, 0.5) + NEARLY


@given(TRUST, RELEVANCE, SHARE, SHARE)
def test_the_more_an_item_was_expected_the_more_its_failure_costs(trust, relevance, one, other):
    assert contradicted(trust, relevance, max(one, other)) <= contradicted(trust, relevance, min(one, other)) + NEARLY


@given(TRUST, TRUST, RELEVANCE, SHARE, SIGN)
def test_the_same_report_does_not_change_which_item_is_trusted_more(one, other, relevance, share, sign):
    less, more = sorted((one, other))
    assert confirmed(less, relevance) <= confirmed(more, relevance) + NEARLY
    assert shared(less, sign, share) <= shared(more, sign, share) + NEARLY


@given(TRUST, TRUST, RELEVANCE)
def test_an_unexpected_failure_does_not_change_which_item_is_trusted_more(one, other, relevance):
    less, more = sorted((one, other))
    assert contradicted(less, relevance, 0) <= contradicted(more, relevance, 0) + NEARLY


@given(TRUST, st.floats(-4, 4))
def test_what_a_report_did_can_be_taken_back(trust, delta):
    after = moved(trust, delta)
    assume(LEAST_TRUST < after < MOST_TRUST)
    assert moved(after, -delta) == pytest.approx(trust)


@given(TRUST, RELEVANCE)
def test_the_log_odds_of_what_a_report_did_take_it_back(trust, relevance):
    after = confirmed(trust, relevance)
    assert moved(after, log_odds(trust) - log_odds(after)) == pytest.approx(trust)


@given(st.floats(0.05, 0.8))
def test_one_confirmation_outweighs_three_misses_that_nobody_expected(trust):
    missed = trust
    for _ in range(3):
        missed = contradicted(missed, 1, 0)
    assert confirmed(missed, 1) > trust


@given(st.floats(0.05, 0.95), SHARE)
def test_an_outcome_without_names_says_less_than_a_report_that_names_the_item(trust, share):
    assert shared(trust, 1, share) < confirmed(trust, 1)
    assert shared(trust, -1, share) > contradicted(trust, 1, share)


def test_what_was_watched_starts_with_less_trust_than_what_was_done():
    assert LEAST_TRUST < credit("observation") < credit("success") == credit("failure") < MOST_TRUST
