"""Which items answer a task, in which order, with which score."""

from collections import Counter
from dataclasses import replace
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from samples import PROJECT, SHARE, families, item

from fleetlore.kmu.ranking import Candidate, candidates, rank, relevances, select
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.search import Legs

LIMIT = st.integers(1, 8)
IDS = st.sampled_from([ItemId(f"k_{number:02}") for number in range(9)])
TEXT_LEG = st.dictionaries(IDS, st.floats(0.01, 40), max_size=9)
VECTOR_LEG = st.dictionaries(IDS, st.floats(-1, 1), max_size=9)


@st.composite
def candidate_lists(draw, **limits):
    return [Candidate(item=entry, relevance=draw(SHARE), similarity=draw(SHARE)) for entry in draw(families(**limits))]


@st.composite
def findings(draw):
    """What `select` is given: items found, ranked, and the successors and rivals of these that were not found."""
    ranked = rank(draw(candidate_lists()), project=draw(PROJECT))
    missed = draw(st.sets(st.sampled_from([entry.item.id for entry in ranked]))) if ranked else set()
    found = [entry for entry in ranked if entry.item.id not in missed]
    wanted = {other for entry in found for other in (*entry.item.conflicts_with, entry.item.superseded_by)}
    companions = {entry.item.id: entry.item for entry in ranked if entry.item.id in missed & wanted}
    own = [
        replace(entry, item=replace(entry.item, id=ItemId(f"{entry.item.id}-own"), space="prompt", conflicts_with=()))
        for entry in rank(draw(candidate_lists(most=4)), project="")
    ]
    return found, own, companions


def shown(groups):
    return [entry.item for group in groups for entry in group]


@given(candidate_lists(), PROJECT)
def test_scores_lie_above_0_and_at_most_at_1_best_first(found, project):
    scores = [entry.score for entry in rank(found, project=project)]
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(candidate_lists(), PROJECT, st.randoms())
def test_the_order_in_which_items_were_found_does_not_matter(found, project, random):
    shuffled = random.sample(found, len(found))
    assert rank(shuffled, project=project) == rank(found, project=project)


@given(SHARE, SHARE, SHARE)
def test_the_more_relevant_of_two_equally_trusted_items_never_stands_below(one, other, similarity):
    found = [Candidate(item=item(str(share)), relevance=share, similarity=similarity) for share in (one, other)]
    first, second = rank(found, project="")
    assert first.relevance >= second.relevance or first.score == second.score


@given(st.floats(0.3, 1), st.floats(0.1, 0.99))
def test_an_item_of_another_project_counts_less_until_it_is_borne_out_in_a_second_one(relevance, trust):
    def score(project, projects):
        entry = item("1", trust=trust, project=project, projects=projects)
        return rank([Candidate(item=entry, relevance=relevance, similarity=1)], project="acme/billing")[0].score

    assert score("acme/shop", 1) < score("acme/billing", 1) == score("acme/shop", 2) == score("", 0)


@given(st.floats(0.3, 1), st.floats(0.1, 0.99))
def test_what_was_superseded_counts_less(relevance, trust):
    def score(successor):
        entry = item("1", trust=trust, superseded_by=successor)
        return rank([Candidate(item=entry, relevance=relevance, similarity=1)], project="")[0].score

    assert score(ItemId("k_2")) < score(None)


@given(findings(), LIMIT)
def test_no_more_are_shown_than_asked_for_and_none_twice(found, limit):
    items = shown(select(*found, limit=limit))
    assert len(items) <= limit
    assert max(Counter(entry.id for entry in items).values(), default=1) == 1


@given(findings(), LIMIT)
def test_selecting_again_selects_the_same(found, limit):
    assert select(*found, limit=limit) == select(*found, limit=limit)


@given(findings(), LIMIT)
def test_room_for_all_shows_all_that_lives(found, limit):
    general, own, companions = found
    everything = len(general) + len(own) + len(companions)
    ids = {entry.id for entry in shown(select(general, own, companions, limit=max(1, 3 * everything)))}
    assert {entry.item.id for entry in (*general, *own) if entry.item.superseded_by is None} <= ids


@given(findings(), LIMIT)
def test_what_was_superseded_stands_only_after_its_successor_and_in_its_group(found, limit):
    for group in select(*found, limit=limit):
        ids = [entry.item.id for entry in group]
        for position, entry in enumerate(group):
            if entry.item.superseded_by is not None:
                assert entry.item.superseded_by in ids[:position]


