"""`submit_feedback`: how it went, so that the next agent does better."""

from dataclasses import replace
from typing import Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from fleetlore.kmu.report import Acknowledgement, Decision, Report
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, ReceiptId
from fleetlore.storage.records import Outcome, Space, Status
from fleetlore.tools.arguments import Argument
from fleetlore.tools.memory import Memory
from fleetlore.tools.shared_arguments import AGENT, APPLIES_WHEN, INSIGHT, KIND, PROJECT, TAGS, TASK_TYPE
from fleetlore.tools.tool import KnowledgeTool, knowledge_tool, written

DESCRIPTION = (
    "Tell the fleet how it went, so that the next agent does better. Call it when a task is finished, has failed, or "
    "taught you something, always with the receipt if you retrieved; call again if the outcome changes later. Name the "
    "items that helped or misled, and state at most one new lesson. Returns what was learnt and which items gained or "
    "lost trust."
)
ARGUMENTS = (
    Argument(
        name="task", required=True, description="what was done", hint="Say what was done in 1 to 20,000 characters"
    ),
    Argument(
        name="outcome",
        form="choice",
        choices=("success", "failure", "observation", "auto"),
        default="auto",
        description=(
            "success or failure as judged by tests, a command or the user, not by hope; "
            "observation: learnt by reading or watching; auto: compare output with expected"
        ),
    ),
    Argument(name="reasoning", description="why it worked or failed: what you saw, not what you hoped", most=10_000),
    INSIGHT,
    KIND,
    APPLIES_WHEN,
    Argument(name="output", most=200_000, structured=True, description="what came out, for outcome auto"),
    Argument(name="expected", most=200_000, structured=True, description="what should have come out"),
    Argument(name="receipt", most=64, name_like=True, description="r_… of the retrieval that this answers"),
    Argument(
        name="helpful",
        form="list",
        most=50,
        description="ids you followed and that proved right, ['none']: nothing shown mattered",
    ),
    Argument(name="harmful", form="list", most=50, description="ids that were wrong or misled you"),
    Argument(name="replaces", form="list", most=50, description="ids that this insight corrects"),
    Argument(
        name="space",
        form="choice",
        choices=("auto", "general", "prompt"),
        default="auto",
        description="general: useful to every agent; prompt: only how you should work on this task_type",
    ),
    replace(TASK_TYPE, description=""),
    replace(PROJECT, description=""),
    replace(TAGS, description=""),
    replace(AGENT, description=""),
    Argument(name="key", description="for scripts that retry; leave out", most=200, name_like=True),
)
_NOTHING = "none"


class LearnedAnswer(BaseModel):
    """What became of the insight."""

    id: str = ""
    space: Space
    status: Status | Literal[""] = ""
    decision: Decision
    because: str


class FeedbackAnswer(BaseModel):
    """The answer of `submit_feedback`; it is durable when it is given."""

    feedback: str
    outcome: Outcome
    learned: list[LearnedAnswer] = []
    credited: list[str] = Field(default=[], description="items that gained trust")
    blamed: list[str] = Field(default=[], description="items that lost trust")
    redacted: int = Field(default=0, description="secrets removed")


def submit_feedback(memory: Memory) -> KnowledgeTool:
    """The tool over that memory."""

    async def handle(values: dict[str, Any], context: Context[Any, Any]) -> CallToolResult:
        values["agent"] = memory.admit("submit_feedback", values["agent"], context)
        answer = answer_of(await memory.learn(report_of(values | {"workplace": await memory.project()})))
        return written(answer, text_of).result

    return knowledge_tool(
        "submit_feedback",
        DESCRIPTION,
        ARGUMENTS,
        FeedbackAnswer,
        ToolAnnotations(
            title="Submit feedback",
            read_only_hint=False,
            destructive_hint=False,
            idempotent_hint=False,
            open_world_hint=False,
        ),
        handle,
    )


def report_of(values: dict[str, Any]) -> Report:
    """The arguments as a report; refuses lists that contradict each other."""
    helpful, harmful = values["helpful"], values["harmful"]
    nothing = any(entry.casefold() == _NOTHING for entry in helpful)
    helpful = tuple(ItemId(entry) for entry in helpful if entry.casefold() != _NOTHING)
    harmful = tuple(ItemId(entry) for entry in harmful if entry.casefold() != _NOTHING)
    if nothing and helpful:
        raise Refusal("helpful", "it names items and 'none' at once", "Name the items that helped, or only 'none'")
    if both := [item for item in helpful if item in harmful]:
        raise Refusal("harmful", f"{both[0]} is in helpful too", "Name each item in one of the two lists")
    insight = values["insight"].strip() and values["insight"]
    receipt = ReceiptId(values["receipt"].strip()) if values["receipt"].strip() else None
    return Report(
        **values
        | {
            "helpful": helpful,
            "harmful": harmful,
            "nothing_mattered": nothing,
            "insight": insight,
            "receipt": receipt,
        }
    )


def answer_of(acknowledgement: Acknowledgement) -> FeedbackAnswer:
    """An acknowledgement as the structured answer."""
    return FeedbackAnswer(
        feedback=acknowledgement.feedback,
        outcome=acknowledgement.outcome,
        learned=[
            LearnedAnswer(
                id=learned.id,
                space=learned.space,
                status=learned.status,
                decision=learned.decision,
                because=learned.because,
            )
            for learned in acknowledgement.learned
        ],
        credited=list(acknowledgement.credited),
        blamed=list(acknowledgement.blamed),
        redacted=acknowledgement.redacted,
    )


def text_of(answer: FeedbackAnswer) -> str:
    """The same as text."""
    lines = [f"feedback: {answer.feedback}", f"outcome: {answer.outcome}"]
    for learned in answer.learned:
        status = f", {learned.status}" if learned.status else ""
        lines.append(
            f"learned: {learned.id} in the {learned.space} space, {learned.decision}{status}. {learned.because}"
        )
    if answer.credited:
        lines.append(f"credited: {', '.join(answer.credited)}")
    if answer.blamed:
        lines.append(f"blamed: {', '.join(answer.blamed)}")
    if answer.redacted:
        lines.append(f"redacted: {answer.redacted}")
    return "\n".join(lines)
