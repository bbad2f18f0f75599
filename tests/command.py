"""The command line as tests drive it: in this process, with faults as `main` would see them."""

import json
from typing import Any

import anyio
from click.testing import CliRunner

from fleetlore.server.cli import commands
from fleetlore.storage.errors import FleetloreError


async def run(*arguments: Any, code: int = 0, given: str | None = None, **environment: str) -> str:
    """What a command writes; faults that we know are raised."""
    line = [str(argument) for argument in arguments]
    result = await anyio.to_thread.run_sync(
        lambda: CliRunner(env=environment).invoke(commands, line, input=given), abandon_on_cancel=True
    )
    error = result.exception
    while isinstance(error, BaseExceptionGroup):
        [error] = error.exceptions
    if isinstance(error, FleetloreError):
        raise error
    assert result.exit_code == code, result.output
    return result.output


async def told(*arguments: Any, **options: Any) -> dict[str, Any]:
    """What a command says to machines."""
    return json.loads(await run(*arguments, "--json", **options))
