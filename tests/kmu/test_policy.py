"""Policies that make no sense are refused."""

from datetime import timedelta

import pytest

from fleetlore.kmu.policy import Policy
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.storage.errors import FleetloreError, PolicyImpossible


@pytest.mark.parametrize(
    ("policy", "values", "sentence"),
    [
        (Policy, {"promote_after": 0}, "the policy's promote_after is 0, and must be at least 1."),
        (PrunePolicy, {"trust": 0.0}, "the policy's trust is 0.0, and must be between 0 and 1."),
        (PrunePolicy, {"trust": 1.0}, "the policy's trust is 1.0, and must be between 0 and 1."),
        (PrunePolicy, {"contradictions": 0}, "the policy's contradictions is 0, and must be at least 1."),
        (PrunePolicy, {"largest_count": 0}, "the policy's largest_count is 0, and must be at least 1."),
        (PrunePolicy, {"largest_share": 1.5}, "the policy's largest_share is 1.5, and must be from 0 to 1."),
        (
            PrunePolicy,
            {"unasked_after": timedelta(days=-1)},
            "the policy's unasked_after is -1 day, 0:00:00, and must be no negative time.",
        ),
        (PrunePolicy, {"unasked_from_reports": -1}, "the policy's unasked_from_reports is -1, and must be at least 0."),
    ],
)
def test_a_value_that_no_policy_can_have_is_refused_by_name(policy, values, sentence):
    with pytest.raises(PolicyImpossible) as refused:
        policy(**values)
    assert str(refused.value) == sentence
    assert isinstance(refused.value, FleetloreError)
    assert isinstance(refused.value, ValueError)


def test_a_policy_of_nothing_but_defaults_is_possible():
    assert Policy().prune == PrunePolicy()
