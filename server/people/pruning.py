"""`fleetlore prune` and `fleetlore undo`: forget knowledge by a plan, and take back what a plan of any kind did."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import click

from fleetlore.kmu import forgetting
from fleetlore.kmu.policy import Policy
from fleetlore.kmu.pruning import PrunePolicy
from fleetlore.kmu.wish import Pruning, Wish
from fleetlore.server.command_group import (
    agent_option,
    commands,
    data_option,
    json_option,
    promote_after_option,
    tell,
    with_ledger,
)
from fleetlore.server.people.completing import ids_of
from fleetlore.server.people.lines import counted, heading, hint
from fleetlore.server.people.plans import account_of, plan_text
from fleetlore.server.people.texts import as_kept
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName, Plan

# Whoever sits at the machine may forget as much as he likes.
_WHOLE = PrunePolicy(largest_share=1.0)


@commands.command()
@click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=ids_of("k"))
@click.option("--space", type=click.Choice(["all", "general", "prompt"]), default="all", help="Only in this space.")
@click.option("--reason", default="", show_default=False, help="Why; kept in the ledger, required with ids.")
@click.option("--apply", is_flag=True, help="Carry the plan out; without, it is only shown.")
@click.option(
    "--plan",
    default="",
    show_default=False,
    help="A plan (p_…), carried out exactly as shown.",
    shell_complete=ids_of("p"),
)
@click.option("--yes", is_flag=True, help="Do not ask before carrying it out.")
@agent_option
@data_option
@json_option
def prune(
    ids: tuple[str, ...],
    space: Literal["all", "general", "prompt"],
    reason: str,
    apply: bool,
    plan: str,
    yes: bool,
    agent: AgentName,
    data: Path,
    as_json: bool,
) -> None:
    """Forget items, by a plan that can be taken back.

    Without an ID whatever the policy finds: what is hardly trusted or superseded. Shows a plan; with --apply carries it
    out, of any size. Next: `fleetlore undo` takes it back.
    """
    if plan and ids:
        raise Refusal("plan", "a plan says itself which items it takes", "Give --plan or ids, not both")
    if ids and not reason.strip():
        raise Refusal("reason", "it is required with ids", "Say why these items shall be forgotten: --reason …")

    async def make(ledger: Ledger) -> tuple[Pruning, dict[str, Any]]:
        if plan:
            pruning = await forgetting.show(ledger, PlanId(as_kept(plan)), agent=agent)
        else:
            wish = Wish(
                agent=agent,
                ids=tuple(ItemId(one) for one in dict.fromkeys(map(as_kept, ids))),
                space=space,
                reason=reason,
            )
            pruning = await forgetting.plan(ledger, wish, policy=_WHOLE)
        return pruning, await account_of(ledger.read, pruning.plan, agent) | {"kept": pruning.kept}

    pruning, found = with_ledger(data, "", make)
    done = pruning.plan.applied_at is not None and pruning.plan.undone_at is None
    if not apply or done or not pruning.plan.items:
        tell(found, as_json, _told)
        return
    if not as_json:
        click.echo(_told(found))
        if not yes and sys.stdin.isatty():
            click.confirm(f"forget {counted(len(pruning.plan.items), 'item')}?", abort=True)

    async def carry_out(ledger: Ledger) -> dict[str, Any]:
        applied = await forgetting.apply(ledger, pruning.plan.id, agent=agent, required=Policy().promote_after)
        return await account_of(ledger.read, applied.plan, agent) | {"kept": applied.kept}

    tell(with_ledger(data, "", carry_out), as_json, _forgotten)


@commands.command()
@click.argument("plan", shell_complete=ids_of("p"))
@agent_option
@data_option
@promote_after_option
@json_option
def undo(plan: str, agent: AgentName, data: Path, promote_after: int, as_json: bool) -> None:
    """Take back what a PLAN (p_…) did.

    Pruning, merging, consolidation, an edit, an import or a revocation. Everything is as it was before, with what came
    since.
    Next: `fleetlore show` the plan or its items.
    """
    wanted = PlanId(as_kept(plan))

    async def known(ledger: Ledger) -> Plan:
        if (found := await ledger.read.plan(wanted, agent=None)) is None:
            raise Refusal(
                "plan", f"there is no plan {wanted}", "'fleetlore consolidate', 'prune' and 'edit' name their plans"
            )
        return found

    made = with_ledger(data, "", known)

    async def work(ledger: Ledger) -> dict[str, Any]:
        undone = await forgetting.undo(ledger, wanted, agent=agent, required=promote_after, seen_by=made.agent)
        return await account_of(ledger.read, undone.plan, agent)

    found = with_ledger(data, "", work)
    tell(found, as_json, lambda told: _taken_back(told, before=made.undone_at is not None))


def _taken_back(found: dict[str, Any], *, before: bool) -> str:
    if before:
        return f"{found['plan']} was taken back already: nothing was changed"
    erased = {act["item"] for act in found["acts"] if "erased" in act}
    but = f", but not for {counted(len(erased), 'item')} erased for good since" if erased else ""
    return f"took back {found['plan']}: {counted(len(found['acts']), 'act')}{but}"


def _told(found: dict[str, Any]) -> str:
    if not found["acts"]:
        return (
            "nothing to forget: no item is hardly trusted or superseded. To forget one: fleetlore prune k_… --reason …"
        )
    return f"{plan_text(found)}\n{heading('kept')} {counted(found['kept'], 'item')}"


def _forgotten(found: dict[str, Any]) -> str:
    how = hint(f"to take it back: fleetlore undo {found['plan']}")
    return f"forgot {counted(len(found['acts']), 'item')}, kept {found['kept']:,}\n{how}"
