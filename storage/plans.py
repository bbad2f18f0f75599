"""Plans as the ledger keeps them: their lines are one JSON text, with identifiers, numbers and why.

Free text, the reason and what an edit found and made, is the plan's content.
"""

import json
from dataclasses import asdict
from typing import Any

from fleetlore.storage.connection import Row
from fleetlore.storage.identifiers import PlanId
from fleetlore.storage.records import AgentName, Edit, Plan, PlannedItem, Verdict, Wording
from fleetlore.storage.rows import as_screened, content_of, microseconds, moment


def lines_of(plan: Plan) -> str:
    """The lines of a plan as text."""
    return json.dumps([_dumped(entry) for entry in plan.items])


def texts_of(plan: Plan) -> dict[str, object]:
    """The free text of a plan."""
    if plan.edit is None:
        return {"reason": plan.reason}
    return {"reason": plan.reason, "edit": asdict(plan.edit) | {"updated_at": microseconds(plan.edit.updated_at)}}


def plan_of(row: Row) -> Plan:
    """A row of the query `plan`."""
    texts = content_of(row)
    return Plan(
        id=PlanId(row["id"]),
        at=moment(row["at"]),
        agent=AgentName(row["agent"]),
        reason=texts.get("reason", ""),
        items=tuple(_loaded(values) for values in as_screened(row, json.loads(row["items"]))),
        kind=row["kind"],
        applied_at=moment(row["applied_at"]) if row["applied_at"] is not None else None,
        undone_at=moment(row["undone_at"]) if row["undone_at"] is not None else None,
        edit=_edit(texts["edit"]) if "edit" in texts else None,
    )


def _edit(values: dict[str, Any]) -> Edit:
    before, after = (Wording(**values[name] | {"tags": tuple(values[name]["tags"])}) for name in ("before", "after"))
    return Edit(before=before, after=after, updated_at=moment(values["updated_at"]))


def _dumped(entry: PlannedItem) -> dict[str, object]:
    displaced = [asdict(verdict) | {"at": microseconds(verdict.at)} for verdict in entry.displaced]
    return asdict(entry) | {"displaced": displaced}


def _loaded(values: dict[str, Any]) -> PlannedItem:
    displaced = values.pop("displaced")
    lists = {name: tuple(values.pop(name)) for name in ("feedback", "lent")}
    verdicts = tuple(Verdict(**verdict | {"at": moment(verdict["at"])}) for verdict in displaced)
    return PlannedItem(**values | lists | {"displaced": verdicts})
