"""What consolidation does about items that are like one another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import item

from fleetlore.kmu.alignment import sameness
from fleetlore.kmu.contradiction import subject_of
from fleetlore.kmu.joining import comparable, joined, outdone, relate
from fleetlore.storage.records import Evidence

INSIGHTS = (
    "Run the migration first",
    "Run migration first",
    "run a migration first",
    "Run the migration first, always",
    "Never run the migration first",
    "Use port 8080",
    "intent: card_arrival",
    "intent: card-arrival",
    "intent: lost_card",
)
CONDITIONS = ("deploying the billing service", "deploying billing service", "deploying the shop", "my card is lost")


def lesson(name, insight, condition, **changes):
    """An item with the digests that it would have."""
    said, when, _ = sameness("general", insight, condition, "")
    plain = item(name, insight=insight, applies_when=condition, digest=f"{said}|{when}", condition=when, lesson=said)
    return replace(plain, slot=subject_of(insight), **changes)


@st.composite
def stores(draw):
    """Items of several agents, no two with one digest."""
    pairs = draw(st.lists(st.tuples(st.sampled_from(INSIGHTS), st.sampled_from(CONDITIONS)), min_size=2, max_size=7))
    made = [
        lesson(
            f"{number:02}",
            insight,
            condition,
            stage=draw(st.sampled_from(("provisional", "active"))),
            tags=draw(st.sampled_from(((), ("keys",)))),
            evidence=Evidence(trust=draw(st.floats(0.05, 0.95)), contradiction=draw(st.integers(0, 2)), agents=1),
        )
        for number, (insight, condition) in enumerate(pairs)
    ]
    return list({one.digest: one for one in reversed(made)}.values())


def related(items):
    pairs = [(one, other) for one in items for other in items if comparable(one, other)]
    found = [relate(one, other, conditions=0.95, insights=0.95) for one, other in pairs]
    return [relation for relation in found if relation is not None]


def decided(items):
    return joined(related(items), {one.id: one for one in items}, {})


def applied(items, lines):
    """The items after what was decided."""
    after = {one.id: one for one in items}
    for line in lines:
        if line.act == "merge":
            del after[line.item]
        if line.act == "supersede":
            after[line.item] = replace(after[line.item], superseded_by=line.other)
        for one, other in ((line.item, line.other), (line.other, line.item)):
            if line.act == "link":
                after[one] = replace(after[one], similar_to=(*after[one].similar_to, other))
            if line.act == "conflict":
                after[one] = replace(after[one], conflicts_with=(*after[one].conflicts_with, other))
    return list(after.values())


@given(stores())
def test_what_was_decided_once_is_decided_for_good(items):
    assert decided(applied(items, decided(items))) == []


@given(stores())
def test_the_older_survives_and_nobody_lives_on_in_what_is_gone(items):
    merges = {line.item: line.other for line in decided(items) if line.act == "merge"}
    assert all(survivor < gone for gone, survivor in merges.items())
    assert merges.keys().isdisjoint(merges.values())


@given(stores(), st.randoms())
def test_the_order_in_which_relations_were_found_does_not_matter(items, chance):
    relations = related(items)
    shuffled = [
        replace(relation, item=relation.other, other=relation.item) if chance.random() < 0.5 else relation
        for relation in chance.sample(relations, len(relations))
    ]
    by_id = {one.id: one for one in items}
    assert joined(shuffled, by_id, {}) == joined(relations, by_id, {})


@given(stores())
def test_cases_of_one_lesson_are_left_alone_and_conflicts_need_one_condition(items):
    by_id = {one.id: one for one in items}
    for line in decided(items):
        one, other = by_id[line.item], by_id[line.other]
        same_condition = one.applies_when.replace("the ", "") == other.applies_when.replace("the ", "")
        assert same_condition or (line.act == "link" and one.lesson != other.lesson)


@given(stores())
def test_why_is_told_without_quoting_anybody(items):
    for line in decided(items):
        assert not any(word in line.because for word in ("migration", "port", "intent", "billing", "card"))


def test_a_warning_is_not_merged_into_advice_nor_what_is_tagged_into_what_is_not():
    one = lesson("1", "Run the migration first", CONDITIONS[0])
    for change in ({"kind": "avoid"}, {"tags": ("keys",)}):
        assert decided([one, lesson("2", "Run migration first", CONDITIONS[1], **change)]) == []


def test_what_is_superseded_is_left_as_it_is():
    one, other = lesson("1", INSIGHTS[0], CONDITIONS[0]), lesson("2", INSIGHTS[1], CONDITIONS[0])
    assert decided([one, replace(other, superseded_by=one.id)]) == []


def test_what_stood_to_the_younger_stands_to_the_older():
    older, younger = lesson("1", INSIGHTS[0], CONDITIONS[0]), lesson("2", INSIGHTS[1], CONDITIONS[0])
    younger = replace(younger, conflicts_with=("k_rival",), similar_to=("k_near",))
    lines = joined(related([older, younger]), {one.id: one for one in (older, younger)}, {"k_old": younger.id})
    assert [(line.act, line.item, line.other) for line in lines] == [
        ("merge", "k_2", "k_1"),
        ("conflict", "k_1", "k_rival"),
        ("link", "k_1", "k_near"),
        ("supersede", "k_old", "k_1"),
    ]


@pytest.mark.parametrize(
    ("older", "younger", "taken"),
    [
        ({"trust": 0.2, "contradiction": 1}, {"trust": 0.8, "agents": 2}, True),
        ({"trust": 0.2, "contradiction": 0}, {"trust": 0.8, "agents": 2}, False),
        ({"trust": 0.6, "contradiction": 1}, {"trust": 0.8, "agents": 2}, False),
        ({"trust": 0.2, "contradiction": 1}, {"trust": 0.8, "agents": 1}, False),
        ({"trust": 0.2, "contradiction": 1}, {"trust": 0.4, "agents": 3}, False),
    ],
)
def test_a_place_is_taken_only_from_who_lost_it_by_who_is_borne_out(older, younger, taken):
    one, other = (item(name, evidence=Evidence(**evidence)) for name, evidence in (("1", older), ("2", younger)))
    assert outdone(one, other) is taken
