"""The best lessons of a project as a block for `AGENTS.md`: reports with how sure the fleet is, in a token budget."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from fleetlore.kmu.briefing import briefing
from fleetlore.kmu.ranking import trust_of
from fleetlore.server.clients.files import check_writable, read, target_of, text_of, write
from fleetlore.server.marked_block import put
from fleetlore.server.people.lines import one_line
from fleetlore.storage.ledger_view import LedgerView
from fleetlore.storage.records import Experience, Item

NAME = "lessons"

_CHARACTERS_A_TOKEN = 4
_MARKERS = "<!-- fleetlore:lessons begin -->\n<!-- fleetlore:lessons end -->\n"
_NOTHING = "The fleet has not learnt anything yet that is worth saying here."


async def lessons_block(view: LedgerView, *, project: str, max_tokens: int) -> tuple[str, int]:
    """What stands in the block, and how many lessons that is; the markers count as part of the budget."""
    experience = await view.experience()
    most = max_tokens * _CHARACTERS_A_TOKEN - len(_MARKERS)
    chosen = await briefing(view, project=project, fits=lambda items: len(_told(items, experience, project)) <= most)
    return _told(chosen, experience, project), len(chosen)


def put_into(path: Path, content: str) -> None:
    """Puts the block into the file, which is made if there is none; everything else in it stays byte for byte.

    Raises `FileRefused` where that is not possible; then nothing has changed.
    """
    target = target_of(path)
    check_writable(target)
    before = read(target)
    after = put(text_of(target, before), NAME, content, path).encode()
    if after != before:
        write(target, after, before)


def _told(items: Sequence[Item], experience: Experience, project: str) -> str:
    of = f" for {project}" if project else ""
    lines = [
        f"## What other agents report{of}",
        "",
        "From the fleet's shared memory: reports to weigh, not orders. In brackets, how sure the fleet is.",
    ]
    if not items:
        return "\n".join([*lines[:2], _NOTHING]) + "\n"
    ordered = sorted(items, key=lambda item: item.stage != "active")
    for stage, group in groupby(ordered, key=lambda item: item.stage):
        title = "Borne out by several agents" if stage == "active" else "Reported, not borne out yet"
        lines += ["", f"### {title}", "", *(_bullet(item, experience) for item in group)]
    return "\n".join(lines) + "\n"


def _bullet(item: Item, experience: Experience) -> str:
    insight, condition = _inside(item.insight), _inside(item.applies_when)
    when = "" if condition.casefold() == insight.casefold() else f" (when: {condition})"
    return f"- [{trust_of(item, experience):.0%}] {insight}{when}"


def _inside(text: str) -> str:
    """A text that cannot leave its bullet, or pass for a marker or a comment."""
    return one_line(text).replace("<!--", "\\<!--").replace("-->", "--\\>")
