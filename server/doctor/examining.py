"""The command that examines everything."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import click

from fleetlore.server.address import token_in
from fleetlore.server.clients.machine import Machine
from fleetlore.server.command_group import ENVIRONMENT, commands, data_option, json_option, mounts, tell
from fleetlore.server.doctor import knowledge, reachable, surroundings
from fleetlore.server.doctor.assistants import assistants
from fleetlore.server.doctor.finding import Finding, failure
from fleetlore.server.doctor.telling import line, summary
from fleetlore.server.settings import utc_now
from fleetlore.storage.embedders import DEFAULT_EMBEDDER
from fleetlore.storage.errors import FleetloreError
from fleetlore.storage.ledger import LEDGER_FILE, Ledger


@commands.command()
@data_option
@click.option("--url", default="", envvar=f"{ENVIRONMENT}_URL", help="A server to look at, such as http://host/mcp.")
@click.option(
    "--token-env",
    default="",
    envvar=f"{ENVIRONMENT}_TOKEN_ENV",
    help="Name of the environment variable that holds the server's token.",
)
@json_option
def doctor(data: Path, url: str, token_env: str, as_json: bool) -> None:
    """Examine versions, data, clocks, assistants' files and servers; each finding comes with its remedy.

    Exit code 1 where something does not work.
    """
    found: list[Finding] = []

    def note(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            click.echo(line(finding))

    anyio.run(_examine, data, url, token_in(token_env), note)
    if as_json:
        tell([asdict(finding) for finding in found], as_json, str)
    else:
        click.echo(summary(found))
    if any(finding.state == "failure" for finding in found):
        sys.exit(1)


async def _examine(data: Path, url: str, token: str, note: Callable[[Finding], None]) -> None:
    for finding in (*surroundings.versions(), *surroundings.data_directory(data, mounts())):
        note(finding)
    if not (data / LEDGER_FILE).exists():
        with TemporaryDirectory(prefix="fleetlore-", ignore_cleanup_errors=True) as folder:
            note(await reachable.starts(Path(folder)))
    elif await _opens(data, note):
        note(await reachable.starts(data))
    for finding in assistants(Machine.here(Path.cwd())):
        note(finding)
    for finding in reachable.answers(url or reachable.USUAL_ADDRESS, asked_for=bool(url), token=token):
        note(finding)


async def _opens(data: Path, note: Callable[[Finding], None]) -> bool:
    """Examines the knowledge itself; whether it could be opened."""
    opened = True
    try:
        async with Ledger.open(data, embedder="", fallback=DEFAULT_EMBEDDER, clock=utc_now) as ledger:
            await knowledge.examine(ledger, data, note)
    except* FleetloreError as errors:
        for error in errors.exceptions:
            note(failure("ledger", str(error), "Mend what it says, then run fleetlore doctor again"))
        opened = False
    return opened
