"""A block of ours in a file of others: put in, replaced, taken out, and nothing else touched."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetlore.server.marked_block import content_of, put, take_out
from fleetlore.storage.errors import FileRefused, Refusal

FILE = Path("AGENTS.md")
BEGIN, END = "<!-- fleetlore:rules begin -->", "<!-- fleetlore:rules end -->"

# The machine may be busy with other things.
PATIENT = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

pieces = st.lists(
    st.one_of(
        st.sampled_from(["\n", "\r\n", "\r", "\ufeff", "# Rules", " ", "\t", "\x0b", "\u2028"]), st.text(max_size=5)
    )
)
texts = pieces.map("".join)
contents = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)).map("\n".join)


@PATIENT
@given(texts, contents)
def test_taking_out_what_was_put_in_gives_the_text_as_it_was(text, content):
    assert take_out(put(text, "rules", content, FILE), "rules", FILE) == text


@PATIENT
@given(texts, contents, contents)
def test_putting_again_replaces_only_the_content(text, first, second):
    once = put(text, "rules", second, FILE)
    assert put(put(text, "rules", first, FILE), "rules", second, FILE) == once
    assert content_of(once, "rules", FILE) == "".join(line + "\n" for line in second.splitlines())


@PATIENT
@given(texts, contents)
def test_two_blocks_do_not_disturb_each_other(text, content):
    rules = put(text, "rules", content, FILE)
    both = put(rules, "lessons", "- one\n", FILE)
    assert content_of(both, "lessons", FILE) == "- one\n"
    assert take_out(both, "lessons", FILE) == rules
    if text.endswith(("\n", "\r")):
        assert take_out(both, "rules", FILE) == put(text, "lessons", "- one\n", FILE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", f"{BEGIN}\na\nb\n{END}\n"),
        ("\ufeff", f"\ufeff{BEGIN}\na\nb\n{END}\n"),
        ("# Mine\n", f"# Mine\n\n{BEGIN}\na\nb\n{END}\n"),
        ("# Mine", f"# Mine\n\n{BEGIN}\na\nb\n{END}"),
        ("# Mine\r\nx\r\n", f"# Mine\r\nx\r\n\r\n{BEGIN}\r\na\r\nb\r\n{END}\r\n"),
    ],
)
def test_a_block_follows_the_file_it_comes_into(text, expected):
    assert put(text, "rules", "a\nb\n", FILE) == expected


def test_what_came_after_the_block_stays():
    text = put("# Mine\n", "rules", "a", FILE) + "\n# Later\n"
    assert put(text, "rules", "b", FILE) == f"# Mine\n\n{BEGIN}\nb\n{END}\n\n# Later\n"
    assert take_out(text, "rules", FILE) == "# Mine\n\n# Later\n"


def test_a_text_without_the_block_is_left_alone():
    assert take_out("# Mine", "rules", FILE) == "# Mine"
    assert content_of(f"a mention of `{BEGIN}` in a sentence\n", "rules", FILE) is None


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (f"# Mine\n{BEGIN}\na\n", 2, "has no end marker after it"),
        (f"# Mine\na\n{END}\n", 3, "has no begin marker before it"),
        (f"{END}\n{BEGIN}\n", 1, "has no begin marker before it"),
        (f"{BEGIN}\n{BEGIN}\na\n{END}\n{END}\n", 1, "has no end marker after it"),
        (f"{BEGIN}\na\n{END}\n{BEGIN}\nb\n{END}\n", 4, "there is a second block fleetlore:rules"),
        (f"{BEGIN}\n<!-- fleetlore:lessons begin -->\n{END}\n<!-- fleetlore:lessons end -->\n", 1, "has no end marker"),
        (f"{BEGIN}\r\r\r<!-- fleetlore:lessons end -->", 4, "has no begin marker before it"),
    ],
)
@pytest.mark.parametrize("name", ["rules", "lessons"])
def test_damaged_markers_are_refused_with_line_and_remedy(text, line, problem, name):
    if "second block" in problem:
        name = "rules"
    for act in (
        lambda: put(text, name, "c", FILE),
        lambda: take_out(text, name, FILE),
        lambda: content_of(text, name, FILE),
    ):
        with pytest.raises(FileRefused) as refused:
            act()
        assert str(refused.value).startswith(f"AGENTS.md, line {line}: ")
        assert problem in str(refused.value)
        assert str(refused.value).endswith("Nothing was changed in it.")


def test_content_cannot_close_its_own_block():
    with pytest.raises(Refusal, match="marker of a block"):
        put("", "rules", f"a\n{END}\nb", FILE)
