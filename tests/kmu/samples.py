"""Items and texts for the property tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from fleetlore.storage.identifiers import FeedbackId, ItemId
from fleetlore.storage.records import AgentName, Evidence, Item

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

TRUST = st.floats(0.01, 0.99)
SHARE = st.floats(0, 1)
SIGN = st.sampled_from((-1, 1))
PROJECT = st.sampled_from(("", "acme/billing", "acme/shop"))

WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=8)


def item(name: str, *, trust: float = 0.8, projects: int = 0, **changes: Any) -> Item:
    """An item of the general space, named `k_<name>`, with what the test cares for."""
    plain = Item(
        id=ItemId(f"k_{name}"),
        space="general",
        owner="",
        kind="do",
        insight="Run the migration first",
        applies_when="deploy the billing service",
        task_type="",
        project="",
        tags=(),
        author=AgentName("ana"),
        feedback=FeedbackId("f_1"),
        digest="d",
        condition="c",
        lesson="l",
        slot="",
        stage="provisional",
        evidence=Evidence(trust=trust, support=1, agents=1, projects=projects),
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(plain, **changes)


@st.composite
def families(draw: st.DrawFn, *, least: int = 0, most: int = 9) -> list[Item]:
    """Items as the ledger gives them: some succeeded by a later one, living ones in conflict with one another."""
    count = draw(st.integers(least, most))
    names = [f"{number:02}" for number in range(count)]
    successors = {
        name: draw(st.none() | st.sampled_from(names[number + 1 :])) if number + 1 < count else None
        for number, name in enumerate(names)
    }
    living = [name for name in names if successors[name] is None]
    drawn = st.lists(st.tuples(st.sampled_from(living), st.sampled_from(living)), max_size=4) if living else st.just([])
    pairs = [(one, other) for one, other in draw(drawn) if one != other]
    return [
        item(
            name,
            trust=draw(TRUST),
            projects=draw(st.integers(0, 3)),
            project=draw(PROJECT),
            stage=draw(st.sampled_from(("provisional", "active"))),
            superseded_by=ItemId(f"k_{successors[name]}") if successors[name] else None,
            conflicts_with=tuple(sorted({ItemId(f"k_{other}") for other in _rivals(name, pairs)})),
        )
        for name in names
    ]


def _rivals(name: str, pairs: list[tuple[str, str]]) -> list[str]:
    return [other for one, other in pairs if one == name] + [one for one, other in pairs if other == name]
