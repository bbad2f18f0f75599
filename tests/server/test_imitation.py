"""Names that look like another's, and those that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetlore.server.imitation import imitated

KNOWN = ["claude", "alice", "bob-01", "modern", "agent-11", "acme.build"]
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._@", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Claude", "claude"),
        ("c1aude", "claude"),
        ("cIaude", "claude"),
        ("clаude", "claude"),  # a Cyrillic letter
        ("ｃｌａｕｄｅ", "claude"),
        ("аlісе", "alice"),
        ("alicé", "alice"),
        ("a-l-i-c-e", "alice"),
        ("bob_01", "bob-01"),
        ("B0B-O1", "bob-01"),
        ("rnodern", "modern"),
        ("acme-build", "acme.build"),
        ("acmebuild", "acme.build"),
        ("agent11", "agent-11"),
    ],
)
def test_a_name_that_people_take_for_another_imitates_it(name, known):
    assert imitated(name, KNOWN) == known


@pytest.mark.parametrize("name", ["claude-2", "agent-1", "agent-1-1", "agent-12", "alicia", "bob", "carol", *KNOWN])
def test_a_name_of_ones_own_imitates_nobody(name):
    assert imitated(name, KNOWN) is None


@given(NAMES, NAMES)
def test_to_imitate_is_mutual_and_nobody_imitates_himself(one, other):
    assert (imitated(one, [other]) is None) == (imitated(other, [one]) is None)
    assert imitated(one, [one]) is None


@given(NAMES)
def test_case_alone_never_makes_another_name(name):
    assert imitated(name.upper(), [name]) in (name, None if name == name.upper() else name)
