"""What lies near each task of a stream among the tasks before it, by the same legs and blend as in the server.

Relevance does not depend on what is learnt: it is worked out once, and the rule is then replayed on it many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from intents import Step
from rich.progress import Progress

from fleetlore.kmu.lexicon import search_terms
from fleetlore.kmu.ranking import relevances, text_weight
from fleetlore.kmu.retrieval import NEAREST
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.embedding import load_embedder
from fleetlore.storage.identifiers import ItemId, new_item_id
from fleetlore.storage.rows import IndexedItem
from fleetlore.storage.search import Filter
from fleetlore.storage.spaces import KnowledgeSpaces

Neighbours = Sequence[tuple[int, float]]
"""The place in the stream of each earlier task that lies near, and its relevance; most relevant first."""

_COMMITS = 50


async def neighbours_of(steps: Sequence[Step], progress: Progress) -> Sequence[Neighbours]:
    """Go through a stream as a server would, without learning."""
    embedder = load_embedder(DEFAULT_EMBEDDER)
    places: dict[ItemId, int] = {}
    near: list[Neighbours] = []
    with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
        async with KnowledgeSpaces.open(Path(folder), embedder=embedder, generation=1) as spaces:
            for place, step in enumerate(progress.track(steps, description="neighbours")):
                [vector] = embedder.embed([step.text])
                legs = await spaces.search("general", text=search_terms(step.text), vector=vector, where=Filter())
                found = relevances(legs, text_weight(step.text))
                best = sorted(found, key=lambda item: (-found[item], item))[:NEAREST]
                near.append([(places[item], found[item]) for item in best])
                item = new_item_id(datetime.now(UTC))
                places[item] = place
                row = IndexedItem(
                    seq=0,
                    id=item,
                    owner="",
                    task_type="",
                    tags=(),
                    insight=f"intent: {step.revealed}",
                    applies_when=step.text,
                )
                async with spaces.writing():
                    await spaces.add("general", [row])
                if place % _COMMITS == 0:
                    await spaces.optimize("general")
    return near
