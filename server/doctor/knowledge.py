"""What the memory holds: the ledger, its clock, how agents answer, the embedder, and the spaces beside it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import anyio

from fleetlore.server.doctor.finding import Finding, failure, warning, well
from fleetlore.server.people.lines import counted
from fleetlore.storage.embedders import EMBEDDERS
from fleetlore.storage.errors import DataError
from fleetlore.storage.identifiers import age
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import SPACES

_CLOCK_TOLERANCE = timedelta(minutes=1)
_LEAST_ANSWERED = 0.5
_ENOUGH_RECEIPTS = 10


async def examine(ledger: Ledger, data: Path, note: Callable[[Finding], None]) -> None:
    """Notes everything that an open ledger can tell of itself and of what lies beside it."""
    faults = await ledger.read.faults()
    if faults:
        note(
            failure(
                "ledger",
                f"ledger.sqlite is damaged: {faults[0]}",
                "fleetlore check shows all of it; put back a backup: fleetlore restore FILE",
            )
        )
        return
    census = await ledger.read.census()
    held = f"{counted(sum(census.items.values()), 'item')}, {counted(census.feedback, 'report')}"
    note(well("ledger", f"{held}, store {ledger.info.id}"))
    note(await _clock(ledger))
    note(_answered(census.receipts, census.answered))
    if ledger.info.embedder not in EMBEDDERS:
        note(
            failure(
                "embedder",
                f"the data was made with {ledger.info.embedder}, which this fleetlore does not have",
                f"Make its vectors anew: fleetlore rebuild --embedder {next(iter(EMBEDDERS))}",
            )
        )
        return
    try:
        await _spaces(ledger, data, note)
    except DataError as error:
        note(failure("knowledge spaces", str(error), "Make them anew from the ledger: fleetlore rebuild"))


async def _clock(ledger: Ledger) -> Finding:
    latest = await ledger.read.latest_event()
    ahead = timedelta(0) if latest is None else -age(latest, ledger.clock())
    if ahead > _CLOCK_TOLERANCE:
        return failure(
            "clock",
            f"the newest entry of the ledger is {ahead} in the future",
            "Set this machine's clock, and that of whoever else uses the data: ids are sorted by time",
        )
    return well("clock", "not behind the newest entry of the ledger")


def _answered(given: int, answered: int) -> Finding:
    if given == 0:
        return warning(
            "receipts", "no agent has asked anything yet", "Connect an assistant: fleetlore install claude-code"
        )
    seen = f"{answered:,} of {given:,} answered ({answered / given:.0%})"
    if given >= _ENOUGH_RECEIPTS and answered < _LEAST_ANSWERED * given:
        return warning(
            "receipts",
            f"{seen}: knowledge can only learn from outcomes that are reported",
            "Install the hooks that ask for them: fleetlore install claude-code; from scripts: fleetlore hook report",
        )
    return well("receipts", seen)


async def _spaces(ledger: Ledger, data: Path, note: Callable[[Finding], None]) -> None:
    from fleetlore.storage.embedding import load_embedder  # noqa: PLC0415  LanceDB and the weights take a second
    from fleetlore.storage.spaces import KnowledgeSpaces  # noqa: PLC0415

    embedder = await anyio.to_thread.run_sync(load_embedder, ledger.info.embedder)
    [vector] = embedder.embed(["is the embedder well?"])
    if len(vector) != embedder.dimension or not vector.any():
        note(failure("embedder", f"{embedder.name} gives no vectors", "Install fleetlore anew"))
        return
    note(well("embedder", embedder.name))
    async with KnowledgeSpaces.open(data, embedder=embedder, generation=ledger.info.generation) as spaces:
        for space in SPACES:
            known = await ledger.read.living_ids(space)
            coming = await ledger.read.row_changes_after(await ledger.read.followed(spaces.generation), None) or ()
            missing = len(known - {change.item for change in coming} - set(await spaces.ids(space)))
            note(
                warning(
                    f"{space} space",
                    f"searching misses {missing:,} of {counted(len(known), 'item')}",
                    "Servers mend this within ten minutes; at once: fleetlore rebuild",
                )
                if missing
                else well(f"{space} space", f"{counted(len(known), 'item')}, and searching finds all")
            )
