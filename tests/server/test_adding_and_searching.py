"""`fleetlore add` and `fleetlore search`: a person tells the fleet something and finds what it knows."""

import json

import pytest
from command import run, told
from hypothesis import given
from hypothesis import strategies as st

from fleet import in_process
from fleetlore.kmu.finding import needles, words_of
from fleetlore.storage.errors import DataDirectoryUnusable, Refusal
from fleetlore.storage.people_view import as_stored

KEYS = "Keep the old signing key for a day"
POOL = "ERR-4012 means that the connection pool is full"
MUELLER = "Never restart the Müller gateway; Ключ first"


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def data(anyio_backend, tmp_path_factory):
    """A memory of three general items and one of bob's own."""
    folder = tmp_path_factory.mktemp("people") / "data"
    async with in_process(folder, project="acme/billing") as fleet:
        await fleet.teach(KEYS, task="rotating keys", tags=["keys", "rotation"])
        await fleet.teach(POOL, task="a full connection pool", project="acme/shop")
        await fleet.teach(MUELLER, task="gateway restarts")
        await fleet.teach("Read the signing diff twice", task="review", space="prompt", task_type="review", agent="bob")
    return folder


async def insights(data, *query, **options):
    return [item["insight"] for item in (await told("search", *query, "--data", data, **options))["items"]]


async def test_what_a_person_adds_is_provisional_and_agents_are_shown_it(tmp_path):
    learned = await told("add", KEYS, "--applies-when", "rotating signing keys", "--agent", "ana", "--data", tmp_path)
    assert {name: learned[name] for name in ("status", "decision", "space", "agent")} == {
        "status": "provisional",
        "decision": "new",
        "space": "general",
        "agent": "ana",
    }
    async with in_process(tmp_path) as fleet:
        [item] = (await fleet.retrieve("rotate the signing keys"))["items"]
    assert (item["id"], item["insight"], item["kind"]) == (learned["id"], KEYS, "fact")


async def test_adding_the_same_again_backs_it_and_says_what_comes_next(tmp_path):
    first = await told("add", KEYS, "--agent", "ana", "--data", tmp_path)
    text = await run("add", "-", "--agent", "bob", "--data", tmp_path, given=f"{KEYS}\n")
    assert text.splitlines() == [
        f"{first['id']}  provisional  corroborated: The same insight under the same condition is known; "
        "your report backs it.",
        f"next: fleetlore show {first['id']}; to word it anew: fleetlore edit {first['id']}",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["  "], "insight: it has no words"),
        (["x" * 4_001], "insight: it has 4,001 characters, at most 4,000 are allowed"),
        ([KEYS, "--tag", "a\nb"], "tags: an entry has line breaks"),
        (["\udcff"], "insight: it has half of a surrogate pair"),
        (["…"], "insight: it has no words"),
    ],
)
async def test_what_cannot_be_stored_is_refused(tmp_path, arguments, sentence):
    with pytest.raises(Refusal, match=sentence):
        await run("add", *arguments, "--data", tmp_path / "data")


async def test_a_search_finds_the_items_with_the_most_telling_words(data):
    assert await insights(data, "signing", "key") == [KEYS]
    assert await insights(data, "connection pool") == [POOL]
    assert await insights(data, "rotat") == [KEYS]  # the beginning of a word counts too


async def test_an_exact_name_comes_first(data):
    found = await insights(data, "signing key gateway err-4012")
    assert found[0] == POOL
    assert set(found) == {KEYS, POOL, MUELLER}


@pytest.mark.parametrize("word", ["müller", "MÜLLER", "Müller", "ключ", "Ключ"])
async def test_letters_beyond_ascii_are_found_in_either_case(data, word):
    assert await insights(data, word) == [MUELLER]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--tag", "keys", "--tag", "rotation"], [KEYS]),
        (["--tag", "keys", "--tag", "other"], []),
        (["--project", "acme/shop"], [POOL]),
        (["--status", "provisional", "pool"], [POOL]),
        (["--status", "active"], []),
        (["--space", "prompt"], []),
        (["--space", "prompt", "--agent", "bob"], ["Read the signing diff twice"]),
    ],
)
async def test_filters_narrow_a_search_down(data, options, expected):
    assert await insights(data, *options) == expected


async def test_nobody_finds_anothers_own_items(data):
    assert await insights(data, "diff") == []
    assert await insights(data, "diff", "--agent", "bob") == ["Read the signing diff twice"]


async def test_a_limit_says_how_many_more_there_are(data):
    found = await told("search", "--limit", "1", "--data", data)
    assert (len(found["items"]), found["more"]) == (1, 2)
    assert "2 more: --limit 3; next: fleetlore show k_" in await run("search", "--limit", "1", "--data", data)


async def test_nothing_found_says_what_to_do(data):
    assert (await run("search", "zebra", "--data", data)).startswith(
        'nothing found for "zebra". Try other or fewer words'
    )
    for nothing in ("!!", "→", "\U0001f600"):
        assert (await run("search", nothing, "--data", data)).startswith(f'nothing found for "{nothing}"')
    assert "Try without --project" in await run("search", "zebra", "--tag", "x", "--data", data)


@pytest.mark.parametrize("query", ["%", "'", '"; DROP TABLE items; --', "_", "\\", "insight", "\\u00fc"])
async def test_a_query_is_only_text(data, query):
    await run("search", "--data", data, "--", query)
    assert len(await insights(data)) == 3


async def test_what_was_pruned_is_not_found(tmp_path):
    item = (await told("add", KEYS, "--data", tmp_path))["id"]
    await run("prune", item, "--reason", "test", "--apply", "--data", tmp_path)
    assert await run("search", "signing", "--data", tmp_path) != ""
    assert await insights(tmp_path, "signing") == []


async def test_a_search_without_data_is_refused(tmp_path):
    with pytest.raises(DataDirectoryUnusable, match="there is no fleetlore data in it yet"):
        await run("search", "x", "--data", tmp_path)


@given(st.text(st.characters(categories=("L", "N", "Zs", "P")), min_size=1, max_size=60))
def test_the_ledger_is_never_asked_for_what_does_not_stand_in_a_text_with_these_words(text):
    """Every word of a text in lower case is found in the text as the ledger keeps it, its ASCII in lower case."""
    kept = json.dumps({"insight": text.lower()}).lower()
    assert [needle for needle in needles(words_of(text)) if as_stored(needle) not in kept] == []
