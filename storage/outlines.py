"""Outlines of items, many at once. Whole items are read only where they are shown.

A retrieval looks at sixty and shows five. SQLite hands them over as one text: every row that is taken from it one by
one waits for Python's lock.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from fleetlore.storage.connection import Connection
from fleetlore.storage.identifiers import ItemId
from fleetlore.storage.records import Evidence, Outline
from fleetlore.storage.redaction import SCREENING, redact_all


class OutlinesView:
    """A question to the ledger about many items at once."""

    _connection: Connection

    async def outlines(
        self, ids: Collection[ItemId], *, agent: str, worded: Collection[ItemId] = ()
    ) -> dict[ItemId, Outline]:
        """Those of `ids` that live and that `agent` may see; with their words those of `worded`."""
        if not ids:
            return {}
        row = await self._connection.row(
            "outlines", ids=json.dumps(list(ids)), worded=json.dumps(list(worded)), agent=agent
        )
        assert row is not None
        outlines = [_outline(values) for values in json.loads(row["outlines"])]
        return {outline.id: outline for outline in outlines}


def _outline(values: Sequence[Any]) -> Outline:
    """A line of the query `outlines`."""
    item, content, screened, project, tags, lesson, trust, projects, successor, conflicting, similar, blames, flags = (
        values
    )
    if screened < SCREENING:  # see `rows.content_of`
        content, project, tags = redact_all([content, project, tags])
    return Outline(
        id=item,
        insight=content.get("insight", ""),
        applies_when=content.get("applies_when", ""),
        project=project,
        tags=tuple(tags),
        lesson=lesson,
        evidence=Evidence(trust=trust, projects=projects),
        superseded_by=successor,
        conflicts_with=tuple(conflicting),
        similar_to=tuple(similar),
        blames=blames,
        flags=tuple(flags.split()),
    )
