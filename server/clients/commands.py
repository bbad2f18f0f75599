"""The commands that connect assistants to fleetlore and take the connection away again."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import platformdirs
from click.core import ParameterSource

from fleetlore.server.clients.connection import NAME, Connection, check_remote, check_words
from fleetlore.server.clients.dialects import DIALECTS, SCOPES, Dialect, Scope
from fleetlore.server.clients.installing import carry_out, plan_install, plan_uninstall
from fleetlore.server.clients.journal import Journal
from fleetlore.server.clients.machine import Machine
from fleetlore.server.clients.parts import Choice, parts_of
from fleetlore.server.clients.telling import lines, summary
from fleetlore.server.command_group import ENVIRONMENT, commands, data_option, json_option, tell
from fleetlore.server.identity import speaking
from fleetlore.server.settings import utc_now
from fleetlore.storage.errors import Refusal

_client_argument = click.argument("client", type=click.Choice(list(DIALECTS)), required=False)
_scope_option = click.option(
    "--scope", type=click.Choice(SCOPES), default="user", help="For all your projects, or for this one and its team."
)
_project_dir_option = click.option(
    "--project-dir",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    show_default="here",
    help="A folder of the project that --scope project means.",
)
_dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would change.")
_force_option = click.option("--force", is_flag=True, help="Also what was edited by hand.")


@commands.command()
@_client_argument
@_scope_option
@_project_dir_option
@data_option
@click.option("--agent", default="", envvar=f"{ENVIRONMENT}_AGENT", help="The name of whoever uses this client.")
@click.option("--url", default="", help="A team's server instead of one that the client starts.")
@click.option("--token-env", default="", metavar="NAME", help="The variable that holds the token for --url.")
@click.option("--rules/--no-rules", default=True, help="Tell the assistant in its rules file when to use fleetlore.")
@click.option("--hooks/--no-hooks", default=True, help="Install the hooks, in clients that have them.")
@_dry_run_option
@_force_option
@json_option
@click.pass_context
def install(
    context: click.Context,
    client: str | None,
    scope: Scope,
    project_dir: Path,
    data: Path,
    agent: str,
    url: str,
    token_env: str,
    rules: bool,
    hooks: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Connect an assistant: its server entry, its rules and its hooks. Without CLIENT: show what is here.

    Every file keeps its comments, order and other servers, and a copy of what it was.
    """
    machine = Machine.here(project_dir)
    if client is None:
        tell(_clients_here(machine), as_json, _clients_text)
        return
    if token_env and not url:
        raise click.UsageError("--token-env needs --url: a server that the client starts takes no token")
    if url and (_typed(context, "data") or _typed(context, "agent")):
        raise click.UsageError(
            "--data and --agent are for a server that the client starts; the one at --url has its own"
        )
    dialect = DIALECTS[client]
    _check_scope(client, dialect, scope)
    doubts = check_remote(dialect.title, dialect, url, token_env, os.environ) if url else []
    command, doubt = _command(scope, os.environ)
    personal = scope == "user"
    passed_on = _given if personal else _typed  # what the environment says is true of this machine only
    connection = Connection(
        command=command,
        data=str(data.absolute()) if not url and passed_on(context, "data") else "",
        agent=speaking(agent) if not url and agent and passed_on(context, "agent") else "",
        url=url,
        token_env=token_env,
    )
    check_words(connection)
    if connection.data and not personal:
        doubts.append(f"{connection.data} is a folder of this machine, and the project's files are for everybody")
    if rules and dialect.rules and scope not in dialect.rules:
        doubts.append(f"{dialect.title} has no file of rules for a {scope}; paste the text in docs/clients.md instead")
    placed = parts_of(dialect, scope, machine, connection, Choice(rules=rules, hooks=hooks))
    if doubt and (not url or any(each.folder for each in placed)):
        doubts.append(doubt)
    found = _carried_out(lambda journal: plan_install(client, placed, journal, force=force), doubts, dry_run=dry_run)
    told = {"client": client, "scope": scope, **found}
    changed = any(file["act"] != "unchanged" for file in found["files"])
    heading = f"{dialect.title}, {scope} scope: {'' if changed else 'nothing to do, '}{url or 'a server it starts'}"
    ending = [dialect.then, f"Undo with: fleetlore uninstall {client}{'' if personal else ' --scope project'}"]
    tell(told, as_json, lambda value: _text(heading, value, machine, ending if changed and not dry_run else []))


