"""Proportions and their intervals, against published figures and laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetlore.kmu.proportion import Proportion, difference


@st.composite
def proportions(draw):
    of = draw(st.integers(1, 500))
    return Proportion(successes=draw(st.integers(0, of)), of=of)


# Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
@pytest.mark.parametrize(
    ("successes", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_proportion_is_wilsons(successes, of, low, high):
    found = Proportion(successes=successes, of=of)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


# Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10.
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(one, other, low, high):
    found = difference(*(Proportion(successes=s, of=n) for s, n in (one, other)))
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_of_nothing_nothing_is_known():
    nothing = Proportion(successes=0, of=0)
    assert (nothing.share, nothing.low, nothing.high) == (None, 0.0, 1.0)
    assert difference(nothing, Proportion(successes=1, of=2)) is None


@given(proportions())
def test_a_proportion_lies_within_its_interval(found):
    assert 0 <= found.low <= found.share <= found.high <= 1


@given(proportions(), proportions())
def test_a_difference_turns_round_with_its_sides(one, other):
    there, back = difference(one, other), difference(other, one)
    assert (there.mean, there.low, there.high) == pytest.approx((-back.mean, -back.high, -back.low))
    assert -1 - 1e-9 <= there.low <= there.mean <= there.high <= 1 + 1e-9
