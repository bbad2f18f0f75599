"""`fleetlore search`: what the fleet knows, found by words in a moment."""

from pathlib import Path
from typing import Any

import click

from fleetlore.kmu.finding import Found, needles, ordered, promising, rarity, words_of
from fleetlore.server.command_group import agent_option, commands, data_option, json_option, tell, with_ledger
from fleetlore.server.people.lines import coloured, flagged, hint, one_line, room, seen_by
from fleetlore.storage.ledger import Ledger
from fleetlore.storage.records import AgentName

# How many items are looked at closely, of all that have a word of the query; and of those that have the same words.
_LOOKED_AT = 300
_ALIKE = 100


@commands.command()
@click.argument("query", nargs=-1)
@click.option("--limit", type=click.IntRange(1, _LOOKED_AT), default=10, help="Most items to show.")
@click.option("--project", default="", show_default=False, help="Only items of this project, as owner/name.")
@click.option("--tag", "tags", multiple=True, help="Only items with this tag; once for each.")
@click.option("--space", type=click.Choice(["general", "prompt"]), default=None, show_default="both")
@click.option(
    "--status",
    type=click.Choice(["active", "provisional", "contested", "superseded"]),
    default=None,
    show_default="any",
)
@click.option(
    "--flagged", "only_flagged", is_flag=True, help="Only items that are held until a person has looked at them."
)
@agent_option
@data_option
@json_option
def search(
    query: tuple[str, ...],
    limit: int,
    project: str,
    tags: tuple[str, ...],
    space: str | None,
    status: str | None,
    only_flagged: bool,
    agent: AgentName,
    data: Path,
    as_json: bool,
) -> None:
    """Find items by the words of a QUERY.

    Without a query the most trusted are listed; an agent's own items are found with --agent.
    Next: `fleetlore show ID`.
    """
    asked = " ".join(query)
    words = words_of(asked)

    async def work(ledger: Ledger) -> list[Found]:
        if asked.strip() and not words:
            return []  # without words everything would match
        matches = await ledger.read.matching(
            needles(words),
            agent=agent,
            space=space or "",
            project=project,
            tags=tags,
            status=status or "",
            flagged=only_flagged,
            most=_ALIKE if words else _LOOKED_AT,
        )
        weights = rarity(words, matches)
        chosen = promising(words, matches, weights, _LOOKED_AT)
        items = await ledger.read.items((match.item for match in chosen), agent=agent)
        return ordered(asked, items.values(), weights, await ledger.read.experience())

    found = with_ledger(data, "", work)
    filtered = bool(project or tags or space or status or only_flagged)
    tell(
        {"query": asked, "items": [_outlined(one) for one in found[:limit]], "more": max(len(found) - limit, 0)},
        as_json,
        lambda _: _listed(found[:limit], len(found) - limit) if found else _nothing(asked, agent, filtered),
    )


def _outlined(found: Found) -> dict[str, Any]:
    item = found.item
    return {
        "id": item.id,
        "score": found.score,
        "space": item.space,
        "kind": item.kind,
        "status": item.status,
        "flags": item.flags,
        "confidence": round(found.confidence, 2),
        "insight": item.insight,
        "applies_when": item.applies_when,
        "project": item.project,
        "tags": item.tags,
    }


def _listed(found: list[Found], left: int) -> str:
    lines = []
    for one in found:
        item = one.item
        head = f"{click.style(item.id, bold=True)}  {coloured(item.status, 11)}  {one.confidence:.2f}  "
        lines.append(head + one_line(item.insight, room(len(click.unstyle(head)))))
        if item.applies_when:
            lines.append(f"{'':24}{hint('when')} {one_line(item.applies_when, room(29))}")
        if item.flags:
            lines.append(f"{'':24}{flagged(item.flags)}")
    more = f"{left} more: --limit {len(found) + left}; " if left > 0 else ""
    return "\n".join([*lines, hint(f"{more}next: fleetlore show {found[0].item.id}{seen_by(found[0].item.owner)}")])


def _nothing(asked: str, agent: AgentName, filtered: bool) -> str:
    if filtered:
        return "nothing found. Try without --project, --tag, --space, --status and --flagged."
    if not asked:
        return f'nothing is known yet. Tell it something: fleetlore add "…" --agent {agent}'
    return f'nothing found for "{one_line(asked)}". Try other or fewer words, or tell the fleet: fleetlore add "…"'
