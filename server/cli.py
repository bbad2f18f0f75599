"""The command line. Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage."""

import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import anyio
import click
import platformdirs

from fleetlore.server.settings import Settings, utc_now
from fleetlore.server.status import VERSION, describe
from fleetlore.storage.embedders import DEFAULT_EMBEDDER, EMBEDDERS
from fleetlore.storage.errors import DataDirectoryUnusable, FleetloreError, Refusal
from fleetlore.storage.identifiers import PlanId
from fleetlore.storage.ledger import LEDGER_FILE, Ledger
from fleetlore.storage.locks import MAINTAIN_LOCK, ProcessLock

ResultT = TypeVar("ResultT")

_ENVIRONMENT = "FLEETLORE"

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=lambda: platformdirs.user_data_path("fleetlore"),
    show_default="the user data directory",
    envvar=f"{_ENVIRONMENT}_DATA",
    help="Data directory; any number of processes may share it.",
)
embedder_option = click.option(
    "--embedder",
    type=click.Choice(list(EMBEDDERS)),
    default=None,
    show_default=f"the one the data was made with, {DEFAULT_EMBEDDER} for new data",
    envvar=f"{_ENVIRONMENT}_EMBEDDER",
    help="What turns text into vectors.",
)


promote_after_option = click.option(
    "--promote-after",
    type=click.IntRange(1, 100),
    default=2,
    envvar=f"{_ENVIRONMENT}_PROMOTE_AFTER",
    help="How many other agents bear an item out before it is active.",
)
# Whoever waits for it wants it done; a server would rather be asked.
_HURRIED_SLICE = 0.5


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(VERSION, prog_name="fleetlore")
def commands() -> None:
    """One shared memory for a fleet of AI agents, learning from outcomes.

    Every option can also be set as FLEETLORE_<OPTION> in the environment; the command line wins.
    """


