"""The command line. Exit codes: 0 done, 1 refused or failed with one line on stderr, 2 wrong usage."""

import logging
import sys

import click

from fleetlore.kmu.hidden import visible
from fleetlore.server.command_group import commands, hang_up
from fleetlore.storage.errors import FleetloreError, known_fault
from fleetlore.storage.redaction import redact

__all__ = ["commands", "main"]


def main() -> None:
    """Runs the command; a refusal, and a fault that we or the system know, is one line on stderr and exit code 1."""
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[to_stderr])
    try:
        commands(prog_name="fleetlore")
    except (FleetloreError, OSError, BaseExceptionGroup) as error:
        told = known_fault(error) or _told(error)
        if told is None:
            raise
        hang_up()
        if told:
            click.echo(f"fleetlore: {_discreet(str(told))}", err=True)
        sys.exit(1)


def _discreet(text: str) -> str:
    """The text with no secret and nothing hidden: whoever raises an exception may quote what it was given."""
    return visible(redact(text, at_once=True).text)


class _Discreet(logging.Formatter):
    """Writes what is `_discreet`."""

    def format(self, record: logging.LogRecord) -> str:
        return _discreet(super().format(record))


def _told(error: BaseException) -> str | None:
    """What the system refused, as to write to a full disk; "" where only nobody reads any more; None if all is ours."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        [error] = error.exceptions
    if not isinstance(error, OSError):
        return None
    if isinstance(error, BrokenPipeError):
        return ""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}the system refused: {(error.strerror or str(error)).lower()}. Mend that and run it again."
