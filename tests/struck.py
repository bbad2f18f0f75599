"""The command line with a signal that strikes it once, at a place of one's choice: see `killing.struck_at`."""

import asyncio
import functools
import importlib
import inspect
import json
import os
import sys
from pathlib import Path

from fleetlore.server.cli import main

place, when, blow, settings = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1)), json.loads(sys.argv.pop(1))


def found(path):
    module, _, path = path.partition(":")
    owner = importlib.import_module(module)
    *owners, name = path.split(".")
    for part in owners:
        owner = getattr(owner, part)
    return owner, name


for path, value in settings.items():
    setattr(*found(path), value)
owner, name = found(place)
whole = getattr(owner, name)


def strike():
    setattr(owner, name, whole)  # once
    os.kill(os.getpid(), blow)


def in_the_spaces():
    return set(Path(sys.argv[sys.argv.index("--data") + 1], "spaces").rglob("*"))


async def strike_amid(work):
    before, task = in_the_spaces(), asyncio.ensure_future(work)
    while in_the_spaces() <= before:
        if task.done():
            os._exit(3)
        await asyncio.sleep(0)
    strike()
    return await task


async def later(*arguments, **options):
    if when == "before":
        strike()
    if when == "amid":
        return await strike_amid(whole(*arguments, **options))
    result = await whole(*arguments, **options)
    if when == "after":
        strike()
    return result


def at_once(*arguments, **options):
    strike()


struck = later if inspect.iscoroutinefunction(whole) else at_once
setattr(owner, name, functools.wraps(whole)(struck))
main()
