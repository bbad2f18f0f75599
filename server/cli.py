"""The command line. Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage."""

import logging
import sys

import click

from fleetlore.server.command_group import commands
from fleetlore.storage.errors import FleetloreError, known_fault

__all__ = ["commands", "main"]


def main() -> None:
    """Runs the command; a refusal or a fault that we know is one line on stderr and exit code 1."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        commands(prog_name="fleetlore")
    except (FleetloreError, BaseExceptionGroup) as error:
        if (fault := known_fault(error)) is None:
            raise
        click.echo(f"fleetlore: {fault}", err=True)
        sys.exit(1)
