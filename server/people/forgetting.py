"""`fleetlore forget`: erase for good what an agent said, an item, or a text wherever it stands."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleetlore.kmu import erasure
from fleetlore.kmu.erasure import Found, Target
from fleetlore.server.command_group import commands, data_option, json_option, tell, with_ledger, with_unit
from fleetlore.server.identity import folded, person
from fleetlore.server.people.completing import ids_of
from fleetlore.server.people.elsewhere import look_through, needles_of, remove_kept
from fleetlore.server.people.lines import OWN, counted, hint, moment, one_line, quoted, room
from fleetlore.server.people.texts import as_kept
from fleetlore.storage.copying import STAGE
from fleetlore.storage.errors import Refusal
from fleetlore.storage.identifiers import ItemId, PlanId, age

if TYPE_CHECKING:
    from fleetlore.kmu.unit import KnowledgeManagementUnit
    from fleetlore.storage.ledger import Ledger
    from fleetlore.storage.ledger_view import LedgerView

_SHOWN = 20
_NOUNS = {"items": "item", "reports": "report", "receipts": "receipt", "plans": "plan", "labels": "label"}


@commands.command()
@click.option(
    "--agent", default="", show_default=False, help="Everything that this agent said, asked and has as its own."
)
@click.option(
    "--item",
    "items",
    multiple=True,
    show_default=False,
    help="This item (k_…) and the reports that told it.",
    shell_complete=ids_of("k"),
)
@click.option("--match", "text", default="", show_default=False, help="Every text in which this stands, in any case.")
@click.option("--reason", default="", show_default=False, help="Why; kept in the ledger.")
@click.option("--dry-run", is_flag=True, help="Only show what would be erased.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def forget(
    agent: str,
    items: tuple[str, ...],
    text: str,
    reason: str,
    dry_run: bool,
    yes: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Erase for good, everywhere: this cannot be taken back.

    Shows what would go, asks, and erases it from the ledger, the searchable tables, their old versions and the log.
    What happened stays on record, without the words. Without an option it finishes an erasure that was interrupted.
    """
    target = _target(agent, items, text)
    if target is None:
        if _pending(data) is None:
            raise click.UsageError("say what to erase: --agent, --item or --match")
        _conclude(_finished(data), as_json)
        return
    erasure.check(target, reason)

    async def look(ledger: Ledger) -> tuple[Found, dict[str, Any]]:
        found = await erasure.find(ledger.read, target)
        return found, await _account(ledger.read, found)

    found, account = with_ledger(data, "", look)
    if not any(found.counts.values()):
        if not dry_run and _pending(data) is not None:
            _conclude(_finished(data), as_json)  # an erasure of just this may have been interrupted
            return
        tell(account, as_json, lambda _: "nothing of that is there")
        return
    if dry_run or not as_json:
        tell(account, as_json, _shown)
    if dry_run:
        return
    if not yes and not (sys.stdin.isatty() and not as_json):
        raise Refusal(
            "yes", "this cannot be taken back, and there is nobody to ask", "Look with --dry-run, then add --yes"
        )
    if not yes:
        click.confirm("erase this for good?", abort=True)
    _conclude(_erased(data, target, reason), as_json)


def _conclude(found: dict[str, Any], as_json: bool) -> None:
    tell(found, as_json, _told)
    if not found["finished"]:
        sys.exit(1)


def _target(agent: str, items: tuple[str, ...], text: str) -> Target | None:
    named = [bool(agent), bool(items), bool(text)]
    if sum(named) > 1:
        raise click.UsageError("give one of --agent, --item and --match")
    if not any(named):
        return None
    ids = tuple(ItemId(one) for one in dict.fromkeys(map(as_kept, items)))
    return Target(agent=folded(agent) if agent else None, items=ids, text=text)


