"""A report and its acknowledgement as they are kept."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleetlore.kmu.report import Acknowledgement, Learned, Report
from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.records import AgentName

ITEM_IDS = st.lists(st.text().map(ItemId), max_size=3).map(tuple)
LEARNED = st.builds(Learned, id=st.text(), because=st.text())
ACKNOWLEDGEMENT = st.builds(
    Acknowledgement,
    feedback=st.text().map(FeedbackId),
    learned=st.lists(LEARNED, max_size=2).map(tuple),
    credited=ITEM_IDS,
    blamed=ITEM_IDS,
)
REPORT = Report(task="deploy the billing service", agent=AgentName("ana"), insight="Run the migration first", key="1")


@given(ACKNOWLEDGEMENT)
def test_an_acknowledgement_comes_back_as_it_was_kept(acknowledgement):
    assert Acknowledgement.loaded(acknowledgement.dumped()) == acknowledgement


def test_the_key_is_no_part_of_the_content_and_everything_else_is():
    same = replace(REPORT, key="2")
    others = [
        replace(REPORT, **change)
        for change in (
            {"task": "x"},
            {"agent": AgentName("bob")},
            {"insight": "x"},
            {"tags": ("x",)},
            {"helpful": (ItemId("k_1"),)},
            {"harmful": (ItemId("k_1"),)},
            {"nothing_mattered": True},
            {"outcome": "success"},
        )
    ]
    assert same.canonical() == REPORT.canonical()
    assert len({REPORT.canonical(), *(other.canonical() for other in others)}) == len(others) + 1


def test_an_insight_belongs_to_its_agent_in_the_own_space_and_to_nobody_in_the_general_one():
    own, shared = replace(REPORT, space="prompt"), replace(REPORT, space="general")
    assert [(report.target, report.owner) for report in (own, shared, REPORT)] == [
        ("prompt", "ana"),
        ("general", ""),
        ("general", ""),
    ]
