"""What the policy would forget, and how much one plan may take."""

from hypothesis import given
from hypothesis import strategies as st
from samples import item

from fleetlore.kmu.pruning import PrunePolicy, planned
from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.records import AgentName, Evidence, PlannedItem
from fleetlore.storage.rows import Objection

DOUBTED = item("1", evidence=Evidence(trust=0.1, support=1, contradiction=2))


def objection(number, agent, reasoning):
    return Objection(feedback=FeedbackId(f"f_{number}"), agent=AgentName(agent), reasoning=reasoning)


@given(st.integers(0, 100_000))
def test_one_plan_takes_at_most_50_items_or_a_twentieth_of_a_space_whichever_is_more(count):
    most = PrunePolicy().most(count)
    assert most == (50 if count <= 1_000 else count // 20)


def test_a_plan_quotes_the_latest_reasons_against_an_item_and_names_the_reports():
    said = [
        objection(3, "cy", "It deleted the data."),
        objection(2, "bob", ""),
        objection(1, "bob", "Port 80 is taken."),
    ]
    assert planned(DOUBTED, {DOUBTED.id: said}, "") == PlannedItem(
        item=DOUBTED.id,
        because="trust 0.10 after 2 reports against it; "
        "reports say cy: “It deleted the data.”; bob: “Port 80 is taken.”",
        feedback=(FeedbackId("f_3"), FeedbackId("f_2"), FeedbackId("f_1")),
    )


def test_a_reason_that_was_given_stands_first():
    assert planned(DOUBTED, {}, "asked by ops") == PlannedItem(item=DOUBTED.id, because="asked by ops")


def test_what_was_superseded_is_forgotten_for_its_successor():
    old = item("1", superseded_by=ItemId("k_2"))
    assert planned(old, {}, "").because == "superseded by k_2, which is borne out"
