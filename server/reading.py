"""The commands that read a data directory and change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleetlore.server.command_group import commands, data_option, json_option, tell, with_ledger
from fleetlore.server.people.lines import coloured, counted, hint
from fleetlore.server.status import answered, describe
from fleetlore.storage.ledger import Ledger

if TYPE_CHECKING:
    from fleetlore.kmu.gaps import Gap

_WORTH_TELLING = 50_000  # bytes
_CONNECT = "connect an assistant: fleetlore install"


@commands.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show what a data directory holds and how it is."""

    async def work(ledger: Ledger) -> dict[str, Any]:
        trouble = ledger.trouble
        return await describe(ledger, data, degraded={trouble.part: str(trouble)} if trouble else {})

    found = with_ledger(data, "", work)
    tell({"data": str(data)} | found, as_json, _status_text)


@commands.command()
@data_option
@click.option("--limit", type=click.IntRange(1), default=20, help="Most gaps to show.")
@json_option
def gaps(data: Path, limit: int, as_json: bool) -> None:
    """Show where the fleet fails and knows nothing reliable, most to be gained first."""
    from fleetlore.kmu.exploration import Exploration  # noqa: PLC0415  the embedder's weights take a while to load
    from fleetlore.storage.embedding import load_embedder  # noqa: PLC0415

    async def work(ledger: Ledger) -> tuple[Gap, ...]:
        embedder = load_embedder(ledger.info.embedder)
        return await Exploration(ledger, lambda: embedder).find()

    found = with_ledger(data, "", work)
    names = ("id", "name", "tasks", "failures", "expected_gain", "example")
    told = [{name: getattr(gap, name) for name in names} for gap in found[:limit]]
    tell({"gaps": told, "more": max(len(found) - limit, 0)}, as_json, _gaps_text)


@commands.command()
@data_option
@json_option
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also draw the learning curve to this .png or .svg.",
)
def report(data: Path, as_json: bool, picture: Path | None) -> None:
    """Show what knowledge is worth: success at first with it and without, what was expected, the learning curve."""
    from fleetlore.server.picture import SUFFIXES, draw  # noqa: PLC0415
    from fleetlore.server.worth import measured, report_of, report_text  # noqa: PLC0415

    if picture is not None and picture.suffix not in SUFFIXES:
        raise click.BadParameter(f"{picture} must end in {' or '.join(SUFFIXES)}", param_hint="--picture")
    found, items = with_ledger(data, "", measured)
    if picture is not None:
        draw(found, picture)
    tell(report_of(found), as_json, lambda told: "\n\n".join([report_text(found, items), *_report_hints(told)]))


def _status_text(found: dict[str, Any]) -> str:
    lines = []
    for space, counts in found["items"].items():
        detail = ", ".join(f"{count:,} {coloured(status)}" for status, count in counts.items())
        lines.append(f"{space + ' space':<16}{sum(counts.values()):,} items{f' ({detail})' if detail else ''}")
    receipts, held = found["receipts"], found["held"]
    rows = {
        "pruned": f"{found['pruned']:,} items",
        **({"held": f"{counted(held, 'item')} until a person has looked: fleetlore search --flagged"} if held else {}),
        "agents": f"{found['agents']:,}",
        "feedback": f"{found['feedback']:,}",
        "receipts": answered(receipts["given"], receipts["answered"], receipts["implicit_only"]),
        **({"archived": f"{found['archived']:,} of the receipts"} if found["archived"] else {}),
        "learning": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found["learning"].items()),
        "disk": f"{found['disk_bytes'] / 1e6:,.1f} MB in {found['data']}{_parts(found['disk'])}",
        "upkeep": _upkeep(found["maintainer"]),
        "embedder": found["embedder"],
        "versions": f"fleetlore {found['version']}, SQLite {found['sqlite']}, LanceDB {found['lancedb']}",
        "health": click.style(found["status"], fg="green" if found["status"] == "ok" else "red"),
        **{part: click.style(why, fg="red") for part, why in found["degraded"].items()},
    }
    lines += [f"{name:<16}{value}" for name, value in rows.items()]
    lines += [f"{'note':<16}{note}" for note in found["notes"]]
    if not any(sum(counts.values()) for counts in found["items"].values()):
        lines.append(hint('next: nothing is known yet: fleetlore import AGENTS.md, or fleetlore add "…"'))
    elif not receipts["given"]:
        lines.append(hint(f"next: {_CONNECT}"))
    return "\n".join(lines)


def _parts(disk: dict[str, int]) -> str:
    parts = ", ".join(f"{part} {size / 1e6:,.1f}" for part, size in disk.items() if size >= _WORTH_TELLING)
    return f" ({parts})" if parts else ""


def _upkeep(maintainer: dict[str, Any] | None) -> str:
    if maintainer is None:
        return "no server runs; what it does waits until one does"
    return "process {process} on {host} since {since}, {doing}".format_map(maintainer)


def _gaps_text(found: dict[str, Any]) -> str:
    if not found["gaps"]:
        return "no gaps: nothing fails time and again without anything reliable being known"
    lines = []
    for gap in found["gaps"]:
        counts = f"{counted(gap['tasks'], 'task')}, {gap['failures']} failed"
        lines.append(f"{gap['id']}  gain {gap['expected_gain']:.4f}  {counts}: {gap['name']} (as in {gap['example']})")
    if found["more"]:
        lines.append(f"… and {found['more']} more (--limit)")
    example = found["gaps"][0]["example"]
    return "\n".join([*lines, hint(f'next: fleetlore why {example}; if you know what helps: fleetlore add "…"')])


def _report_hints(found: dict[str, Any]) -> list[str]:
    """What is missing for the report to say more."""
    if not found["receipts"]:
        return [hint(f"next: nobody has asked yet: {_CONNECT}")]
    if not found["answered"]:
        return [hint("next: nobody has reported back yet: fleetlore install adds hooks that ask for it")]
    if not found["held_out"]["of"]:
        return [hint("next: fleetlore serve --hold-out 0.1 measures what knowledge adds")]
    return []
