"""The command that starts the MCP server."""

import logging
import os
import socket
import sys
from pathlib import Path
from typing import Literal

import anyio
import click

from fleetlore.server.access.options import access_options
from fleetlore.server.access.settings import Access
from fleetlore.server.command_group import (
    ENVIRONMENT,
    commands,
    data_option,
    embedder_option,
    learning_option,
    network_disk,
    promote_after_option,
)
from fleetlore.server.oauth.options import oauth_options
from fleetlore.server.oauth.settings import OAuth
from fleetlore.server.settings import Settings
from fleetlore.server.workers import serve_together
from fleetlore.storage.arenas import share_arenas
from fleetlore.storage.errors import Refusal

logger = logging.getLogger(__name__)

# After so long a thread that works in the ledger lets a call go on that has come meanwhile; Python's own 5 ms are felt.
_SWITCH_SECONDS = 0.001


@commands.command()
@data_option
@embedder_option
@click.option(
    "--transport",
    type=click.Choice(["stdio", "http"]),
    default="stdio",
    envvar=f"{ENVIRONMENT}_TRANSPORT",
    help="stdio for one client, http for a fleet (/mcp, legacy /sse, /healthz).",
)
@click.option("--host", default="127.0.0.1", envvar=f"{ENVIRONMENT}_HOST", help="Address to listen on (http).")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8717, envvar=f"{ENVIRONMENT}_PORT", help="Port (http); 0: any."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    envvar=f"{ENVIRONMENT}_WORKERS",
    help="Processes that serve together (http): each keeps one core busy.",
)
@click.option("--listener", type=int, hidden=True)
@access_options
@oauth_options
@click.option("--agent", default="", envvar=f"{ENVIRONMENT}_AGENT", help="Name of everybody who connects.")
@click.option("--project", default="", envvar=f"{ENVIRONMENT}_PROJECT", help="What they work on, as owner/name.")
@promote_after_option
@learning_option
@click.option(
    "--explore/--no-explore",
    default=True,
    envvar=f"{ENVIRONMENT}_EXPLORE",
    help="Whether agents are asked about what the fleet fails at and knows nothing reliable of.",
)
@click.option(
    "--hold-out",
    type=click.FloatRange(0, 1),
    default=0.0,
    envvar=f"{ENVIRONMENT}_HOLD_OUT",
    help="Share of retrievals for which knowledge is held back, to measure what it is worth (0 to 1).",
)
@click.option(
    "--keep-days",
    type=click.IntRange(0),
    default=0,
    envvar=f"{ENVIRONMENT}_KEEP_DAYS",
    help="Prune items that nobody bore out, after so many days without a report about them; 0: never.",
)
@click.option(
    "--most-items",
    type=click.IntRange(0),
    default=0,
    envvar=f"{ENVIRONMENT}_MOST_ITEMS",
    help="Prune what each space holds beyond so many items, least trusted first; 0: any number.",
)
def serve(
    data: Path,
    embedder: str | None,
    transport: Literal["stdio", "http"],
    host: str,
    port: int,
    workers: int,
    listener: int | None,
    access: Access,
    oauth: OAuth | None,
    agent: str,
    project: str,
    promote_after: int,
    learning: bool,
    explore: bool,
    hold_out: float,
    keep_days: int,
    most_items: int,
) -> None:
    """Start the MCP server."""
    if workers > 1:
        if transport == "stdio":
            raise Refusal("--workers", "a server over stdio has one client", "Leave it out, or add --transport http")
        sys.exit(serve_together(access.scheme, host, port, workers))
    share_arenas()
    # The SDK takes most of a second to import, which the other commands need not wait for.
    from fleetlore.server.app import SharedMemory, serve_memory  # noqa: PLC0415
    from fleetlore.server.transports import serve_http, serve_stdio  # noqa: PLC0415

    data = data.expanduser().absolute()
    kind = network_disk(data)
    if kind:
        logger.warning("the data lie on a network disk (%s): no other machine may use them at the same time", kind)
    settings = Settings(
        data=data,
        network_disk=kind,
        embedder=embedder or "",
        workplace=Path.cwd() if transport == "stdio" else None,
        host=host,
        port=port,
        access=access,
        oauth=oauth if transport == "http" else None,
        agent=agent,
        project=project,
        promote_after=promote_after,
        learning=learning,
        explore=explore,
        hold_out=hold_out,
        keep_days=keep_days,
        most_items=most_items,
        alone=listener is None,
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    shared = SharedMemory(settings)
    server = serve_memory(shared)
    if transport == "stdio":
        anyio.run(serve_stdio, server)
    else:
        given = None if listener is None else socket.socket(fileno=listener)
        anyio.run(serve_http, server, shared, settings, given)
    # Everything is closed by now. What is left of an import in a thread must not hold up whoever waits for the end: the
    # interpreter's own way out may then go round and round in its collector.
    logging.shutdown()
    os._exit(0)
