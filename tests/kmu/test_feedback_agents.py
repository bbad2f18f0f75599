"""The feedback agents by rules: the outcome, why, and what kind of lesson it is."""

import pytest

from fleetlore.kmu.feedback_agents import Assessment, assess, kind_of
from fleetlore.storage.errors import Refusal

NOTHING = {"output": "", "expected": "", "helpful": (), "harmful": (), "reasoning": ""}


@pytest.mark.parametrize(("output", "outcome"), [("42.0", "success"), ("41", "failure")])
def test_auto_takes_the_outcome_from_the_comparison(output, outcome):
    assert assess("auto", **NOTHING | {"output": output, "expected": "42"}).outcome == outcome


@pytest.mark.parametrize("given", [{"output": "42"}, {"expected": "42"}, {}])
def test_auto_without_both_sides_is_refused(given):
    with pytest.raises(Refusal, match=r"^outcome: 'auto' compares output with expected"):
        assess("auto", **NOTHING | given)


def test_the_agent_has_the_last_word_and_the_difference_is_told():
    assert assess("success", **NOTHING | {"output": "41", "expected": "42"}) == Assessment(
        outcome="success",
        sentences=(
            "The output 41 is off by -1 from the expected 42.",
            "The agent reports success all the same.",
        ),
    )


def test_what_was_followed_and_what_misled_is_told_before_the_reasoning():
    followed = {"helpful": ["k_1"], "harmful": ["k_2", "k_3"], "reasoning": "The port is taken."}
    told = assess("failure", **NOTHING | followed)
    assert told == Assessment(
        outcome="failure",
        sentences=("Followed k_1, which helped.", "Was misled by k_2, k_3.", "The port is taken."),
    )


@pytest.mark.parametrize(
    ("insight", "stated", "outcome", "kind"),
    [
        ("Never restart it under load", "auto", "success", "avoid"),
        ("Do  not restart it", "auto", "failure", "avoid"),
        ("Don’t restart it", "auto", "observation", "avoid"),
        ("AVOID restarting it", "auto", "success", "avoid"),
        ("You must not restart it", "auto", "success", "avoid"),
        ("Restart it twice", "auto", "failure", "do"),
        ("Restart it unavoidably late", "auto", "success", "do"),
        ("It restarts at midnight", "auto", "observation", "fact"),
        ("Never restart it", "do", "failure", "do"),
        ("Restart it", "fact", "success", "fact"),
    ],
)
def test_a_lesson_says_itself_whether_it_warns(insight, stated, outcome, kind):
    assert kind_of(insight, stated, outcome) == kind
