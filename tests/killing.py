"""Commands that die by kill -9 at a place of one's choice, in a process of their own."""

import signal
import sys
from typing import Any

import anyio

_KILLED = """
import importlib, os, signal, sys
from fleetlore.server.cli import main

def killed(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

module, _, path = sys.argv.pop(1).partition(":")
owner = importlib.import_module(module)
*owners, name = path.split(".")
for part in owners:
    owner = getattr(owner, part)
setattr(owner, name, killed)
main()
"""


async def killed_at(place: str, *arguments: Any) -> None:
    """Runs a command that dies where it calls `place`, as in `fleetlore.storage.ledger:Ledger.purge`."""
    command = [sys.executable, "-c", _KILLED, place, *map(str, arguments)]
    assert (await anyio.run_process(command, check=False)).returncode == -signal.SIGKILL
