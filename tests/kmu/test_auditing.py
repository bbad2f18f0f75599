"""Following the chain: whatever is done to events that were chained is found, and found first where it was done."""

from dataclasses import replace

import anyio
from hypothesis import given
from hypothesis import strategies as st

from fleetlore.kmu.auditing import follow
from fleetlore.storage.audit_view import Chain, Event
from fleetlore.storage.chain import link_of


def chained(events, previous=""):
    """The events with the links that they would have been given."""
    linked = []
    for event in events:
        link = link_of(previous, event.id, event.store, event.at, event.kind, event.agent, event.subject, event.body)
        linked.append(replace(event, link=link))
        previous = link
    return linked


def written(number):
    events = [
        Event(seq=n, id=f"e_{n}", store="s_1", at=n, kind="new", agent="ana", subject=f"k_{n}", body="{}", link="")
        for n in range(1, number + 1)
    ]
    return chained(events)


def found(events, chain, expect=""):
    async def each():
        for event in events:
            yield event

    async def work():
        return await follow(each(), chain, expect=expect)

    return anyio.run(work)


def whole(events):
    return Chain(events=len(events), head=events[-1].link, earlier=0)


lengths = st.integers(2, 12)
fields = st.sampled_from(["id", "store", "at", "kind", "agent", "subject", "body", "link"])


@given(lengths)
def test_what_nobody_touched_is_whole(number):
    events = written(number)
    assert found(events, whole(events), expect=events[0].link).whole


@given(lengths, st.data(), fields)
def test_a_change_of_any_field_of_any_event_is_found_there(number, data, field):
    events = written(number)
    place = data.draw(st.integers(0, number - 1))
    value = getattr(events[place], field)
    spoilt = replace(events[place], **{field: value + (1 if field == "at" else "x")})
    told = found([*events[:place], spoilt, *events[place + 1 :]], whole(events))
    assert told.broken.seq == place + 1


@given(lengths, st.data())
def test_events_taken_out_anywhere_are_missed(number, data):
    events = written(number)
    gone = data.draw(st.sets(st.integers(0, number - 1), min_size=1))
    left = [event for place, event in enumerate(events) if place not in gone]
    told = found(left, whole(events))
    assert told.broken is not None
    assert told.broken.seq in (None, next((event.seq for event in left if event.seq > min(gone) + 1), None))


@given(lengths, st.data())
def test_events_that_change_places_are_found(number, data):
    events = written(number)
    one, other = data.draw(st.lists(st.integers(0, number - 1), min_size=2, max_size=2, unique=True))
    moved = list(events)
    moved[one], moved[other] = replace(events[other], seq=one + 1), replace(events[one], seq=other + 1)
    assert found(moved, whole(events)).broken.seq == min(one, other) + 1


@given(lengths, st.data())
def test_a_rewritten_end_is_found_by_the_head_and_by_a_link_noted_elsewhere(number, data):
    events = written(number)
    place = data.draw(st.integers(0, number - 1))
    before = events[place - 1].link if place else ""
    forged = events[:place] + chained([replace(event, agent="mallory") for event in events[place:]], before)
    assert found(forged, whole(events)).broken is not None
    assert found(forged, whole(forged)).broken is None
    assert found(forged, whole(forged), expect=events[-1].link).broken is not None
