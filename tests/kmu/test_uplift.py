"""Uplift: what first outcomes say of knowledge."""

from hypothesis import given
from hypothesis import strategies as st
from samples import NOON, SHARE

from fleetlore.kmu.proportion import Proportion
from fleetlore.kmu.uplift import uplift
from fleetlore.storage.attempts import Attempt, Traits
from fleetlore.storage.identifiers import ItemId, ReceiptId
from fleetlore.storage.records import AgentName

ITEMS = [ItemId(f"k_{number}") for number in range(8)]
TRAITS = {item: Traits(space="general", tags=("odd",) if number % 2 else ()) for number, item in enumerate(ITEMS)}


def attempt(outcome="success", *, shown=(), near=(), held_out=False, expected=0.5, project=""):
    return Attempt(
        receipt=ReceiptId("r_1"),
        at=NOON,
        agent=AgentName("ana"),
        project=project,
        mode="verify",
        shown=tuple(shown),
        near=tuple(near),
        control={"expected": expected},
        held_out=held_out,
        answered=outcome is not None,
        outcome=outcome,
    )


@st.composite
def attempts(draw):
    held_out = draw(st.booleans())
    near = draw(st.permutations(ITEMS))
    return attempt(
        draw(st.sampled_from(["success", "failure", None])),
        shown=() if held_out else near[: draw(st.integers(0, 5))],
        near=near,
        held_out=held_out,
        expected=draw(SHARE),
        project=draw(st.sampled_from(["", "acme/billing"])),
    )


def test_of_nothing_there_is_nothing_to_say():
    found = uplift([], {})
    assert (found.receipts, found.overall.uplift, found.brier, found.bands, found.curve) == (0, None, None, (), ())


def test_a_held_out_task_counts_for_the_items_nearest_to_it():
    shown = [attempt(shown=ITEMS[:1]) for _ in range(5)]
    found = uplift([*shown, attempt("failure", near=ITEMS, held_out=True)], TRAITS)
    [item] = found.items
    assert (item.name, item.offered, item.held_out) == (
        ITEMS[0],
        Proportion(successes=5, of=5),
        Proportion(successes=0, of=1),
    )
    [tag] = found.tags
    assert (tag.name, tag.offered.of, tag.held_out.of) == ("odd", 0, 1)


def test_what_was_expected_is_judged_by_its_squared_distance_from_what_came():
    found = uplift([attempt(shown=ITEMS[:1], expected=0.9), attempt("failure", shown=ITEMS[:1], expected=0.3)], TRAITS)
    assert round(found.brier, 6) == 0.05
    assert [(band.expected, band.actual.share) for band in found.bands] == [(0.3, 0.0), (0.9, 1.0)]


def test_what_was_never_answered_is_neither_success_nor_failure():
    found = uplift([attempt(None, shown=ITEMS[:1])], TRAITS)
    assert (found.receipts, found.answered, found.overall.offered.of) == (1, 0, 0)


@given(st.lists(attempts(), max_size=60))
def test_every_first_outcome_counts_once(made):
    found = uplift(made, TRAITS)
    ended = sum(one.outcome is not None for one in made)
    assert found.overall.offered.of + found.overall.held_out.of == ended
    assert found.shown.of + found.nothing_shown.of == found.overall.offered.of
    assert sum(band.actual.of for band in found.bands) == found.shown.of
    assert sum(window.success.of for window in found.curve) == found.overall.offered.of


@given(st.lists(attempts(), min_size=1, max_size=400))
def test_the_learning_curve_ends_with_the_last_outcome(made):
    curve = uplift(made, TRAITS).curve
    assert [window.end for window in curve] == sorted({window.end for window in curve})
    assert not curve or curve[-1].end == sum(window.success.of for window in curve)
