"""The commands that maintain a data directory: rebuild, consolidate."""

import json
import sys
from pathlib import Path

import click

from fleetlore.server.command_group import (
    commands,
    data_option,
    embedder_option,
    json_option,
    promote_after_option,
    with_ledger,
)
from fleetlore.server.turns import turn_of
from fleetlore.storage.ledger import Ledger

# Whoever waits for it wants it done; a server would rather be asked.
_HURRIED_SLICE = 0.5


@commands.command()
@data_option
@embedder_option
def rebuild(data: Path, embedder: str | None) -> None:
    """Make both knowledge spaces anew from the ledger, also with another embedder."""
    from fleetlore.kmu.rebuilding import rebuild_spaces  # noqa: PLC0415  LanceDB takes a second to import

    async def work(ledger: Ledger) -> int:
        total = sum([await ledger.read.count("general"), await ledger.read.count("prompt")])
        async with turn_of(data, "rebuilding"):
            with click.progressbar(length=total, label="rebuilding", file=sys.stderr) as bar:
                return await rebuild_spaces(
                    ledger,
                    data,
                    embedder=embedder or ledger.info.embedder,
                    progress=lambda done: bar.update(done - bar.pos),
                )

    copied = with_ledger(data, "", work)
    click.echo(f"rebuilt both spaces from the ledger: {copied:,} items")


@commands.command()
@data_option
@promote_after_option
@json_option
def consolidate(data: Path, promote_after: int, as_json: bool) -> None:
    """Join what is the same, link what is similar, mark conflicts, promote, demote and prune, now and to the end."""
    from fleetlore.kmu.consolidation import Consolidated  # noqa: PLC0415
    from fleetlore.kmu.policy import Policy  # noqa: PLC0415
    from fleetlore.kmu.unit import KnowledgeManagementUnit  # noqa: PLC0415

    async def work(ledger: Ledger) -> Consolidated:
        policy = Policy(promote_after=promote_after)
        async with (
            KnowledgeManagementUnit.open(ledger, data, policy=policy) as unit,
            turn_of(data, "consolidating"),
        ):
            return await sleep(unit)

    async def sleep(unit: KnowledgeManagementUnit) -> Consolidated:
        waiting, _ = await unit.ledger.read.waiting()
        with click.progressbar(length=waiting, label="consolidating", file=sys.stderr) as bar:
            return await unit.consolidate(
                slice_seconds=_HURRIED_SLICE, rest=0, progress=lambda looked: bar.update(looked - bar.pos)
            )

    done = with_ledger(data, "", work)
    if as_json:
        plans = [{"plan": plan.id, "agent": plan.agent, "acts": len(plan.items)} for plan in done.plans]
        click.echo(json.dumps({"looked_at": done.looked, "acts": dict(done.acts), "plans": plans}, indent=2))
        return
    acts = ", ".join(f"{act} {count:,}" for act, count in sorted(done.acts.items())) or "nothing to do"
    click.echo(f"looked at {done.looked:,} new items: {acts}")
    for plan in done.plans:
        click.echo(f"{plan.id}: {len(plan.items):,} acts; to take them back: fleetlore undo {plan.id}")