@commands.command()
@_client_argument
@_scope_option
@_project_dir_option
@data_option
@_dry_run_option
@_force_option
@json_option
def uninstall(
    client: str | None, scope: Scope, project_dir: Path, data: Path, dry_run: bool, force: bool, as_json: bool
) -> None:
    """Take out of an assistant's files what install put in; the memory in the data directory stays."""
    machine = Machine.here(project_dir)
    if client is None:
        raise click.UsageError(f"name a client: {', '.join(DIALECTS)}")
    dialect = DIALECTS[client]
    _check_scope(client, dialect, scope)
    placed = parts_of(dialect, scope, machine, Connection(command=(NAME,)), Choice())
    found = _carried_out(lambda journal: plan_uninstall(client, placed, journal, force=force), [], dry_run=dry_run)
    there = any(file["act"] != "unchanged" for file in found["files"])
    outcome = f"fleetlore {'would be ' if dry_run else ''}taken out" if there else "nothing of fleetlore to take out"
    heading = f"{dialect.title}, {scope} scope: {outcome}"
    ending = [f"The memory stays: {data}"] if there and not dry_run else []
    told = {"client": client, "scope": scope, **found}
    tell(told, as_json, lambda value: _text(heading, value, machine, ending))


def _carried_out(plan_of: Callable[[Journal], Any], doubts: list[str], *, dry_run: bool) -> dict[str, Any]:
    journal = Journal(platformdirs.user_state_path(NAME) / "clients", utc_now())
    if dry_run:
        journal.look()
        found = summary(plan_of(journal), {}, dry_run=True)
    else:
        with journal.open():
            plan = plan_of(journal)
            found = summary(plan, carry_out(plan, journal), dry_run=False)
    return {**found, "notes": [*found["notes"], *doubts]}


def _text(heading: str, found: Mapping[str, Any], machine: Machine, ending: list[str]) -> str:
    return "\n".join([heading, *lines(found, machine), *ending])


def _clients_here(machine: Machine) -> dict[str, Any]:
    return {"clients": {name: machine.has(dialect) for name, dialect in DIALECTS.items()}}


def _clients_text(found: Mapping[str, Any]) -> str:
    rows = [f"{name:<16}{'found' if here else '-'}" for name, here in found["clients"].items()]
    first = next((name for name, here in found["clients"].items() if here), "CLIENT")
    return "\n".join([*rows, f"Connect one with: fleetlore install {first} (--dry-run shows what would change)"])


def _check_scope(client: str, dialect: Dialect, scope: Scope) -> None:
    if scope not in dialect.files:
        only = next(iter(dialect.files))
        raise Refusal(
            "--scope",
            f"{dialect.title} has no file of servers for a {scope}",
            f"Use: fleetlore install {client} --scope {only}",
        )


def _command(scope: Scope, environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """The words that start fleetlore from anywhere, and what is doubtful about them.

    A project's file is for everybody, so it has the bare name where that works here.
    """
    on_path = shutil.which(NAME, path=environ.get("PATH", ""))
    if scope == "project" and on_path:
        return (NAME,), ""
    beside = [Path(sys.argv[0]).absolute(), Path(sys.executable).parent / NAME, *([Path(on_path)] if on_path else [])]
    program = next((each for each in beside if each.name == NAME and os.access(each, os.X_OK) and each.is_file()), None)
    words = (str(program),) if program else (sys.executable, "-m", "fleetlore.server")
    if scope == "user":
        return words, ""
    return words, f"{words[0]} is a path of this machine; put fleetlore on the PATH and install again to share the file"


def _given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def _typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