@given(findings(), LIMIT)
def test_a_conflict_is_shown_whole_or_not_at_all(found, limit):
    general, own, companions = found
    known = {entry.item.id: entry.item for entry in general} | companions
    ids = {entry.id for entry in shown(select(general, own, companions, limit=limit))}
    for one in ids & known.keys():
        conflict = conflict_of(one, known)
        if known[one].superseded_by is None and len(conflict) <= limit:
            assert conflict <= ids


def test_a_conflict_of_three_is_one_group():
    one = item("1", trust=0.9, conflicts_with=(ItemId("k_2"),))
    two = item("2", trust=0.1, conflicts_with=(ItemId("k_1"), ItemId("k_3")))
    three = item("3", trust=0.1, conflicts_with=(ItemId("k_2"),))
    found = [Candidate(item=entry, relevance=1, similarity=1) for entry in (one, two, three, item("4", trust=0.8))]
    groups = select(rank(found, project=""), [], {}, limit=3)
    assert [[entry.item.id for entry in group] for group in groups] == [["k_1", "k_2", "k_3"]]


def conflict_of(one, known):
    """The item and all that it contradicts, and what those contradict."""
    together, open_ends = set(), [one]
    while open_ends:
        current = open_ends.pop()
        if current in known and current not in together:
            together.add(current)
            open_ends += known[current].conflicts_with
    return together


@given(findings(), LIMIT)
def test_the_own_items_come_along_on_a_quota_and_leave_room(found, limit):
    own = [entry for entry in shown(select(*found, limit=limit)) if entry.space == "prompt"]
    assert len(own) <= max(1, limit * 2 // 5)


@given(findings(), LIMIT)
def test_own_items_that_live_are_not_crowded_out_by_what_they_superseded(found, limit):
    general, own, companions = found
    living = [entry for entry in own if entry.item.superseded_by is None]
    items = shown(select(general, own, companions, limit=limit))
    assert len([entry for entry in items if entry.space == "prompt"]) >= min(len(living), max(1, limit * 2 // 5))


@given(TEXT_LEG, VECTOR_LEG)
def test_relevance_lies_between_0_and_1_for_whatever_a_leg_found(text, vector):
    found = relevances(Legs(text=text, vector=vector))
    assert found.keys() == text.keys() | vector.keys()
    assert all(0 <= relevance <= 1 for relevance in found.values())


@given(TEXT_LEG, VECTOR_LEG)
def test_what_both_legs_find_nearer_is_more_relevant(text, vector):
    found = relevances(Legs(text=text, vector=vector))
    for one, other in permutations(text.keys() & vector.keys(), 2):
        if text[one] >= text[other] and vector[one] >= vector[other]:
            assert found[one] >= found[other]


def test_what_is_neither_near_nor_shares_words_nor_quotes_the_same_name_is_no_candidate():
    far = item("1", insight="Water the plants", applies_when="in summer")
    legs = Legs(text={far.id: 3.0}, vector={far.id: 0.2})
    assert candidates("deploy the billing service", legs, {far.id: 0.9}, {far.id: far}) == []


def test_an_item_that_quotes_the_same_exact_name_is_a_candidate_however_far_it_is():
    quoting = item("1", insight="Raise the pool size", applies_when="PG-53300 under load")
    legs = Legs(text={quoting.id: 3.0}, vector={quoting.id: 0.1})
    task = "find out why nightly imports into the warehouse die with PG-53300 on replicas"
    found = candidates(task, legs, {quoting.id: 0.9}, {quoting.id: quoting})
    assert found == [Candidate(item=quoting, relevance=0.9, similarity=1.0)]


def test_a_row_that_the_ledger_does_not_know_is_no_candidate():
    legs = Legs(text={ItemId("k_orphan"): 3.0}, vector={ItemId("k_orphan"): 0.9})
    assert candidates("deploy the billing service", legs, {ItemId("k_orphan"): 0.9}, {}) == []


def test_of_items_linked_as_similar_only_the_best_is_shown_and_its_place_goes_to_the_next():
    pairs = {"1": ("k_2", "k_3"), "2": ("k_1",), "3": ("k_1",), "4": ()}
    found = [
        Candidate(item=item(name, lesson=name, similar_to=near), relevance=1 - int(name) / 10, similarity=0.9)
        for name, near in pairs.items()
    ]
    ranked = rank(found, project="")
    assert [entry.id for entry in shown(select(ranked, [], {}, limit=3))] == ["k_1", "k_4"]
    assert [entry.id for entry in shown(select([], ranked, {}, limit=9))] == ["k_1", "k_4"]
    # What is similar to what is not shown is shown.
    assert [entry.id for entry in shown(select(ranked[1:], [], {}, limit=3))] == ["k_2", "k_3", "k_4"]
