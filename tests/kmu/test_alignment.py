"""What a new insight is to what is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import item

from fleetlore.kmu.alignment import (
    Conflict,
    Corroborated,
    Merged,
    New,
    Rejected,
    Returned,
    Superseding,
    align,
    sameness,
)
from fleetlore.storage.identifiers import ItemId, PlanId

KNOWN = ItemId("k_known")
RIVAL = item("rival", condition="when deploying")


def aligned(**changes):
    plain = {"insight": "Run it twice", "condition": "when deploying", "same": None, "of_gist": None}
    plain |= {"replaces": (), "harmful": ()}
    return align(**plain | changes)


def test_an_insight_like_nothing_known_is_new():
    assert aligned() == New()


@pytest.mark.parametrize("insight", ["", "   ", "...", "“?!”"])
def test_an_insight_without_words_is_rejected(insight):
    assert aligned(insight=insight, same=(KNOWN, None), replaces=(KNOWN,), harmful=(RIVAL,)) == Rejected(
        because="the insight has no words"
    )


def test_the_same_gist_is_the_same_lesson_in_other_words():
    assert aligned(of_gist=KNOWN) == Merged(item=KNOWN)
    assert aligned(of_gist=KNOWN, same=(RIVAL.id, None)) == Corroborated(item=RIVAL.id)


def test_who_corrects_an_item_or_calls_it_harmful_means_something_else_than_it_says():
    assert aligned(of_gist=KNOWN, replaces=(KNOWN,)) == Superseding(replaced=(KNOWN,))
    assert aligned(of_gist=RIVAL.id, harmful=(RIVAL,)) == Conflict(others=(RIVAL.id,))


def test_an_equal_insight_backs_the_one_that_is_known():
    assert aligned(same=(KNOWN, None), replaces=(ItemId("k_other"),), harmful=(RIVAL,)) == Corroborated(item=KNOWN)


def test_an_insight_equal_to_a_pruned_one_brings_it_back():
    assert aligned(same=(KNOWN, PlanId("p_1"))) == Returned(item=KNOWN, plan=PlanId("p_1"))


def test_an_insight_that_names_what_it_corrects_takes_its_place():
    assert aligned(replaces=(KNOWN,), harmful=(RIVAL,)) == Superseding(replaced=(KNOWN,))


def test_an_insight_against_a_harmful_item_of_the_same_condition_is_in_conflict_with_it():
    other = item("other", condition="when testing")
    assert aligned(harmful=(RIVAL, other)) == Conflict(others=(RIVAL.id,))


def test_what_was_superseded_already_is_nobodys_rival():
    assert aligned(harmful=(item("old", condition="when deploying", superseded_by=KNOWN),)) == New()


@given(st.text(), st.text(), st.text(), st.text())
def test_the_sort_of_task_belongs_to_the_condition_in_the_own_space_only(insight, condition, one, other):
    assert sameness("general", insight, condition, one) == sameness("general", insight, condition, other)
    assert (sameness("prompt", insight, condition, one) == sameness("prompt", insight, condition, other)) == (
        one == other
    )


def test_the_same_lesson_is_told_from_another_by_its_words_and_its_condition():
    told = sameness("general", "Run `make -D` first.", "On Linux", "")
    assert sameness("general", "run make -D   first", "on linux!", "") == told
    assert sameness("general", "Run `make -d` first.", "On Linux", "") != told
    assert sameness("general", "Run `make -D` first.", "On macOS", "") != told
