"""`fleetlore audit`: verify the chain of events, show it, name its head, write it out."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleetlore.kmu.auditing import verify as verified
from fleetlore.server.audit.since import moment_named
from fleetlore.server.audit.telling import account, exported, line, verdict, verdict_text
from fleetlore.server.clients.files import target_of
from fleetlore.server.command_group import commands, data_option, json_option, tell, with_ledger
from fleetlore.server.exchange.files import STANDARD_INPUT
from fleetlore.server.exchange.telling import write
from fleetlore.server.identity import folded
from fleetlore.server.people.completing import ids_of
from fleetlore.server.people.lines import counted, hint
from fleetlore.server.people.texts import as_kept
from fleetlore.server.settings import utc_now
from fleetlore.server.whole_file import replacing
from fleetlore.storage.errors import FileRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from fleetlore.storage.audit_view import Chain
    from fleetlore.storage.ledger import Ledger

_LINK_LENGTH = 64
_BEGINNING = b'{"seq": '


@commands.group()
def audit() -> None:
    """Verify, show and export the record of everything that happened.

    Each event carries a link to the one before it, so that nothing can be changed unseen.
    """


def _link(_context: click.Context, _option: click.Parameter, text: str) -> str:
    link = text.strip().lower()
    if link and (len(link) != _LINK_LENGTH or not set(link) <= set("0123456789abcdef")):
        raise click.BadParameter("a link is 64 hexadecimal digits, as 'fleetlore audit head' tells it")
    return link


def _since(_context: click.Context, _option: click.Parameter, text: str) -> datetime | None:
    try:
        return moment_named(text, utc_now()) if text else None
    except ValueError:
        raise click.BadParameter(f"{text} is no moment: use 12h, 7d, 2w, 2026-11-25 or 2026-11-25T08:30") from None


@audit.command()
@click.option(
    "--expect", default="", show_default=False, callback=_link, help="A link noted earlier, to be found in it."
)
@data_option
@json_option
def verify(expect: str, data: Path, as_json: bool) -> None:
    """Follow the chain from its beginning, and compare every text with what was recorded of it.

    Exit code 1 where something is not as it was recorded; the first broken link is named.
    """
    found = with_ledger(data, "", lambda ledger: verified(ledger.read, expect=expect))
    tell(verdict(found), as_json, verdict_text)
    if not found.whole:
        sys.exit(1)


@audit.command()
@data_option
@json_option
def head(data: Path, as_json: bool) -> None:
    """Tell how many events there are and the link of the last, to be noted where nobody can change it."""

    async def work(ledger: Ledger) -> Chain:
        return await ledger.read.chain()

    chain = with_ledger(data, "", work)
    tell({"events": chain.events, "link": chain.head}, as_json, lambda told: f"{told['events']} {told['link']}")


@audit.command()
@click.option("--agent", default="", show_default="all", help="Only what this agent did.")
@click.option(
    "--item", default="", show_default="all", help="Only what is about it or names it.", shell_complete=ids_of("krfp")
)
@click.option("--kind", default="", show_default="all", help="Only events of this kind, as feedback or pruned.")
@click.option("--since", default="", show_default="ever", callback=_since, help="Only from then: 12h, 7d, a date.")
@click.option("--limit", type=click.IntRange(1), default=50, help="Most events to show, the latest.")
@data_option
@json_option
def show(agent: str, item: str, kind: str, since: datetime | None, limit: int, data: Path, as_json: bool) -> None:
    """Show what happened, newest last: who did what, to what, when."""

    async def work(ledger: Ledger) -> dict[str, Any]:
        found, total = await ledger.read.events(
            agent=folded(agent) if agent else "", subject=as_kept(item), kind=kind.strip(), since=since, limit=limit
        )
        return {"events": [account(event) for event in found], "earlier": total - len(found)}

    tell(with_ledger(data, "", work), as_json, _shown)


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@data_option
def export(file: Path, data: Path) -> None:
    """Write every event to FILE (- for standard output) as JSON lines that anybody can verify."""

    async def work(ledger: Ledger) -> int:
        count = 0
        with _output(file) as put_line:
            async with ledger.read.snapshot():
                async for event in ledger.read.chained():
                    put_line(f"{exported(event)}\n".encode())
                    count += 1
        return count

    count = with_ledger(data, "", work)
    if file != Path(STANDARD_INPUT):
        click.echo(f"wrote {counted(count, 'event')} to {file}", err=True)


def _shown(found: dict[str, Any]) -> str:
    if not found["events"]:
        return "nothing of that happened"
    lines = [line(event) for event in found["events"]]
    if found["earlier"]:
        lines = [hint(f"… {counted(found['earlier'], 'earlier event')} (--limit, --since)"), *lines]
    return "\n".join(lines)


@contextmanager
def _output(file: Path) -> Iterator[Callable[[bytes], object]]:
    if file == Path(STANDARD_INPUT):
        yield write
        return
    target = target_of(file)
    try:
        with target.open("rb") as there:
            beginning = there.read(len(_BEGINNING))
    except OSError:
        beginning = b""  # there is nothing, or writing will say what is wrong
    if beginning not in (b"", _BEGINNING):
        raise FileRefused(file, None, "it is there already and is no such export", "Choose another name, or remove it")
    try:
        with replacing(target) as stream:
            yield stream.write
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FileRefused(file, None, f"it cannot be written: {reason}", "Choose another file") from error
