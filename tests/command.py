"""The command line as tests drive it: in this process, with faults as `main` would see them."""

import json
from typing import Any

import anyio
from click.testing import CliRunner, Result

from fleetlore.server.cli import commands
from fleetlore.storage.errors import FleetloreError


async def run(*arguments: Any, **options: Any) -> str:
    """What a command writes."""
    return (await finished(*arguments, **options)).output


async def finished(*arguments: Any, code: int = 0, given: str | bytes | None = None, **environment: str) -> Result:
    """A command that has ended; faults that we know are raised."""
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
    return result


async def told(*arguments: Any, **options: Any) -> dict[str, Any]:
    """What a command says to machines."""
    return json.loads((await finished(*arguments, "--json", **options)).stdout)
