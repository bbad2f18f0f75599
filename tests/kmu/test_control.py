"""The controller: from what was found to a mode, an advice and three numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SHARE, families, item

from fleetlore.kmu import control as controller
from fleetlore.kmu.control import Control, States, states_of
from fleetlore.kmu.ranking import Candidate, Ranked, rank
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import NO_EXPERIENCE, Evidence, Experience


@st.composite
def shown_lists(draw):
    found = [Candidate(item=entry, relevance=draw(SHARE), similarity=draw(SHARE)) for entry in draw(families())]
    return rank(found, project="")


def shown(name="1", *, score=0.8, similarity=0.9, **changes):
    entry = item(name, **changes)
    return Ranked(item=entry, relevance=1.0, similarity=similarity, trust=entry.evidence.trust, score=score)


def control(entries, experience=NO_EXPERIENCE):
    return controller.control(entries, states_of(entries, experience), experience, weight=1.0)


@given(shown_lists())
def test_the_three_numbers_lie_between_0_and_1(entries):
    word = control(entries)
    assert all(0 <= number <= 1 for number in (word.novelty, word.uncertainty, word.surprise))
    assert word.advice.endswith(".")


@given(shown_lists())
def test_nothing_is_followed_that_is_contested_or_not_borne_out(entries):
    living = [entry for entry in entries if entry.item.superseded_by is None]
    if control(entries).mode == "follow":
        assert living[0].item.status == "active"
        assert "contested" not in {entry.item.status for entry in living}


@pytest.mark.parametrize("entries", [[], [shown(superseded_by=ItemId("k_2"))]])
def test_where_nothing_living_is_known_one_explores(entries):
    assert control(entries) == Control(
        mode="explore",
        advice="Nothing reliable is known here: try, and report what you learn.",
        states=States(),
        expected=0.0,
        weight=1.0,
        because=("nothing relevant is known: explore",),
    )


@pytest.mark.parametrize(
    ("entry", "mode"),
    [
        (shown(trust=0.95, stage="active"), "follow"),
        (shown(trust=0.95), "verify"),
        (shown(trust=0.7, stage="active"), "verify"),
        (shown(trust=0.95, stage="active", conflicts_with=(ItemId("k_2"),)), "verify"),
        (shown(trust=0.3, stage="active"), "explore"),
    ],
)
def test_the_mode_says_how_far_to_rely_on_what_is_known(entry, mode):
    assert control([entry]).mode == mode


def test_one_contested_item_among_reliable_ones_is_checked_first():
    entries = [
        shown(trust=0.95, stage="active"),
        shown("2", score=0.1, stage="active", conflicts_with=(ItemId("k_3"),)),
    ]
    assert control(entries).mode == "verify"


def test_the_numbers_are_weighted_by_score():
    borne_out = shown(trust=0.9, score=0.9, similarity=0.8, stage="active")
    objected = Ranked(
        item=item("2", evidence=Evidence(trust=0.1, support=1, contradiction=4)),
        relevance=0.5,
        similarity=0.4,
        trust=0.1,
        score=0.1,
    )
    word = control([borne_out, objected])
    assert (word.novelty, word.uncertainty, word.surprise) == (0.2, 0.18, 0.08)


def test_only_what_nobody_else_says_of_an_agent_that_is_hardly_ever_borne_out_is_not_admitted():
    assert controller.admits(credit=0.02, slip=0.5)
    assert controller.admits(credit=0.5, slip=0.9)
    assert not controller.admits(credit=0.02, slip=0.9)


def test_consolidation_is_due_by_what_waits_and_sooner_when_outcomes_surprise():
    assert not controller.consolidates(States(load=0.9))
    assert controller.consolidates(States(load=1.0))
    assert controller.consolidates(States(load=0.1, fleet_surprise=0.6))
    assert [controller.due(items) for items in (0, 1_000, 100_000)] == [20, 20, 2_000]


def test_every_word_names_the_states_that_led_to_it():
    doubtful = control([shown(trust=0.6)])
    assert doubtful.because == ("uncertainty 0.4 above 0.25: verify", "k_1, the best, is provisional: verify")
    assert control([shown(trust=0.95, stage="active")]).because == ("borne out and uncontested: follow",)


def test_a_rival_for_the_same_subject_makes_the_leading_lesson_uncertain():
    alone = [shown(trust=0.9, slot="s", lesson="a")]
    rivalled = [*alone, shown("2", trust=0.9, slot="s", lesson="b")]
    assert control(rivalled).uncertainty > control(alone).uncertainty


def test_when_the_fleet_is_surprised_even_what_is_borne_out_is_checked():
    borne_out = [shown(trust=0.95, stage="active")]
    word = control(borne_out, Experience(surprise=10.0))
    assert (word.mode, word.surprise) == ("verify", 0.56)
    assert word.advice.startswith("Outcomes are worse than expected")
