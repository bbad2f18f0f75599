"""`fleetlore check`: reads everything that is kept, and tells what is wrong and what mends it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from fleetlore.kmu.auditing import verify
from fleetlore.server.command_group import commands, data_option, json_option, tell, with_ledger
from fleetlore.server.doctor.finding import Finding, failure, warning, well
from fleetlore.server.doctor.telling import line, summary
from fleetlore.server.people.lines import counted
from fleetlore.storage.embedders import EMBEDDERS
from fleetlore.storage.errors import DataDirectoryUnusable, DataError, known_fault
from fleetlore.storage.footing import may_only_read
from fleetlore.storage.ledger import LEDGER_FILE, Ledger
from fleetlore.storage.opening import schema_of
from fleetlore.storage.queries import SCHEMA
from fleetlore.storage.records import SPACES, Space

if TYPE_CHECKING:
    from fleetlore.storage.identifiers import ItemId
    from fleetlore.storage.inspection import Inspection
    from fleetlore.storage.spaces import KnowledgeSpaces

_RESTORE = "Put back a backup: fleetlore restore FILE"
_REBUILD = "Make it anew from the ledger: fleetlore rebuild"
_NAMED = 3

Note = Callable[[Finding], None]


@commands.command()
@data_option
@json_option
def check(data: Path, as_json: bool) -> None:
    """Read everything that is kept, and tell what is not as it should be.

    Every page, event and text of the ledger, every row of both knowledge spaces, each beside the other. Changes
    nothing, and may run beside servers. Exit code 1 where something is wrong.
    """
    found: list[Finding] = []

    def note(finding: Finding) -> None:
        found.append(finding)
        if not as_json:
            click.echo(line(finding))

    if not (data / LEDGER_FILE).exists() and data.exists():
        note(failure("ledger", f"there is none in {data}", _RESTORE))
    else:
        try:
            if (unread := _unread(data)) is not None:
                note(unread)
            else:
                with_ledger(data, "", lambda ledger: _ledger(ledger, data, note))
        except (DataError, ExceptionGroup) as error:
            fault = known_fault(error)
            if fault is None:
                raise
            if isinstance(fault, DataDirectoryUnusable) and not data.exists():
                raise
            note(failure("ledger", str(fault), _RESTORE))
    if as_json:
        tell([asdict(finding) for finding in found], as_json, str)
    else:
        click.echo(summary(found))
    if any(finding.state == "failure" for finding in found):
        sys.exit(1)


def _unread(data: Path) -> Finding | None:
    """What there is to say of a ledger that opening it would change."""
    ledger = data / LEDGER_FILE
    if not ledger.is_file() or may_only_read(ledger) or (schema := schema_of(ledger)) >= SCHEMA:
        return None
    if schema == 0:
        return failure("ledger", f"{LEDGER_FILE} is empty", _RESTORE)
    problem = "an older fleetlore made it, and it is not converted yet: nothing of it was read"
    return failure("ledger", problem, "Make a backup, then start a server, which converts it: fleetlore backup FILE")


async def _ledger(ledger: Ledger, data: Path, note: Note) -> None:
    if faults := await ledger.read.all_faults():
        note(failure("ledger", f"{LEDGER_FILE} is damaged: {'; '.join(faults)}", _RESTORE))
    else:
        note(well("ledger", "every page is whole"))
    events = await verify(ledger.read)
    if events.broken is not None:
        note(failure("events", f"the chain is broken: {events.broken.because}", f"fleetlore audit verify. {_RESTORE}"))
    elif events.altered:
        texts = "; ".join(events.altered_texts)
        note(
            failure("texts", f"{events.altered:,} are not as recorded: {texts}", f"fleetlore audit verify. {_RESTORE}")
        )
    else:
        note(well("events", f"{counted(events.events, 'event')} and {counted(events.texts, 'text')} as recorded"))
    if ledger.info.embedder not in EMBEDDERS:
        problem = f"the data was made with {ledger.info.embedder}, which this fleetlore does not have"
        note(failure("embedder", problem, f"fleetlore rebuild --embedder {next(iter(EMBEDDERS))}"))
        return
    await _spaces(ledger, data, note)


async def _spaces(ledger: Ledger, data: Path, note: Note) -> None:
    from fleetlore.storage.embedding import load_embedder  # noqa: PLC0415  LanceDB and the weights take a second
    from fleetlore.storage.space_tables import none_yet  # noqa: PLC0415
    from fleetlore.storage.spaces import KnowledgeSpaces  # noqa: PLC0415

    generation = ledger.info.generation
    if await none_yet(ledger.read, data, generation):
        note(well("knowledge spaces", "there are none yet; the next server makes them from the ledger"))
        return
    embedder = await anyio.to_thread.run_sync(load_embedder, ledger.info.embedder)
    try:
        async with KnowledgeSpaces.open(data, embedder=embedder, generation=generation, make=False) as spaces:
            for space in SPACES:
                await _space(ledger, spaces, space, note)
    except (DataError, ExceptionGroup) as error:
        if (fault := known_fault(error)) is None:
            raise
        note(failure("knowledge spaces", str(fault), _REBUILD))


async def _space(ledger: Ledger, spaces: KnowledgeSpaces, space: Space, note: Note) -> None:
    from fleetlore.storage.inspection import inspect  # noqa: PLC0415  pyarrow, as above

    subject = f"{space} space"
    try:
        total = await ledger.read.count(space)
        with click.progressbar(length=total, label=f"reading {subject}", file=sys.stderr) as bar:
            found = await inspect(ledger, spaces, space, lambda rows: bar.update(rows - bar.pos))
        lost = await _not_found(ledger, spaces, space) if found.rows else []
    except (DataError, ExceptionGroup) as error:
        if (fault := known_fault(error)) is None:
            raise
        note(failure(subject, f"its files cannot be read: {fault}", _REBUILD))
        return
    if problems := [*_wrong(found), *lost]:
        note(failure(subject, "; ".join(problems), _REBUILD))
    else:
        coming = f"; {counted(found.coming, 'change')} yet to follow, which servers do at once" if found.coming else ""
        note(well(subject, f"{counted(found.rows, 'row')}, all as the ledger says{coming}"))
    if found.unknown:
        seen = f"{counted(len(found.unknown), 'row')} that the ledger does not know, which nobody is shown"
        note(warning(subject, seen, "Servers remove them within ten minutes"))


def _wrong(found: Inspection) -> list[str]:
    kinds = {"are missing": found.missing, "stand twice": found.doubled, "say something else": found.differing}
    return [f"{len(items):,} {how} ({_some(items)})" for how, items in kinds.items() if items]


def _some(items: set[ItemId]) -> str:
    named = ", ".join(sorted(items)[:_NAMED])
    return named if len(items) <= _NAMED else f"{named}, …"


async def _not_found(ledger: Ledger, spaces: KnowledgeSpaces, space: Space) -> list[str]:
    """Whether either way of searching misses what it is asked for in its own words."""
    from fleetlore.kmu.lexicon import search_terms  # noqa: PLC0415
    from fleetlore.storage.search import Filter  # noqa: PLC0415
    from fleetlore.storage.table_rows import searchable, vectors_of  # noqa: PLC0415

    sample = await ledger.read.living_after(space, 0, 1)
    if not sample:
        return []
    [item] = sample
    [vector] = vectors_of(sample, spaces.embedder)
    legs = await spaces.search(
        space, text=search_terms(searchable(item)), vector=vector, where=Filter(owner=item.owner)
    )
    missed = [name for name, leg in (("words", legs.text), ("meaning", legs.vector)) if not leg]
    return [f"searching by {name} finds nothing" for name in missed]
