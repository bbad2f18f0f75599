"""When a provisional item becomes active, and when it falls back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import TRUST

from fleetlore.kmu.promotion import stage_of

STAGE = st.sampled_from(("provisional", "active"))
COUNT = st.integers(0, 6)
REQUIRED = st.integers(1, 4)


@pytest.mark.parametrize(
    ("current", "backers", "objectors", "trust", "stage"),
    [
        ("provisional", 0, 0, 0.99, "provisional"),
        ("provisional", 1, 0, 0.99, "provisional"),
        ("provisional", 2, 0, 0.9, "active"),
        ("provisional", 2, 0, 0.49, "provisional"),
        ("provisional", 2, 2, 0.9, "provisional"),
        ("provisional", 3, 2, 0.9, "active"),
        ("active", 2, 0, 0.9, "active"),
        ("active", 2, 1, 0.9, "active"),
        ("active", 2, 1, 0.1, "active"),
        ("active", 2, 2, 0.9, "provisional"),
        ("active", 1, 0, 0.9, "active"),
        ("active", 0, 1, 0.9, "provisional"),
    ],
)
def test_outcomes_of_other_agents_decide_the_stage(current, backers, objectors, trust, stage):
    assert stage_of(current, backers=backers, objectors=objectors, trust=trust) == stage


@given(STAGE, COUNT, COUNT, TRUST, REQUIRED)
def test_deciding_twice_changes_nothing(current, backers, objectors, trust, required):
    counts = {"backers": backers, "objectors": objectors, "trust": trust, "required": required}
    stage = stage_of(current, **counts)
    assert stage_of(stage, **counts) == stage


@given(COUNT, COUNT, TRUST, REQUIRED)
def test_nothing_becomes_active_without_the_backers_it_needs(backers, objectors, trust, required):
    stage = stage_of("provisional", backers=backers, objectors=objectors, trust=trust, required=required)
    assert stage == "provisional" or (backers >= required and backers > objectors)


@given(STAGE, COUNT, COUNT, TRUST, REQUIRED)
def test_one_more_backer_never_demotes_and_one_more_objector_never_promotes(
    current, backers, objectors, trust, required
):
    def active(more_backers, more_objectors):
        counts = {"backers": backers + more_backers, "objectors": objectors + more_objectors}
        return stage_of(current, **counts, trust=trust, required=required) == "active"

    assert active(1, 0) >= active(0, 0) >= active(0, 1)
