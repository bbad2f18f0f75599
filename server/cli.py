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
from fleetlore.server.why import why as explained
from fleetlore.server.why import why_text
from fleetlore.storage.embedders import DEFAULT_EMBEDDER, EMBEDDERS
from fleetlore.storage.errors import DataDirectoryUnusable, FleetloreError
from fleetlore.storage.identifiers import ReceiptId
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

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")


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
@click.option(
    "--promote-after",
    type=click.IntRange(1, 100),
    default=2,
    envvar=f"{_ENVIRONMENT}_PROMOTE_AFTER",
    help="How many other agents bear an item out before it is active.",
)
@click.option(
    "--learning/--no-learning",
    default=True,
    envvar=f"{_ENVIRONMENT}_LEARNING",
    help="Whether outcomes change anything; without, everything is stored and ranked by relevance alone.",
)
@click.option(
    "--explore/--no-explore",
    default=True,
    envvar=f"{_ENVIRONMENT}_EXPLORE",
    help="Whether agents are asked about what the fleet fails at and knows nothing reliable of.",
)
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 1),
    default=0.0,
    envvar=f"{_ENVIRONMENT}_HOLD_OUT",
    help="Share of retrievals for which knowledge is held back, to measure what it is worth (0 to 1).",
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
    explore: bool,
    hold_out: float,
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
        explore=explore,
        hold_out=hold_out,
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
@json_option
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
@click.option("--limit", type=click.IntRange(1), default=20, help="Most gaps to show.")
@json_option
def gaps(data: Path, limit: int, as_json: bool) -> None:
    """Show where the fleet fails and knows nothing reliable, most to be gained first."""
    from fleetlore.kmu.exploration import Exploration  # noqa: PLC0415  the embedder's weights take a while to load
    from fleetlore.storage.embedding import load_embedder  # noqa: PLC0415

    found = _with_ledger(data, "", lambda ledger: Exploration(ledger, load_embedder(ledger.info.embedder)).find())
    told = [
        {name: getattr(gap, name) for name in ("id", "name", "tasks", "failures", "expected_gain", "example")}
        for gap in found[:limit]
    ]
    if as_json:
        click.echo(json.dumps({"gaps": told}, indent=2, ensure_ascii=False))
        return
    for gap in told:
        counts = f"{gap['tasks']} tasks, {gap['failures']} failed"
        click.echo(f"{gap['id']}  gain {gap['expected_gain']:.4f}  {counts}: {gap['name']} (as in {gap['example']})")
    if not told:
        click.echo("no gaps: nothing fails time and again without anything reliable being known")


@commands.command()
@data_option
@json_option
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the learning curve to this .png or .svg.",
)
def report(data: Path, as_json: bool, picture: Path | None) -> None:
    """Show what knowledge is worth: success at first with it and without, what was expected, the learning curve."""
    from fleetlore.server.picture import SUFFIXES, draw  # noqa: PLC0415
    from fleetlore.server.worth import measured, report_of, report_text  # noqa: PLC0415

    if picture is not None and picture.suffix not in SUFFIXES:
        raise click.BadParameter(f"{picture} must end in {' or '.join(SUFFIXES)}", param_hint="--picture")
    found, items = _with_ledger(data, "", measured)
    if picture is not None:
        draw(found, picture)
    click.echo(json.dumps(report_of(found), indent=2) if as_json else report_text(found, items))


@commands.command()
@click.argument("receipt")
@data_option
@json_option
def why(receipt: str, data: Path, as_json: bool) -> None:
    """Show what a receipt showed to whom, and which states led the controller to its word."""
    found = _with_ledger(data, "", lambda ledger: explained(ledger.read, ReceiptId(receipt)))
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else why_text(found))


def _with_ledger(data: Path, embedder: str, work: Callable[[Ledger], Awaitable[ResultT]]) -> ResultT:
    """Carries out work on the ledger of existing data; only a server makes new data."""

    async def run() -> ResultT:
        async with Ledger.open(data, embedder=embedder, fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
            return await work(ledger)

    if not data.is_file() and not (data / LEDGER_FILE).exists():
        raise DataDirectoryUnusable(data, "there is no fleetlore data in it yet; starting a server makes it")
    return anyio.run(run)
