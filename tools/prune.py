"""`prune`: forget knowledge for the whole fleet, reversibly."""

from dataclasses import replace
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from fleetlore.kmu.access import authorise
from fleetlore.kmu.standing import refuse_withdrawn
from fleetlore.kmu.wish import Pruning, Wish
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId
from fleetlore.storage.records import PlanKind, Space
from fleetlore.tools.arguments import Argument
from fleetlore.tools.memory import Memory
from fleetlore.tools.shared_arguments import AGENT
from fleetlore.tools.text import quoted
from fleetlore.tools.tool import KnowledgeTool, knowledge_tool, written

DESCRIPTION = (
    "Forget knowledge for the whole fleet; reversible. Only when a person asks for it: to report a wrong item use "
    "submit_feedback with harmful. First call without apply and show the plan, then call with plan and apply=true."
)
ARGUMENTS = (
    Argument(name="ids", form="list", most=1_000, description="these items; none: whatever the policy finds"),
    Argument(name="space", form="choice", choices=("all", "general", "prompt"), default="all"),
    Argument(name="reason", most=2_000, description="required with ids"),
    Argument(name="apply", form="flag", default=False, description="false: only show the plan"),
    Argument(name="plan", most=64, name_like=True, description="p_… to apply exactly as shown"),
    Argument(name="undo", most=64, name_like=True, description="p_… to take back"),
    replace(AGENT, description=""),
)


# What whoever may prune could have done, or left to consolidation; the rest people did.
_OF_PRUNING: frozenset[PlanKind] = frozenset(("prune", "merge", "consolidation"))
# One may take any number of items away, the other gives an agent its voice back.
_OF_PEOPLE: frozenset[PlanKind] = frozenset(("import", "revocation"))


class PrunedItemAnswer(BaseModel):
    """One item of a plan; `insight` and what `because` quotes are the words of other agents."""

    id: str
    space: Space
    insight: str
    because: str
    support: int = 0
    contradiction: int = 0
    feedback: list[str] = Field(default=[], description="the reports that speak against it")


class PruneAnswer(BaseModel):
    """The answer of `prune`."""

    plan: str
    applied: bool
    items: list[PrunedItemAnswer]
    kept: int = Field(description="living items that the plan does not touch")


def prune(memory: Memory) -> KnowledgeTool:
    """The tool over that memory."""

    async def handle(values: dict[str, Any], context: Context[Any, Any]) -> CallToolResult:
        caller = memory.caller("prune", values["agent"], context)
        agent = caller.agent
        _checked(values)
        unit = await memory.unit()
        await refuse_withdrawn(unit.ledger.read, agent)
        plan, undo = PlanId(values["plan"].strip()), PlanId(values["undo"].strip())
        if undo:
            known = await unit.ledger.read.plan(undo, agent=agent)
            if known is not None and known.kind not in _OF_PRUNING:
                authorise(caller, "undo of an edit, an import or a revocation")
            if known is not None and known.kind in _OF_PEOPLE:
                what = "an import" if known.kind == "import" else "a revocation"
                raise Refusal("undo", f"{undo} is {what}", f"Ask a person to run: fleetlore undo {undo}")
            pruning = await unit.undo_plan(undo, agent=agent)
        elif plan and not values["apply"]:
            pruning = await unit.show_plan(plan, agent=agent)
        else:
            if not plan:
                ids = tuple(ItemId(item) for item in values["ids"])
                pruning = await unit.plan(Wish(agent=agent, ids=ids, space=values["space"], reason=values["reason"]))
            if plan or values["apply"]:
                pruning = await unit.apply_plan(plan or pruning.plan.id, agent=agent)
        answer = answer_of(pruning)
        return written(answer, text_of).result

    return knowledge_tool(
        "prune",
        DESCRIPTION,
        ARGUMENTS,
        PruneAnswer,
        ToolAnnotations(
            title="Prune knowledge",
            read_only_hint=False,
            destructive_hint=True,
            idempotent_hint=True,
            open_world_hint=False,
        ),
        handle,
    )


def _checked(values: dict[str, Any]) -> None:
    if values["undo"] and (values["plan"] or values["ids"] or values["apply"]):
        raise Refusal("undo", "it takes back a plan and goes with no other argument", "Send undo alone")
    if values["plan"] and values["ids"]:
        raise Refusal("plan", "a plan says itself which items it takes", "Send plan or ids, not both")
    if values["ids"] and not values["reason"].strip():
        raise Refusal("reason", "it is required with ids", "Say why these items shall be forgotten")


def answer_of(pruning: Pruning) -> PruneAnswer:
    """A pruning as the structured answer."""
    plan = pruning.plan
    return PruneAnswer(
        plan=plan.id,
        applied=plan.applied_at is not None and plan.undone_at is None,
        items=[
            PrunedItemAnswer(
                id=item.id,
                space=item.space,
                insight=item.insight,
                because="erased for good" if item.erased else entry.because,
                support=item.evidence.support,
                contradiction=item.evidence.contradiction,
                feedback=list(entry.feedback),
            )
            for entry in plan.items
            if (item := pruning.items.get(entry.item)) is not None
        ],
        kept=pruning.kept,
    )


def text_of(answer: PruneAnswer) -> str:
    """The same as text."""
    state = "applied" if answer.applied else "not applied"
    lines = [f"plan: {answer.plan}, {state}, kept: {answer.kept}", "items:" if answer.items else "no items"]
    for item in answer.items:
        reports = f"; reports: {', '.join(item.feedback)}" if item.feedback else ""
        lines.append(
            f"- {item.id} in the {item.space} space, support {item.support}, contradiction {item.contradiction}: "
            f"{quoted(item.insight)}; because: {quoted(item.because)}{reports}"
        )
    return "\n".join(lines)