def main() -> None:
    """Runs the command; a refusal or a fault that we know is one line on stderr and exit code 1."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        commands(prog_name="fleetlore")
    except FleetloreError as error:
        _fail(error)
    except BaseExceptionGroup as group:
        known, unknown = group.split(FleetloreError)
        if known is None or unknown is not None:
            raise
        _fail(_first(known))


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    leaf: BaseException = group
    while isinstance(leaf, BaseExceptionGroup):
        leaf = leaf.exceptions[0]
    return leaf


def _fail(error: BaseException) -> None:
    click.echo(f"fleetlore: {error}", err=True)
    sys.exit(1)


@commands.command()
@data_option
@embedder_option
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http"]),
    default="stdio",
    envvar=f"{_ENVIRONMENT}_TRANSPORT",
    help="stdio for one client, http for a fleet (/mcp, legacy /sse, /healthz).",
)
@click.option("--host", default="127.0.0.1", envvar=f"{_ENVIRONMENT}_HOST", help="Address to listen on (http).")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8717, envvar=f"{_ENVIRONMENT}_PORT", help="Port (http); 0: any."
)
@click.option("--agent", default="", envvar=f"{_ENVIRONMENT}_AGENT", help="Name of everybody who connects.")
@click.option("--project", default="", envvar=f"{_ENVIRONMENT}_PROJECT", help="What they work on, as owner/name.")
@promote_after_option
@click.option(
    "--learning/--no-learning",
    default=True,
    envvar=f"{_ENVIRONMENT}_LEARNING",
    help="Whether outcomes change anything; without, everything is stored and ranked by relevance alone.",
)
def serve(
    data: Path,
    embedder: str | None,
    transport: Literal["stdio", "http"],
    host: str,
    port: int,
    agent: str,
    project: str,
    promote_after: int,
    learning: bool,
) -> None:
    """Start the MCP server."""
    # The SDK takes most of a second to import, which the other commands need not wait for.
    from fleetlore.server.app import SharedMemory, serve_memory  # noqa: PLC0415
    from fleetlore.server.transports import serve_http, serve_stdio  # noqa: PLC0415

    settings = Settings(
        data=data.expanduser().absolute(),
        embedder=embedder or "",
        workplace=Path.cwd() if transport == "stdio" else None,
        host=host,
        port=port,
        agent=agent,
        project=project,
        promote_after=promote_after,
        learning=learning,
    )
    shared = SharedMemory(settings)
    server = serve_memory(shared)
    if transport == "stdio":
        anyio.run(serve_stdio, server)
        # Everything is closed by now; what is left of an import in a thread must not hold up the client.
        logging.shutdown()
        os._exit(0)
    else:
        anyio.run(serve_http, server, shared, settings)


@commands.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def status(data: Path, as_json: bool) -> None:
    """Show what a data directory holds and how it is."""
    found = _with_ledger(data, "", lambda ledger: describe(ledger, data, degraded={}))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for space, counts in found["items"].items():
        total = sum(counts.values())
        detail = ", ".join(f"{count:,} {status}" for status, count in counts.items())
        click.echo(f"{space + ' space':<16}{total:,} items{f' ({detail})' if detail else ''}")
    receipts = found["receipts"]
    share = f" ({receipts['answered'] / receipts['given']:.0%})" if receipts["given"] else ""
    rows = {
        "pruned": f"{found['pruned']:,} items",
        "agents": f"{found['agents']:,}",
        "feedback": f"{found['feedback']:,}",
        "receipts": f"{receipts['given']:,} given, {receipts['answered']:,} answered{share}",
        "disk": f"{found['disk_bytes'] / 1e6:,.1f} MB in {found['data']}",
        "embedder": found["embedder"],
        "versions": f"fleetlore {found['version']}, SQLite {found['sqlite']}",
        "health": found["status"],
    }
    for name, value in rows.items():
        click.echo(f"{name:<16}{value}")


@commands.command()
@data_option
@embedder_option
def rebuild(data: Path, embedder: str | None) -> None:
    """Make both knowledge spaces anew from the ledger, also with another embedder."""
    from fleetlore.kmu.rebuilding import rebuild_spaces  # noqa: PLC0415  LanceDB takes two seconds to import

    async def work(ledger: Ledger) -> int:
        lock = ProcessLock(data / MAINTAIN_LOCK)
        total = sum([await ledger.read.count("general"), await ledger.read.count("prompt")])
        with click.progressbar(length=total, label="rebuilding", file=sys.stderr) as bar:
            async with lock.held():
                return await rebuild_spaces(
                    ledger,
                    data,
                    embedder=embedder or ledger.info.embedder,
                    progress=lambda done: bar.update(done - bar.pos),
                )

    copied = _with_ledger(data, "", work)
    click.echo(f"rebuilt both spaces from the ledger: {copied:,} items")


@commands.command()
@data_option
@promote_after_option
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def consolidate(data: Path, promote_after: int, as_json: bool) -> None:
    """Join what is the same, link what is similar, mark conflicts, promote, demote and prune, now and to the end."""
    from fleetlore.kmu.consolidation import Consolidated  # noqa: PLC0415
    from fleetlore.kmu.policy import Policy  # noqa: PLC0415
    from fleetlore.kmu.unit import KnowledgeManagementUnit  # noqa: PLC0415

    async def work(ledger: Ledger) -> Consolidated:
        policy = Policy(promote_after=promote_after)
        async with KnowledgeManagementUnit.open(ledger, data, policy=policy) as unit:
            async with unit.upkeep.lock.held_if_free() as mine:
                if mine:
                    return await sleep(unit)
            click.echo("another process does upkeep on this data; waiting until it is done", err=True)
            async with unit.upkeep.lock.held():
                return await sleep(unit)

    async def sleep(unit: KnowledgeManagementUnit) -> Consolidated:
        waiting, _ = await unit.ledger.read.waiting()
        with click.progressbar(length=waiting, label="consolidating", file=sys.stderr) as bar:
            return await unit.consolidate(
                slice_seconds=_HURRIED_SLICE, rest=0, progress=lambda looked: bar.update(looked - bar.pos)
            )

    done = _with_ledger(data, "", work)
    if as_json:
        plans = [{"plan": plan.id, "agent": plan.agent, "acts": len(plan.items)} for plan in done.plans]
        click.echo(json.dumps({"looked_at": done.looked, "acts": dict(done.acts), "plans": plans}, indent=2))
        return
    acts = ", ".join(f"{act} {count:,}" for act, count in sorted(done.acts.items())) or "nothing to do"
    click.echo(f"looked at {done.looked:,} new items: {acts}")
    for plan in done.plans:
        click.echo(f"{plan.id}: {len(plan.items):,} acts; to take them back: fleetlore undo {plan.id}")


@commands.command()
@click.argument("plan")
@data_option
@promote_after_option
def undo(plan: str, data: Path, promote_after: int) -> None:
    """Take back what a PLAN (p_…) of pruning, merging or consolidation did."""
    from fleetlore.kmu.policy import Policy  # noqa: PLC0415
    from fleetlore.kmu.unit import KnowledgeManagementUnit  # noqa: PLC0415

    async def work(ledger: Ledger) -> int:
        known = await ledger.read.plan(PlanId(plan))
        if known is None:
            raise Refusal("plan", f"there is no plan {plan}", "'fleetlore consolidate' and prune name their plans")
        async with KnowledgeManagementUnit.open(ledger, data, policy=Policy(promote_after=promote_after)) as unit:
            return len((await unit.undo_plan(known.id, agent=known.agent)).plan.items)

    click.echo(f"took back {plan}: {_with_ledger(data, '', work):,} acts")


def _with_ledger(data: Path, embedder: str, work: Callable[[Ledger], Awaitable[ResultT]]) -> ResultT:
    """Carries out work on the ledger of existing data; only a server makes new data."""

    async def run() -> ResultT:
        async with Ledger.open(data, embedder=embedder, fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
            return await work(ledger)

    if not data.is_file() and not (data / LEDGER_FILE).exists():
        raise DataDirectoryUnusable(data, "there is no fleetlore data in it yet; starting a server makes it")
    return anyio.run(run)
