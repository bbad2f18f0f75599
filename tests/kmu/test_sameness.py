"""The same lesson, a similar one, another one, or its opposite: form decides, and never wrongly."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleetlore.kmu.gist import gist
from fleetlore.kmu.lexicon import normal_form
from fleetlore.kmu.sameness import Judgement, judge

# Words of every sort that a judgement turns on.
VOCABULARY = st.sampled_from(
    """restart the worker a an is are not never no always before after with without if unless there being which that by
    please use run tests pass passes deploy cache port 5432 5433 --force -D -d src/app.py ERR-4012 one two do does don't
    stopped slicing stale to set timeout = 30 > `make` [x] foo() retries: 3""".split()  # noqa: SIM905
)
SENTENCES = st.lists(VOCABULARY, max_size=10).map(" ".join)
COSINES = st.floats(-1, 1)
PLAIN = st.lists(
    st.sampled_from("restart worker deploy cache stale before without run tests queue billing stopped".split()),  # noqa: SIM905
    min_size=1,
    max_size=8,
)


@given(st.text() | SENTENCES, st.text() | SENTENCES, COSINES)
@example("", "", 0.0)
@example("the", "a", 1.0)
@example("avoid", "", 1.0)
def test_the_order_of_the_two_does_not_matter(one, other, cosine):
    assert judge(one, other, cosine=cosine) == judge(other, one, cosine=cosine)


@given(SENTENCES, st.sampled_from(("not ", "never ", "always ", "the ")), COSINES)
def test_the_order_of_two_near_ones_does_not_matter(text, more, cosine):
    assert judge(text, more + text, cosine=cosine) == judge(more + text, text, cosine=cosine)


@given(st.text() | SENTENCES, st.text() | SENTENCES, COSINES | st.just(float("nan")))
def test_confidence_is_a_share(one, other, cosine):
    assert 0 <= judge(one, other, cosine=cosine).confidence <= 1


@given(st.text() | SENTENCES, COSINES)
def test_a_text_is_the_same_as_itself_exactly_if_it_has_words(text, cosine):
    assert (judge(text, text, cosine=cosine).relation == "same") == bool(normal_form(text))


@given(SENTENCES, SENTENCES, COSINES)
def test_equal_gists_are_the_same_lesson_and_nothing_else_is(one, other, cosine):
    same = gist(one) == gist(other) != ""
    assert (judge(one, other, cosine=cosine).relation == "same") == same


@given(st.text())
@example("the")
@example("There is")
@example("“a”")
def test_only_a_text_without_words_has_no_gist(text):
    assert bool(gist(text)) == bool(normal_form(text))


@given(PLAIN)
def test_the_gist_of_a_gist_is_itself(words):
    assert gist(gist(" ".join(words))) == gist(" ".join(words))


@given(PLAIN, st.data())
def test_neither_case_nor_punctuation_nor_articles_change_a_gist(words, data):
    article = st.sampled_from(("", "", "the ", "The ", "a ", "an "))
    wrapping = st.sampled_from(("{}", "({})", "“{}”", "**{}**", "{},"))
    case = st.sampled_from((str.lower, str.upper, str.title, str.capitalize))
    nouns = {"worker", "cache", "queue", "billing", "tests", "deploy"}
    said = [
        (data.draw(article) if word in nouns else "") + data.draw(wrapping).format(data.draw(case)(word))
        for word in words
    ]
    said[0] = said[0][0].upper() + said[0][1:]
    # A capital A within a sentence would be a name.
    assert gist(" ".join(said)) == gist(" ".join(words))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Restart the worker.", "restart a worker"),
        ("The cache is stale after a deploy", "cache stale after deploy"),
        ("There is a lock on the table", "A lock is on the table"),
        ("Don’t use --force on main", "Do not use `--force` on main!"),
        ("It can't be cached", "It cannot be cached"),
        ("NEVER push to main", "Never push to main"),
        ("Please wait for five minutes", "Wait for 5 minutes"),
        ("The index is being rebuilt by the worker", "The worker is rebuilding the index"),
        ("The queue is not being drained by a worker", "A worker is not draining the queue"),
        ("Use a port that is free", "Use a free port"),
        ("The pod, which is stuck, is running", "The stuck pod is running"),
        ("intent: card_arrival", "Intent: Card-Arrival"),
        ("intent: cardArrival", "intent = card_arrival"),
        ("Run “make check” *first*", "Run `make check` first"),
        ("Wait 1.5 s", "wait 1.5 s."),
        ("Never push to main. Use a branch.", "Never push to main; use a branch"),
    ],
)
def test_the_same_lesson_in_other_grammar_is_the_same(one, other):
    same = Judgement(relation="same", confidence=0.99, because="the same words in the same order")
    assert judge(one, other, cosine=0.0) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Use port 5432", "Use port 5433"),
        ("Wait five minutes", "Wait six minutes"),
        ("pip install -e .", "pip install ."),
        ("pip install foo-bar", "pip install foo bar"),
        ("Pin numpy to 1.2.3", "Pin numpy to 1.23"),
        ("Enable the cache before the deploy", "Enable the deploy before the cache"),
        ("Run `a` and then `b`", "Run `b` and then `a`"),
        ("Run cp a b", "Run cp b"),
        ("Drop the `a` column", "Drop the column"),
        ("Plan A failed", "Plan failed"),
        ("Use option A", "Use option B"),
        ("Run make -D", "Run make -d"),
        ("chmod +X the folder", "chmod +x the folder"),
        ("Format the date with %M", "Format the date with %m"),
        ("Wait 5m", "Wait 5M"),
        ("Rename getUser", "Rename GetUser"),
        ("Retry if the upload fails", "Retry unless the upload fails"),
        ("Run the migration before the deploy", "Run the migration after the deploy"),
        ("The build needs more memory", "The build needs less memory"),
        ("Build it with the cache", "Build it without the cache"),
        ("You can restart the worker", "You must restart the worker"),
        ("Tests may fail on main", "Tests must fail on main"),
        ("The port was open", "The port is open"),
        ("Only restart the worker", "Restart the worker"),
        ("Restart only the worker", "Restart the only worker"),
        ("Restart just the worker", "Restart the worker"),
        ("A few tests are flaky", "Few tests are flaky"),
        ("Check the number of workers", "Check a number of workers"),
        ("Restart all workers", "Restart any workers"),
        ("Restart the worker", "Restart the workers"),
        ("Some versions break the build", "Versions break the build"),
        ("Turn the flag on", "Turn the flag off"),
        ("Scale the workers up", "Scale the workers down"),
        ("Copy from staging to production", "Copy from production to staging"),
        ("No, retry the upload", "No retry the upload"),
        ("Leave it as is", "Leave it as"),
        ("Do not restart; deploy", "Do not restart deploy"),
        ("git checkout -b a main", "git checkout -b main"),
        ("Edit src/app.py", "Edit src/app.pyi"),
        ("ERR-4012 means a stale token", "ERR-4013 means a stale token"),
        ("Append to the log with >>", "Append to the log with >"),
        ("Pass foo() to map", "Pass foo to map"),
        ("Annotate it as list[int]", "Annotate it as list[str]"),
        ("Write {name} in the template", "Write {{name}} in the template"),
        ("Allow 10⁶ rows", "Allow 106 rows"),
        ("The user is blocked by the admin", "The admin is blocked by the user"),
        ("The user is being blocked", "The user is blocking"),
        ("A dog licks a baby", "A baby licks a dog"),
        ("A dog is being chased by a man", "A man is being chased by a dog"),
        ("Ask the team which is affected", "Ask the affected team"),
        ("The file that is read by cron is old", "The read file by cron is old"),
        ("Compare with ==", "Compare with ==="),
        ("✅ cache the token", "❌ cache the token"),
        ("retries: -1", "retries: 1"),
        ("flag: -D", "flag: -d"),
    ],
)
def test_lessons_that_only_look_alike_are_never_the_same(one, other):
    assert judge(one, other, cosine=1.0).relation != "same"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Use port 5432", "Use port 5433"),
        ("pip install -e .", "pip install ."),
        ("Enable the cache before the deploy", "Enable the deploy before the cache"),
        ("Retry if the upload fails", "Retry unless the upload fails"),
        ("Run the migration before the deploy", "Run the migration after the deploy"),
        ("The build needs more memory", "The build needs less memory"),
        ("Build it with the cache", "Build it without the cache"),
        ("You can restart the worker", "You must restart the worker"),
        ("ERR-4012 means a stale token", "ERR-4013 means a stale token"),
        ("Restart the worker when `deploy` fails", "Restart the worker when `build` fails"),
        ("Restart the worker on ECONNRESET", "Restart the worker on EPIPE"),
        ("A dog licks a baby", "A baby licks a dog"),
        ("If the cache is not warm, wait", "If the cache is warm, wait"),
        ("Only restart the worker", "Restart the worker"),
        ("The port was open", "The port is open"),
    ],
)
def test_no_vector_brings_together_what_form_keeps_apart(one, other):
    assert judge(one, other, cosine=1.0).relation == "different"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("intent: card_arrival", "intent: card_lost"),
        ("retries: 3", "Retries = 5"),
        ("Always run the linter before pushing", "Never run the linter before pushing"),
        ("Do not use --force on main", "Use --force on main"),
        ("Don't run make -D", "Run make -D"),
        ("Avoid the legacy endpoint", "Use the legacy endpoint"),
        ("Enable the page cache in tests", "Disable the page cache in tests"),
        ("The flag does not work on Windows", "The flag works on Windows"),
        ("There is no lock on the table", "There is a lock on the table"),
        ("The API has no rate limit", "The API has a rate limit"),
        ("The token is no longer valid", "The token is valid"),
        ("The retry limit of the billing queue is 5", "The retry limit of the billing queue is 7"),
        ("Retry limit of the billing queue = five", "Retry limit of the billing queue = 7"),
        ("Set the retry limit of the billing queue to 5", "Set the retry limit of the billing queue to 7"),
        (
            "The default branch of the billing repository is `main`",
            "The default branch of the billing repository is `dev`",
        ),
    ],
)
def test_two_lessons_that_cannot_both_be_right_contradict(one, other):
    assert judge(one, other, cosine=0.0).relation == "contradicting"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("If the cache is not warm, restart the worker", "If the cache is warm, restart the worker"),
        ("A man with no shirt is running", "A man with shirt is running"),
        ("The upload may not work on Windows", "The upload may work on Windows"),
        ("Some uploads do not work", "Some uploads work"),
        ("Not only the worker is stuck", "Only the worker is stuck"),
        ("Not pinning versions breaks builds", "Pinning versions breaks builds"),
        ("A valid port of the billing service is 5432", "A valid port of the billing service is 5433"),
        ("Wait 5 minutes for the billing queue", "Wait 7 minutes for the billing queue"),
        ("The port is 5432", "The port is 5433"),
        ("If the retry limit of the billing queue is 5, wait", "If the retry limit of the billing queue is 7, wait"),
        ("No, use the legacy endpoint", "Use the legacy endpoint"),
        ("https://a.example", "https://b.example"),
        ("intent: card_lost", "topic: card_arrival"),
        ("the", ""),
    ],
)
def test_lessons_that_may_both_be_right_do_not_contradict(one, other):
    assert judge(one, other, cosine=1.0).relation != "contradicting"


@pytest.mark.parametrize(
    ("one", "other", "cosine"),
    [
        ("Always run the linter before pushing", "Run the linter before you push", 0.87),
        ("Rebuild the image when dependencies change", "Rebuild the image when the dependencies changed", 0.97),
        ("The onion is being sliced in the small kitchen", "The onion is being cut in the small kitchen", 0.97),
    ],
)
def test_a_lesson_that_says_hardly_more_or_nearly_the_same_is_similar(one, other, cosine):
    assert judge(one, other, cosine=cosine).relation == "similar"
    assert judge(one, other, cosine=0.5).relation == "different"


@pytest.mark.parametrize(
    "text",
    [
        "a " * 10_000,
        "* " * 10_000,
        "*" * 10_000 + "a",
        '".' * 10_000 + "x",
        "not " * 5_000,
        "(`" * 10_000,
        "İ" * 20_000,
    ],
)
def test_the_longest_insight_is_judged_at_once_whatever_it_repeats(text):
    def seconds(insight):
        """Of this thread alone, and without what the first time costs."""
        spent = []
        for _ in range(3):
            started = time.thread_time()
            judge(insight, f"{insight} x", cosine=0.9)
            spent.append(time.thread_time() - started)
        return min(spent)

    # Ten times as long takes ten times the time; what goes over the text again for each part of it takes a hundred.
    assert seconds(text) < 30 * seconds(text[: len(text) // 10]) + 0.1
