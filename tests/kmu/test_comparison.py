"""The comparison agent: does an output meet what was expected?"""

import json
import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fleetlore.kmu.comparison import LineDiffers, Match, NumberOff, ValuesDiffer, compare, describe

KEY = st.text("ab.01", max_size=3)
LEAF = st.none() | st.booleans() | st.integers(-5, 5) | st.text("abc", max_size=3)
VALUE = st.recursive(LEAF, lambda child: st.lists(child, max_size=3) | st.dictionaries(KEY, child, max_size=3))
STRUCTURE = st.lists(VALUE, max_size=3) | st.dictionaries(KEY, VALUE, max_size=3)
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def spelt(value):
    """A value in one spelling, which tells apart what JSON tells apart (true from 1)."""
    return json.dumps(value, sort_keys=True)


@given(st.text())
def test_an_output_that_is_what_was_expected_matches_exactly(text):
    assert compare(text, text) == Match(how="exactly")


@given(st.text(), st.text())
def test_who_is_compared_with_whom_does_not_matter_to_a_match(one, other):
    assert isinstance(compare(one, other), Match) == isinstance(compare(other, one), Match)


@given(st.lists(st.text("abcäöü", min_size=1), min_size=1))
def test_spacing_and_case_alone_still_match(words):
    spread = "\n\t ".join(words).upper()
    assert isinstance(compare(f"  {spread}  ", " ".join(words)), Match)


@given(FINITE, st.floats(-5e-7, 5e-7))
def test_numbers_within_a_millionth_match(number, error):
    near = number * (1 + error)
    assume(math.isfinite(near))
    assert isinstance(compare(repr(near), repr(number)), Match)


@given(st.floats(-1e9, 1e9), st.floats(0.001, 10))
def test_numbers_further_apart_do_not(number, error):
    wrong = number + math.copysign(max(abs(number), 1.0) * error, number)
    assert compare(repr(wrong), repr(number)) == NumberOff(output=wrong, expected=number)


@pytest.mark.parametrize(
    ("output", "expected"), [("5", "5.0"), ("1,234.5", "1234.5"), (" 1e3\n", "1000"), ("-0", "0"), ("1e-12", "0")]
)
def test_one_number_in_two_spellings_matches(output, expected):
    assert compare(output, expected) == Match(how="as a number")


@pytest.mark.parametrize(
    ("output", "expected"), [("1,2,3", "123"), ("1,5", "15"), ("12,34", "1234"), ("1e3", "1e4"), ("5", "five")]
)
def test_a_row_of_numbers_is_not_one_number(output, expected):
    assert not isinstance(compare(output, expected), Match)


def test_what_is_no_number_is_compared_as_text():
    assert compare("nan", "NaN") == Match(how="but for spacing and case")
    assert compare("nan", "5") == LineDiffers(number=1, output="nan", expected="5")
    assert compare("inf", "1e400") == LineDiffers(number=1, output="inf", expected="1e400")


@given(STRUCTURE)
def test_the_same_json_in_another_layout_matches(value):
    shuffled = json.dumps(value, indent=3, sort_keys=True)
    assert isinstance(compare(shuffled, json.dumps(value, separators=(",", ":"))), Match)


@given(STRUCTURE, STRUCTURE)
@example({"a": {"b": 1}}, {"a.b": 1})
@example([1, 2], {"0": 1, "1": 2})
@example({"": {"a": 1}}, {"a": 1})
@example([[]], [{}])
@example([True], [1])
@example({"a": None}, {})
def test_other_json_does_not_match(one, other):
    assert isinstance(compare(json.dumps(one), json.dumps(other)), Match) == (spelt(one) == spelt(other))


def test_json_that_differs_is_told_by_its_paths():
    output = {"name": "billing", "ports": [80, 444], "debug": True, "limits": {"cpu": 2.0000001}}
    expected = {"name": "billing", "ports": [80, 443], "owner": "ana", "limits": {"cpu": 2}}
    assert compare(json.dumps(output), json.dumps(expected)) == ValuesDiffer(
        missing=("owner",), unexpected=("debug",), changed=("ports.1",)
    )


def test_a_value_that_is_no_number_is_the_same_wherever_it_stands_twice():
    assert compare("[NaN, 1]", "[NaN,1]") == Match(how="as JSON")
    assert compare("[NaN, 1]", "[2,1]") == ValuesDiffer(missing=(), unexpected=(), changed=("0",))


@pytest.mark.parametrize("digits", [20, 309, 400, 5_000])
def test_numbers_too_large_for_a_float_are_compared_all_the_same(digits):
    huge = "1" + "0" * digits
    assert isinstance(compare(f"[{huge}, 1]", f"[{huge},1]"), Match)
    assert not isinstance(compare(f"[{huge}]", f"[2{huge}]"), Match)


@pytest.mark.parametrize("depths", [(1, 50, 500), range(900, 1_000, 9), (1_000, 1_200, 1_500, 3_000, 9_000, 100_000)])
def test_json_however_deep_is_compared(depths):
    for depth in depths:
        opening, closing = "[" * depth, "]" * depth
        assert not isinstance(compare(f"{opening}1{closing}", f"{opening}2{closing}"), Match)
        assert isinstance(compare(f"{opening}1{closing}", f"{opening} 1 {closing}"), Match | LineDiffers)


@given(st.lists(st.text("abc", min_size=1), max_size=5), st.text("abc", min_size=1), st.text("xyz", min_size=1))
def test_the_first_line_that_differs_is_named(same, output, expected):
    comparison = compare("\n".join([*same, output, "tail"]), "\n".join([*same, expected, "end"]))
    assert comparison == LineDiffers(number=len(same) + 1, output=output, expected=expected)


def test_a_text_that_ends_early_differs_where_it_ends():
    assert compare("one\ntwo", "one\ntwo\nthree") == LineDiffers(number=3, output=None, expected="three")
    assert compare("one\ntwo", "one") == LineDiffers(number=2, output="two", expected=None)


@given(st.text(), st.text())
@example('{"a": 1}', "[1]")
@example("[1e400]", "[1e999, 2]")
@example('"\\ud800"', '"x"')
def test_whatever_is_compared_gives_one_sentence(output, expected):
    assert describe(compare(output, expected)).endswith(".")


@pytest.mark.parametrize(
    ("output", "expected", "sentence"),
    [
        ("ok", "ok", "The output meets what was expected, exactly."),
        ("5", "4", "The output 5 is off by +1 from the expected 4."),
        ("[1, 2]", "[1, 3, 4]", "The output's JSON differs (missing: 2; different: 1)."),
        ('{"a": 1}', '{"b": 1}', "The output's JSON differs (missing: b; not expected: a)."),
        ("a\nb", "a\nc", "Line 2 differs: expected 'c', got 'b'."),
        ("a\nb", "a", "Line 2 differs: expected nothing, got 'b'."),
    ],
)
def test_a_comparison_reads_as_a_sentence(output, expected, sentence):
    assert describe(compare(output, expected)) == sentence
