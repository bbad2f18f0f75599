"""The group that every command belongs to, the options that several have, and work on existing data.

A command's module is imported when the command is asked for: what hooks and scripts call must start at once.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import click
import platformdirs

from fleetlore.kmu.access import NEEDS, Principal, Way, authorise
from fleetlore.kmu.harmless import all_harmless
from fleetlore.kmu.policy import Policy
from fleetlore.server.identity import ANONYMOUS, person
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER, EMBEDDERS
from fleetlore.storage.errors import DataDirectoryUnusable, NetworkDisk
from fleetlore.storage.ledger import LEDGER_FILE, Ledger
from fleetlore.storage.mounts import Mounts

if TYPE_CHECKING:
    from fleetlore.kmu.unit import KnowledgeManagementUnit

ResultT = TypeVar("ResultT")

ENVIRONMENT = "FLEETLORE"

_NETWORK_DISK_ALLOWED = f"{__name__}.network_disk_allowed"

_data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=lambda: platformdirs.user_data_path("fleetlore"),
    show_default="the user data directory",
    envvar=f"{ENVIRONMENT}_DATA",
    help="Data directory; any number of processes may share it.",
)
_network_disk_option = click.option(
    "--allow-network-disk",
    is_flag=True,
    expose_value=False,
    envvar=f"{ENVIRONMENT}_ALLOW_NETWORK_DISK",
    help="Use data on a network disk, which no other machine may open at the same time.",
    callback=lambda context, _option, allowed: context.meta.update({_NETWORK_DISK_ALLOWED: allowed}),
)


def data_option(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where the data lie; the command is given `data`."""
    return _data_option(_network_disk_option(command))


embedder_option = click.option(
    "--embedder",
    type=click.Choice(list(EMBEDDERS)),
    default=None,
    show_default=f"the one the data was made with, {DEFAULT_EMBEDDER} for new data",
    envvar=f"{ENVIRONMENT}_EMBEDDER",
    help="What turns text into vectors.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Machine-readable.")


agent_option = click.option(
    "--agent",
    default="",
    show_default="the local user",
    envvar=f"{ENVIRONMENT}_AGENT",
    help="In whose name.",
    callback=lambda _context, _option, name: person(name),
)

project_option = click.option(
    "--project",
    default=None,
    show_default="git remote or folder",
    envvar=f"{ENVIRONMENT}_PROJECT",
    help="What it belongs to, as owner/name.",
)

learning_option = click.option(
    "--learning/--no-learning",
    default=True,
    envvar=f"{ENVIRONMENT}_LEARNING",
    help="Whether outcomes change anything; without, everything is stored and ranked by relevance alone.",
)

promote_after_option = click.option(
    "--promote-after",
    type=click.IntRange(1, 100),
    default=2,
    envvar=f"{ENVIRONMENT}_PROMOTE_AFTER",
    help="How many other agents bear an item out before it is active.",
)


# Which module of this room defines a command, in the order in which help lists them.
MODULES: Mapping[str, str] = {
    "serve": "serving",
    "install": "clients.commands",
    "uninstall": "clients.commands",
    "status": "reading",
    "gaps": "reading",
    "report": "reading",
    "add": "people.adding",
    "search": "people.searching",
    "show": "people.showing",
    "why": "people.showing",
    "edit": "people.editing",
    "prune": "people.pruning",
    "hook": "hooks.commands",
    "import": "exchange.commands",
    "export": "exchange.commands",
    "consolidate": "maintaining",
    "undo": "people.pruning",
    "agents": "people.agents",
    "revoke": "people.revoking",
    "check": "durability.checking",
    "backup": "durability.keeping",
    "restore": "durability.keeping",
    "rebuild": "maintaining",
    "audit": "audit.commands",
    "forget": "people.forgetting",
    "completion": "people.completing",
    "token": "access.commands",
    "doctor": "doctor.examining",
    "demo": "demo.command",
}


# Which way of asking a command is, by its whole name; the others ask nothing of the data, or ask as they answer.
WAYS: Mapping[str, Way] = {way: way for way in NEEDS}


class _CommandGroup(click.Group):
    """A group whose commands add themselves when their module is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; imports its module."""
        if cmd_name in MODULES:
            importlib.import_module(f"fleetlore.server.{MODULES[cmd_name]}")
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is asked for, if whoever asks may: at the machine itself, everybody may everything."""
        name, command, rest = super().resolve_command(ctx, args)
        if (way := WAYS.get(f"fleetlore {name}")) is not None:
            authorise(Principal(agent=ANONYMOUS), way)
        return name, command, rest


@click.group(cls=_CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="fleetlore", prog_name="fleetlore")
@click.pass_context
def commands(context: click.Context) -> None:
    """One shared memory for a fleet of AI agents, learning from outcomes.

    Every option can also be set as FLEETLORE_<OPTION> in the environment; the command line wins.
    """
    if os.environ.get("NO_COLOR"):  # as no-color.org asks
        context.color = False


def tell(found: Any, as_json: bool, text: Callable[[Any], str]) -> None:  # noqa: ANN401  any JSON value
    """Writes what a command found: as JSON for machines, else as `text` makes it for people.

    What came from agents is shown with what is hidden in it written out.
    """
    found = all_harmless(found)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else text(found))


def hang_up() -> None:
    """Lets what is still to be written to stdout go nowhere: whoever read it has gone, or has no room for it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def mounts() -> Mounts:
    """What is mounted where; tests give their own."""
    context = click.get_current_context(silent=True)
    return (context and context.find_object(Mounts)) or Mounts.here()


def network_disk(data: Path) -> str:
    """The type of the network disk that the data lie on, "" for a local one; raises `NetworkDisk` unless allowed."""
    kind = mounts().network(data)
    context = click.get_current_context(silent=True)
    if kind and not (context and context.meta.get(_NETWORK_DISK_ALLOWED)):
        raise NetworkDisk(data, kind)
    return kind


def with_ledger(
    data: Path,
    embedder: str,
    work: Callable[[Ledger], Awaitable[ResultT]],
    *,
    new: bool = False,
    pragmas: Mapping[str, int] | None = None,
) -> ResultT:
    """Carries out work on the ledger of existing data; makes new data only if asked to.

    `pragmas` as in `Ledger.open`.
    """

    async def run() -> ResultT:
        async with Ledger.open(
            data, embedder=embedder, fallback=DEFAULT_EMBEDDER, clock=utc_now, pragmas=pragmas
        ) as ledger:
            return await work(ledger)

    if not new and not data.is_file() and not (data / LEDGER_FILE).exists():
        raise DataDirectoryUnusable(data, "there is no fleetlore data in it yet; starting a server makes it")
    network_disk(data)
    return anyio.run(run)


def with_unit(data: Path, work: Callable[[KnowledgeManagementUnit], Awaitable[ResultT]]) -> ResultT:
    """Carries out work on the knowledge management unit; tells whoever waits at a terminal what takes so long."""

    async def run(ledger: Ledger) -> ResultT:
        if sys.stderr.isatty():
            click.secho("opening the knowledge spaces …", dim=True, err=True)
        from fleetlore.kmu.unit import KnowledgeManagementUnit  # noqa: PLC0415  LanceDB takes a second to import

        async with KnowledgeManagementUnit.open(ledger, data, policy=Policy()) as unit:
            return await work(unit)

    return with_ledger(data, "", run)