def _erased(data: Path, target: Target, reason: str) -> dict[str, Any]:
    async def work(unit: KnowledgeManagementUnit) -> dict[str, Any]:
        async with unit.upkeep.lock.held():
            found = await erasure.find(unit.ledger.read, target)
            needles = needles_of(target.text, [text for said in found.texts.values() for text in said])
            # First, as whoever finishes what was interrupted knows no text to look for.
            kept = remove_kept(data, found.texts, needles)
            begun = await erasure.begin(unit.ledger, target, agent=person(), reason=reason)
            whole = await _finish(unit, begun.plan)
        elsewhere = look_through(data, needles)
        return {
            "erased": begun.found.counts,
            "texts": [{"id": subject} for subject in begun.found.texts],  # without their beginnings: they are erased
            "plan": begun.plan,
            "finished": whole,
            "name_stays": target.agent is not None,
            "kept_texts": kept,
            "elsewhere": [str(file) for file in elsewhere.holding],
            "unread": [str(file) for file in elsewhere.unread],
            "exports": await _exports(unit.ledger, begun.found),
        }

    return with_unit(data, work)


def _pending(data: Path) -> PlanId | None:
    async def work(ledger: Ledger) -> PlanId | None:
        return await ledger.read.pending_erasure()

    return with_ledger(data, "", work)


def _finished(data: Path) -> dict[str, Any]:
    async def work(unit: KnowledgeManagementUnit) -> dict[str, Any]:
        async with unit.upkeep.lock.held():
            plan = await unit.ledger.read.pending_erasure()
            # None: somebody else came first
            whole = plan is None or await _finish(unit, plan)
        return {"plan": plan, "finished": whole}

    return with_unit(data, work)


async def _finish(unit: KnowledgeManagementUnit, plan: PlanId) -> bool:
    shutil.rmtree(unit.upkeep.rota.data / STAGE, ignore_errors=True)  # a restore that was killed may have left it
    view = unit.ledger.read
    total = sum([await view.count("general"), await view.count("prompt")])
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=total, label="making the tables anew", file=sys.stderr, hidden=hidden) as bar:
        return await erasure.finish(
            unit.ledger, unit.spaces, plan, agent=person(), progress=lambda done: bar.update(done - bar.pos)
        )


async def _exports(ledger: Ledger, found: Found) -> dict[str, Any]:
    """Exports made since the first of the texts came: they may hold them."""
    now = ledger.clock()
    since = now - max(age(subject, now) for subject in found.texts) if found.texts else now
    count, latest = await ledger.read.exported_since(since)
    return {"count": count, "latest": latest.isoformat() if latest else None}


async def _account(view: LedgerView, found: Found) -> dict[str, Any]:
    own = await view.others_own(found.texts, agent=person())
    texts = [
        {"id": subject, "own": True} if subject in own else {"id": subject, "begins": said[0] if said else ""}
        for subject, said in found.texts.items()
    ]
    return {"erased": found.counts, "texts": texts}


def _shown(found: dict[str, Any]) -> str:
    return "\n".join(_list(found))


def _list(found: dict[str, Any]) -> Iterator[str]:
    yield f"would erase {_counts(found['erased'])}"
    for one in found["texts"][:_SHOWN]:
        begins = OWN if "own" in one else quoted(one_line(one["begins"], room(30) or 80))
        yield f"  {one['id']}  {begins}"
    if (more := len(found["texts"]) - _SHOWN) > 0:
        yield f"  … and {more:,} more (--dry-run --json has all)"


def _told(found: dict[str, Any]) -> str:
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if not found["finished"]:
        yield f"{found['plan']}: nobody is shown it any more, but another process keeps an older state of the ledger"
        yield hint("to take it out of the files too, once that has ended: fleetlore forget")
    elif "erased" in found:
        yield f"erased {_counts(found['erased'])} for good"
    else:
        yield f"finished {found['plan']}: nothing of it is left in fleetlore's own files"
    if found.get("kept_texts"):
        yield f"and {counted(found['kept_texts'], 'text')} that 'fleetlore edit' had kept"
    for title, files in (
        ("still holds it", found.get("elsewhere", ())),
        ("cannot be searched", found.get("unread", ())),
    ):
        yield from (f"{title}: {file}" for file in files)
    if found.get("name_stays"):
        yield "the name itself stays in what is on record, which cannot be changed"
    exports = found.get("exports")
    if exports and exports["count"]:
        latest = f"the latest at {moment(exports['latest'])}"
        yield f"{counted(exports['count'], 'export')} made since it came may still hold it, {latest}"
    yield hint("backups of the data directory elsewhere still hold it, and what other stores have imported")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(counted(count, _NOUNS[name]) for name, count in counts.items() if count)
