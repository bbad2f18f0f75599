"""What an agent is told of a project before it has asked anything."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import families, item

from fleetlore.kmu.briefing import briefing, ordered
from fleetlore.server.settings import utc_now
from fleetlore.storage.identifiers import ItemId, new_item_id
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import NO_EXPERIENCE, Evidence, Verdict

PROJECT = "acme/billing"


def _names(items):
    return [one.id.removeprefix("k_") for one in items]


def test_what_is_borne_out_comes_first_then_the_projects_own_then_the_most_trusted():
    known = [
        item("anywhere", trust=0.9, lesson="1"),
        item("here", trust=0.7, lesson="2", project=PROJECT),
        item("here-surer", trust=0.8, lesson="3", project=PROJECT),
        item("active", trust=0.6, lesson="4", stage="active"),
    ]
    assert _names(ordered(known, NO_EXPERIENCE, project=PROJECT)) == ["active", "here-surer", "here", "anywhere"]


def test_nothing_is_said_that_is_contested_superseded_or_more_likely_wrong_than_right():
    known = [
        item("contested", lesson="1", conflicts_with=(ItemId("k_x"),)),
        item("superseded", lesson="2", superseded_by=ItemId("k_x")),
        item("doubtful", lesson="3", trust=0.4),
        item("dying", lesson="4", blames=9),
        item("good", lesson="5"),
    ]
    assert _names(ordered(known, NO_EXPERIENCE, project="")) == ["good"]


def test_of_equal_and_of_similar_lessons_only_the_best_is_said():
    known = [
        item("equal", trust=0.8, lesson="same"),
        item("better", trust=0.9, lesson="same"),
        item("similar", trust=0.7, lesson="other", similar_to=(ItemId("k_better"),)),
    ]
    assert _names(ordered(known, NO_EXPERIENCE, project="")) == ["better"]


@given(families(), st.permutations(range(9)))
def test_the_order_in_which_the_ledger_gives_them_does_not_matter(known, places):
    shuffled = [known[place] for place in places if place < len(known)]
    assert ordered(shuffled, NO_EXPERIENCE, project=PROJECT) == ordered(known, NO_EXPERIENCE, project=PROJECT)


@pytest.fixture
async def ledger(tmp_path):
    async with Ledger.open(tmp_path, embedder="", fallback="wordllama-256", clock=utc_now) as opened:
        yield opened


async def _store(ledger, **changes):
    async def add(made, transaction):
        await transaction.add_item(made)
        await transaction.record("learned", agent=made.author, subject=made.id)

    one = new_item_id(utc_now())
    made = item(one, **{"digest": one, "lesson": one} | changes)
    await ledger.write(partial(add, replace(made, id=one)))
    return one


async def test_a_briefing_holds_no_agents_own_items_and_none_of_another_project(ledger):
    mine = await _store(ledger, project=PROJECT)
    anybodys = await _store(ledger, trust=0.7)
    await _store(ledger, project="acme/shop")
    await _store(ledger, project=PROJECT, space="prompt", owner="ana")
    told = await briefing(ledger.read, project=PROJECT, fits=lambda _: True)
    assert [one.id for one in told] == [mine, anybodys]


async def test_one_that_does_not_fit_makes_way_for_the_next_that_does(ledger):
    first = await _store(ledger, trust=0.9, insight="short")
    await _store(ledger, trust=0.8, insight="far too long")
    last = await _store(ledger, trust=0.7, insight="brief")
    told = await briefing(ledger.read, project="", fits=lambda items: sum(len(one.insight) for one in items) <= 10)
    assert [one.id for one in told] == [first, last]


async def test_nothing_known_is_an_empty_briefing(ledger):
    assert await briefing(ledger.read, project=PROJECT, fits=lambda _: True) == []


async def test_what_is_borne_out_in_two_projects_is_told_in_a_third(ledger):
    one = await _store(ledger, project="acme/shop")

    async def bear_out(transaction):
        found = await transaction.item(one, agent="")
        for project in ("acme/shop", "acme/web"):
            await transaction.put_verdict(_verdict(found, project))

    await ledger.write(bear_out)
    told = await briefing(ledger.read, project=PROJECT, fits=lambda _: True)
    assert [(t.id, t.evidence) for t in told] == [(one, Evidence(trust=0.8, support=2, agents=1, projects=2))]


def _verdict(of, project):
    return Verdict(
        item=of.id,
        source=project,
        agent=of.author,
        project=project,
        feedback=of.feedback,
        at=of.created_at,
        sign=1,
        direct=True,
        delta=0.0,
    )
