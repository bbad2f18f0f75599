"""The command line. Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage."""

import logging
import sys
from typing import Any

import click

from fleetlore.server.command_group import commands
from fleetlore.storage.errors import FleetloreError

__all__ = ["commands", "main"]


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
