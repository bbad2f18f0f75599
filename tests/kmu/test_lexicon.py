"""Words as the deciding modules see them."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import WORDS

from fleetlore.kmu.lexicon import FUNCTION_WORDS, content_words, coverage, identifiers, normal_form, search_terms

SPACE = st.sampled_from((" ", "  ", "\n", "\t", "\r\n", " \u00a0 ", "\u2003"))


@given(st.text())
@example("“Never” run `make -D`!")
@example("ǰ̈ ΐ ŉ İstanbul")
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert normal_form(normal_form(text)) == normal_form(text)


@given(WORDS, st.lists(SPACE, min_size=8, max_size=8))
def test_spacing_does_not_matter(words, spaces):
    spaced = "".join(word + space for word, space in zip(words, spaces, strict=False))
    assert normal_form(spaces[0] + spaced) == normal_form(" ".join(words))


@given(WORDS, st.data())
def test_case_does_not_matter_to_words(words, data):
    recased = [data.draw(st.sampled_from((word.upper(), word.title(), word))) for word in words]
    assert normal_form(" ".join(recased)) == normal_form(" ".join(words))


@given(WORDS, st.data())
def test_punctuation_around_words_does_not_matter(words, data):
    wrapping = st.sampled_from(("{}.", "{},", "{};", "{}!", "{}?", "({})", "“{}”", "`{}`", "**{}**", "«{}»", "{}…"))
    wrapped = [data.draw(wrapping).format(word) for word in words]
    assert normal_form(" ".join(wrapped)) == normal_form(" ".join(words))


@given(WORDS, WORDS)
def test_other_words_or_another_order_are_another_normal_form(one, other):
    assert (normal_form(" ".join(one)) == normal_form(" ".join(other))) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("run make -D", "run make -d"),
        ("tar -X file", "tar -x file"),
        ("pass --no-cache", "pass no-cache"),
        ("return -1", "return 1"),
        ("a != b", "a = b"),
        ("a == b", "a = b"),
        ("a >= b", "a <= b"),
        ("a > b", "a < b"),
        ("a + b", "a - b"),
        ("exit 1", "exit 2"),
        ("wait 1.5 s", "wait 15 s"),
        ("pin 1.2.3", "pin 1.23"),
        ("ping before deploy", "deploy before ping"),
        ("do restart it", "do not restart it"),
        ("open .env", "open env"),
        ("a && b", "a || b"),
    ],
)
def test_flags_numbers_operators_and_order_are_meaning(one, other):
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("echo done > log", "echo done >> log"),
        ("echo done > log", "echo done log"),
        ("keep rows where a > b", "keep rows where a b"),
        ("multiply 2 * 3", "multiply 2 3"),
        ("rm build/*", "rm build/"),
        ("! grep -q error log", "grep -q error log"),
        ("git add .", "git add"),
        ("cd ..", "cd ."),
        ("declare x := 1", "declare x 1"),
        ("redirect with `>`", "redirect with `>>`"),
        ("join both with `&&`", "join both with `||`"),
        ("split it at `,`", "split it at `;`"),
    ],
)
def test_an_operator_that_stands_for_itself_is_meaning(one, other):
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize("text", ["", "   ", "...", "?!", "“”", "- – —", "\n\t"])
def test_a_text_without_words_has_an_empty_normal_form(text):
    assert normal_form(text) == ""


@pytest.mark.parametrize(
    "name",
    [
        "ERR-4012",
        "py311",
        "v2.3.0",
        "max_page_count",
        "/etc/hosts",
        "~/.ssh/config",
        "src/app/main.py",
        "main.py",
        "--dry-run",
        "ECONNREFUSED",
        "camelCase",
        "TypeError",
    ],
)
def test_an_exact_name_is_an_identifier(name):
    assert identifiers(f"after the upgrade `{name}`, again!") == {name.casefold()}


@pytest.mark.parametrize("text", ["deploy the billing service", "Restart it, please.", "a-b well-known 12 3.5", ""])
def test_plain_words_are_no_identifiers(text):
    assert identifiers(text) == frozenset()


@given(st.text())
def test_identifiers_stand_in_the_text(text):
    assert all(name in text.casefold() or name.casefold() in text.casefold() for name in identifiers(text))


@pytest.mark.parametrize("text", ["a_" * 10_000 + "$", "_" * 20_000 + "é$", "aB" * 10_000 + "$", "a/" * 10_000 + "$"])
def test_the_longest_task_is_looked_through_at_once_whatever_it_repeats(text):
    started = time.process_time()
    identifiers(text)
    assert time.process_time() - started < 0.8


def test_function_words_carry_no_topic():
    assert content_words("Why would you restart the billing service?") == {"restart", "billing", "service"}


@given(st.frozensets(WORDS.map(lambda words: words[0])), st.text())
def test_coverage_is_a_share(query, text):
    assert 0 <= coverage(query, text) <= 1


@given(WORDS)
def test_a_text_covers_its_own_words_whole(words):
    query = content_words(" ".join(words))
    assert coverage(query, " ".join(words).upper()) == (1.0 if query else 0.0)


@given(st.text(), st.integers(1, 64))
def test_search_terms_are_few_and_each_stands_once(text, limit):
    terms = search_terms(text, limit).split(" ") if search_terms(text, limit) else []
    assert len(terms) == len(set(terms)) <= limit


def test_of_a_long_task_the_exact_names_are_asked_for_first():
    task = f"{' '.join(f'word{number}' for number in range(100))} and the deploy fails with ERR-4012 in main.py"
    assert {"err", "4012", "main", "py"} <= set(search_terms(task, 110).split())
    assert not FUNCTION_WORDS & set(search_terms(task, 100).split())
