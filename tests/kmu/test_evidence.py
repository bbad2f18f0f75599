"""How reports change trust."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from samples import SHARE, SIGN, TRUST

from fleetlore.kmu.evidence import (
    LEAST_TRUST,
    MOST_TRUST,
    Neighbour,
    confirmed,
    failed,
    living,
    log_odds,
    moved,
    shared,
    weigh,
    weight_of_evidence,
)
from fleetlore.storage.records import Experience

NEARLY = 1e-9
RELEVANCE = SHARE
CONFIRMATION = st.floats(0.01, 0.95)


def within_bounds(trust):
    return LEAST_TRUST <= trust <= MOST_TRUST


@given(TRUST, RELEVANCE, SHARE, SHARE, CONFIRMATION, SIGN, st.floats(-20, 20))
def test_trust_never_leaves_its_bounds(trust, relevance, share, credit, confirmation, sign, delta):
    assert within_bounds(confirmed(trust, relevance, confirmation))
    assert within_bounds(failed(trust, relevance, share, credit, confirmation))
    assert within_bounds(shared(trust, sign, share))
    assert within_bounds(moved(trust, delta))


@given(TRUST, RELEVANCE, SHARE, SHARE, CONFIRMATION)
def test_a_confirmation_never_costs_trust_and_a_failure_never_gives_any(trust, relevance, share, credit, confirmation):
    assert confirmed(trust, relevance, confirmation) >= trust - NEARLY
    assert failed(trust, relevance, share, credit, confirmation) <= trust + NEARLY
    assert shared(trust, 1, share) >= trust - NEARLY
    assert shared(trust, -1, share) <= trust + NEARLY


@given(TRUST, SHARE, SHARE, CONFIRMATION)
def test_a_report_on_something_irrelevant_changes_nothing(trust, share, credit, confirmation):
    assert confirmed(trust, 0, confirmation) == pytest.approx(trust)
    assert failed(trust, 0, share, credit, confirmation) == pytest.approx(trust)
    assert shared(trust, 1, 0) == pytest.approx(trust)


@given(TRUST, RELEVANCE, RELEVANCE, CONFIRMATION)
def test_the_more_relevant_the_item_the_more_a_report_says(trust, one, other, confirmation):
    near, far = max(one, other), min(one, other)
    assert confirmed(trust, near, confirmation) >= confirmed(trust, far, confirmation) - NEARLY
    assert failed(trust, near, 0.5, 0.8, confirmation) <= failed(trust, far, 0.5, 0.8, confirmation) + NEARLY


@given(TRUST, RELEVANCE, SHARE, SHARE, CONFIRMATION)
def test_the_more_an_item_was_expected_the_more_its_failure_costs(trust, relevance, one, other, confirmation):
    more, less = max(one, other), min(one, other)
    assert (
        failed(trust, relevance, more, 0.8, confirmation) <= failed(trust, relevance, less, 0.8, confirmation) + NEARLY
    )


@given(TRUST, st.floats(-4, 4))
def test_what_a_report_did_can_be_taken_back(trust, delta):
    after = moved(trust, delta)
    assume(LEAST_TRUST < after < MOST_TRUST)
    assert moved(after, -delta) == pytest.approx(trust)


@given(TRUST, RELEVANCE)
def test_the_log_odds_of_what_a_report_did_take_it_back(trust, relevance):
    after = confirmed(trust, relevance, 0.2)
    assert moved(after, log_odds(trust) - log_odds(after)) == pytest.approx(trust)


@given(st.floats(0.05, 0.8))
def test_one_confirmation_outweighs_three_misses_that_nobody_expected(trust):
    missed = trust
    for _ in range(3):
        missed = failed(missed, 1, 0, 0.8, 0.2)
    assert confirmed(missed, 1, 0.2) > trust


def weighed(lesson, *neighbours, outcome="success", slip=0.2, named=(), experience=None):
    return weigh(
        lesson,
        {f"k_{number}": neighbour for number, neighbour in enumerate(neighbours)},
        slip=slip,
        outcome=outcome,
        exclusive=True,
        named=named,
        experience=experience or Experience(reports=10_000),
    )


def neighbour(lesson, *, trust=0.8, relevance=1.0, others=True, contradicts=False):
    return Neighbour(relevance=relevance, trust=trust, lesson=lesson, others=others, contradicts=contradicts)


def test_a_report_confirms_what_others_said_and_doubts_what_contradicts_it():
    weighing = weighed("a", neighbour("a"), neighbour("b", contradicts=True))
    assert weighing.trusts["k_0"] > 0.8 > weighing.trusts["k_1"]
    assert weighing.expected == pytest.approx(0.5)


def test_a_text_that_differs_is_no_evidence_against_an_item():
    assert weighed("a", neighbour("b"), neighbour("c")).trusts == {}


def test_nobody_vouches_for_himself_but_everybody_may_contradict_himself():
    weighing = weighed("a", neighbour("a", others=False), neighbour("b", others=False, contradicts=True))
    assert weighing.trusts.keys() == {"k_1"}


def test_an_observation_confirms_and_does_not_accuse():
    weighing = weighed("a", neighbour("a"), neighbour("b", contradicts=True), outcome="observation")
    assert weighing.trusts.keys() == {"k_0"}


def test_items_that_the_report_names_are_left_to_it():
    assert weighed("a", neighbour("a"), named=("k_0",)).trusts == {}


def test_a_newcomer_is_credited_as_far_as_others_vouch_for_what_it_says():
    alone = weighed("a", neighbour("b", contradicts=True)).credit
    seconded = weighed("a", neighbour("a"), neighbour("b", contradicts=True)).credit
    own = weighed("a", neighbour("a", others=False), neighbour("b", contradicts=True)).credit
    assert own == alone < 0.5 < seconded


def test_what_nobody_could_know_yet_is_credited_to_its_author():
    first = weighed("a", experience=Experience())
    assert first.credit == pytest.approx(0.8)
    assert weighed("a", experience=Experience(), slip=0.4).credit == first.credit
    assert weighed("a", experience=Experience(), slip=0.1).credit == pytest.approx(0.9)
    assert weighed("a", experience=Experience(), slip=0.8).credit == pytest.approx(0.2)
    assert weighed("a", experience=Experience(), outcome="observation").credit == pytest.approx(0.65)


def test_where_nothing_known_speaks_against_it_a_new_lesson_stays_credible():
    assert weighed("a", neighbour("b"), neighbour("c")).credit == pytest.approx(0.8)
    assert weighed("a").credit == pytest.approx(0.8)


def test_a_lesson_that_agents_call_harmful_is_right_nowhere_unless_such_lessons_come_back():
    young, dying = Experience(), Experience(blamed=50, revived=0)
    competing = Experience(blamed=50, revived=50)
    assert living(0, young) == living(0, dying) == 1.0
    assert 0.95 > living(1, young) > living(2, young) > living(2, dying)
    assert living(1, dying) < 0.5
    assert living(3, competing) > 0.9


def test_the_weight_of_evidence_is_the_one_that_foresaw_the_reports_and_the_usual_one_in_doubt():
    assert weight_of_evidence(Experience()) == 1
    assert weight_of_evidence(Experience(weights=(10.5, 10.2, 10.0, 9.0))) == 1
    assert weight_of_evidence(Experience(weights=(14.0, 11.0, 10.0, 9.0))) == 0
    assert weight_of_evidence(Experience(weights=(4.0, 11.0, 10.0, 19.0))) == 1.5


def test_experience_counts_reports_how_often_near_votes_are_confirmed_and_which_weight_foresaw_them():
    doubted = neighbour("b", trust=0.1, contradicts=True)
    experience = weighed("a", neighbour("a", relevance=0.9), doubted, experience=Experience()).experience
    assert (experience.reports, experience.near) == (1, 1)
    assert experience.confirmed == pytest.approx(0.9 * 0.8 / (0.9 * 0.8 + 0.1))
    assert experience.weights == (0, 1, 1, 1)


def test_what_an_agent_says_that_is_hardly_ever_borne_out_does_next_to_nothing_to_what_others_said():
    usual = weighed("a", neighbour("a"), neighbour("b", contradicts=True))
    doubted = weighed("a", neighbour("a"), neighbour("b", contradicts=True), slip=0.9)
    assert usual.trusts["k_0"] - 0.8 > 0.1 > 5 * (doubted.trusts["k_0"] - 0.8)
    assert 0.8 - usual.trusts["k_1"] > 0.1 > 5 * (0.8 - doubted.trusts["k_1"])


def test_it_does_not_teach_what_evidence_is_worth_either():
    before = Experience(reports=100, near=50, confirmed=20, weights=(10.0, 10.0, 10.0, 10.0))
    near = (neighbour("a"), neighbour("b", trust=0.1, contradicts=True))
    usual, doubted = (weighed("a", *near, slip=slip, experience=before).experience for slip in (0.2, 0.9))
    assert usual.near == pytest.approx(50 * 0.999 + 1)
    assert doubted.near == pytest.approx(50, abs=0.02)
    assert max(abs(one - 10) for one in doubted.weights) < 0.02 < max(abs(one - 10) for one in usual.weights)


def test_a_minority_that_agrees_with_itself_bears_nobody_out():
    accomplice = neighbour("lie")
    honest = [neighbour("truth", contradicts=True) for _ in range(3)]
    lie = weighed("lie", accomplice, *honest)
    assert lie.credit > 0.9
    assert lie.borne_out < 0.8  # the slip rate of an agent of .2 rises
    truth = weighed("truth", neighbour("lie", contradicts=True), *[neighbour("truth") for _ in range(3)])
    assert truth.borne_out == 0.99
