"""`fleetlore backup` and `fleetlore restore`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from fleetlore.server.command_group import commands, data_option, json_option
from fleetlore.server.people.lines import counted
from fleetlore.server.settings import utc_now
from fleetlore.server.turns import turn_of
from fleetlore.storage.errors import DataDirectoryUnusable, FileRefused, Refusal
from fleetlore.storage.ledger import LEDGER_FILE

if TYPE_CHECKING:
    from fleetlore.kmu.backups import Contents

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@commands.command()
@_file
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@data_option
@json_option
def backup(file: Path, force: bool, data: Path, as_json: bool) -> None:
    """Write everything that is kept to FILE, as it was at one moment, while servers go on.

    The knowledge spaces are not in it: they are made from it. FILE holds what agents wrote, for your eyes only.
    """
    from fleetlore.kmu.backups import back_up  # noqa: PLC0415

    if not (data / LEDGER_FILE).exists():
        raise DataDirectoryUnusable(data, "there is no fleetlore data in it to back up")
    if _is_kept_in(data, file):
        raise FileRefused(file, None, "it is what is to be backed up", "Choose another name")
    if file.exists() and not force:
        raise FileRefused(file, None, "it is there already", "Choose another name, or replace it with --force")
    try:
        contents = anyio.run(back_up, data, file)
    except OSError as error:
        raise FileRefused(file, None, f"it cannot be written ({error.strerror})", "Choose another place") from error
    size = file.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": size, **_told(contents)}, indent=2))
    else:
        click.echo(f"{file}: {_counted(contents)}, {size:,} bytes")


@commands.command()
@_file
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def restore(file: Path, yes: bool, data: Path, as_json: bool) -> None:
    """Put the backup FILE in the place of what is kept now, also while servers run.

    What was kept until then stays beside it, in a file of its own that can be put back in turn.
    """
    from fleetlore.kmu.restoring import restore as put_back  # noqa: PLC0415  LanceDB takes a second to import

    if not file.exists():
        raise FileRefused(file, None, "it is not there", "Choose another backup")
    if _is_kept_in(data, file):
        raise FileRefused(file, None, "it is what is kept now", "Choose a backup")
    if (data / LEDGER_FILE).exists() and not yes:
        if not sys.stdin.isatty():
            raise Refusal("yes", "this replaces all that is kept, and there is nobody to ask", "Add --yes")
        click.confirm(f"replace what is kept in {data}?", abort=True)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = data / f"before-restore-{utc_now():%Y%m%dT%H%M%S%f}.sqlite"

    async def work() -> Contents:
        async with turn_of(data, "restoring"):
            with click.progressbar(length=1, label="restoring", file=sys.stderr) as bar:

                def progress(done: int, total: int) -> None:
                    bar.length = max(total, 1)
                    bar.update(done - bar.pos)

                return await put_back(data, file, kept=kept, clock=utc_now, progress=progress)

    contents = anyio.run(work)
    there = str(kept) if kept.exists() else ""
    if as_json:
        click.echo(json.dumps({"file": str(file), "kept": there or None, **_told(contents)}, indent=2))
        return
    click.echo(f"restored {_counted(contents)}")
    if there:
        click.echo(f"what was there before: {there}")


def _is_kept_in(data: Path, file: Path) -> bool:
    """Whether that is the ledger itself, or what SQLite keeps beside it."""
    ledger = data / LEDGER_FILE
    if file.exists() and ledger.exists() and file.samefile(ledger):
        return True
    beside = {f"{LEDGER_FILE}{ending}" for ending in ("", "-wal", "-shm", "-journal")}
    return file.name.lower() in beside and file.parent.resolve() == data.resolve()


def _told(contents: Contents) -> dict[str, object]:
    return {"items": contents.items, "events": contents.events, "head": contents.head}


def _counted(contents: Contents) -> str:
    return f"{counted(contents.items, 'item')}, {counted(contents.events, 'event')}"
